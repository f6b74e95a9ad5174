"""Rule set nd90: rating by level, without points (NĐ 90/2020/NĐ-CP, NĐ 48/2023/NĐ-CP)."""
