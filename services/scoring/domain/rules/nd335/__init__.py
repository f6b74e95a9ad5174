"""Rule set nd335: 100 points a month or quarter, 30 common and 70 for results (NĐ 335/2025/NĐ-CP)."""
