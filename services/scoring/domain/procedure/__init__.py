"""The evaluation procedure of a year: a module for each part, each command next to the function that decides it.

Rule set, periods, proposal, self-assessment, meeting, opinion, decision, appeal (NĐ 90/2020 Đ17-18, NĐ 335/2025 Đ10 and
Đ21-22). The system computes and proposes; the competent person decides.
"""
