"""The papers of the service: urging slips (.docx), the reports of a week and a month (.xlsx, A4 pages)."""
