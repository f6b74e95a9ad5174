"""Dates as people write them."""

from datetime import date


def day_month_year(day: date | None, missing: str = "") -> str:
    """14/06/2024, or `missing` when there is no day."""
    return f"{day:%d/%m/%Y}" if day else missing
