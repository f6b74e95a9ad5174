"""Calendar moments inside a deadline's words: dates, months, quarters, halves and years as people write them."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from shared.calendar import last_day

USED = "\0"  # stands for letters that a moment has used up, so that positions keep their meaning
YEARS = range(2000, 2100)
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
NUMBERS = {"ba": 3, "sau": 6, "chin": 9}

QUARTER = r"(?:iv|i{1,3}|[1-4])(?![a-z0-9])"
JOIN = r"\s*(?:,|;|va|-|&|\+|den)\s*"
YEAR = r"(?:\s*[/.,\-(]?\s*(?:nam\s*)?(?P<y>20\d\d)(?!\d)\)?)?"

Span = tuple[date, date]


def _day(match: re.Match[str], year: int) -> list[Span]:
    day = date(year, int(match["m"]), int(match["d"]))
    return [(day, day)]


def _days_of_month(match: re.Match[str], year: int) -> list[Span]:
    return [(date(year, int(match["m"]), int(match["from"])), date(year, int(match["m"]), int(match["d"])))]


def _months(first: int, last: int, year: int) -> Span:
    return date(year, first, 1), last_day(year, last)


def _list(text: str, number: str) -> tuple[list[str], bool]:
    """The numbers of a list, and whether the last two are joined as a range."""
    return re.findall(number, text), bool(re.search(r"(?:\bden\b)", text))


def _quarter_list(match: re.Match[str], year: int) -> list[Span]:
    names, is_range = _list(match["list"], QUARTER)
    quarters = [ROMAN.get(name) or int(name) for name in names]
    if is_range:
        return [_months(quarters[0] * 3 - 2, quarters[-1] * 3, year)]
    return [_months(quarter * 3 - 2, quarter * 3, year) for quarter in quarters]


def _month_list(match: re.Match[str], year: int) -> list[Span]:
    names, is_range = _list(match["list"], r"\d{1,2}")
    months = [int(name) for name in names]
    if is_range:
        return [_months(months[0], months[-1], year)]
    return [_months(month, month, year) for month in months]


def _part_of_year(match: re.Match[str], year: int) -> list[Span]:
    count = NUMBERS.get(match["n"]) or int(match["n"])
    return [_months(1, count, year) if match["part"] == "dau" else _months(13 - count, 12, year)]


def _year(_match: re.Match[str], year: int) -> list[Span]:
    return [_months(1, 12, year)]


# Longer forms first: each uses up its letters before a shorter one could misread them.
FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], list[Span]]], ...] = (
    (re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"), _day),
    (
        re.compile(
            r"(?<![\d/])(?P<from>\d{1,2})\s*(?:-|den)\s*(?P<d>\d{1,2})\s*/\s*(?P<m>\d{1,2})(?:\s*/\s*(?P<y>20\d\d))?(?![\d/])"
        ),
        _days_of_month,
    ),
    (re.compile(r"(?<![\d/])(?P<d>\d{1,2})\s*[/.\-]\s*(?P<m>\d{1,2})\s*[/.\-]\s*(?P<y>\d{4}|\d\d)(?!\d)"), _day),
    (re.compile(r"(?<![\d/])(?P<d>\d{1,2})\s*thang\s*(?P<m>\d{1,2})(?!\d)" + YEAR), _day),
    (
        re.compile(r"(?<![\w/])(?P<n>\d{1,2}|ba|sau|chin)\s*thang\s*(?P<part>dau|cuoi)\s*(?:cua\s*)?nam" + YEAR),
        _part_of_year,
    ),
    (
        re.compile(rf"(?<!\w)q(?:u[yi])?\.?\s*(?P<list>{QUARTER}(?:{JOIN}(?:q(?:u[yi])?\.?\s*)?{QUARTER})*)" + YEAR),
        _quarter_list,
    ),
    (
        re.compile(rf"(?<!\w)thang\s*(?P<list>\d{{1,2}}(?!\d)(?:{JOIN}(?:thang\s*)?\d{{1,2}}(?![\d/]))*)" + YEAR),
        _month_list,
    ),
    (re.compile(r"(?<![\d/.,\-])(?P<d>\d{1,2})\s*/\s*(?P<m>\d{1,2})(?![\d/%])" + YEAR), _day),
    (re.compile(r"(?:(?<=ngay )|(?<=truoc )|(?<=den )|^)(?P<d>\d{1,2})[.\-](?P<m>\d{1,2})(?![\d/%.\-])"), _day),
    (re.compile(r"(?<![\d/])(?P<list>\d{1,2})\s*[/\-]\s*(?P<y>20\d\d)(?!\d)"), _month_list),
    (re.compile(r"(?<!\w)(?:ca|trong|cuoi|het|trong ca|den cuoi)\s+nam(?!\s+hoc)(?:\s+nay)?" + YEAR), _year),
    (re.compile(r"(?<!\w)nam\s+(?P<y>20\d\d)(?!\d)"), _year),
    (re.compile(r"^(?P<y>20\d\d)$"), _year),
)

# What stands before a moment and changes it; these words are used up with it.
CLOCK = re.compile(r"(?:(?<!\w)truoc\s*)?\d{1,2}\s*(?:h|g|gio|:)\s*(?:\d{2})?(?:\s*phut)?\s*,?\s*(?:ngay\s*)?$")
UP_TO_AND_ON = re.compile(r"(?<!\w)truoc\s*(?:(?:va|hoac|,)\s*(?:trong|dung|ngay)|het|cuoi)\s*(?:ngay\s*)?$")
BEFORE = re.compile(r"(?<!\w)truoc\s*(?:thoi diem\s*)?(?:ngay\s*)?$")
ONLY_A_START = re.compile(r"(?<!\w)(?:ke tu|tu|sau|bat dau)\s*(?:ngay\s*)?(?:dau\s*)?$")
VAGUE = re.compile(r"(?<!\w)(?:dau|giua|khoang|tuan\s+\w+(?:\s+cua)?)\s*(?:ngay\s*)?$")
# Thirds of a month (thượng, trung, hạ tuần) end on day 10, on day 20 and with the month.
THIRD = re.compile(r"(?<!\w)(?:(?P<first>thuong)|(?P<second>trung)|ha)\s+tuan\s*(?:cua\s*)?$")
FILLING = re.compile(r"(?:(?<!\w)(?:ngay\s+cuoi(?:\s+cung)?(?:\s+cua)?|ngay|cuoi|het|trong|vao)\s*)+$")
WITHIN_A_RANGE = re.compile(r"^\s*(?:den|toi|cho den|-|->)\s*(?:(?:het|ngay|cuoi)\s*)*$")


class Moment(msgspec.Struct, frozen=True):
    """The last day that is still in time (None: vague or impossible) and where its words stand."""

    day: date | None
    start: int
    end: int
    has_year: bool


def find(folded: str, year: int) -> tuple[list[Moment], str]:
    """Every moment in the text in order, and the text with their words used up.

    One that names no year lies in `year`; a range counts as its end; the year alone counts only when nothing else does
    ("Kế hoạch năm 2024 trước 15/7" names one deadline).
    """
    tokens: list[tuple[re.Match[str], list[Span] | None, bool]] = []
    rest = folded
    for form, read in FORMS:
        for match in form.finditer(rest):
            tokens.append((match, _spans(match, read, year), read is _year))
            rest = _use(rest, match.start(), match.end())
    if any(not whole_year for _, _, whole_year in tokens):
        tokens = [token for token in tokens if not token[2]]
    tokens.sort(key=lambda token: token[0].start())
    moments: list[Moment] = []
    for match, spans, _ in tokens:
        start, days = _modified(folded, match, moments[-1].end if moments else 0, spans)
        if moments and WITHIN_A_RANGE.match(folded[moments[-1].end : match.start()]):
            start = moments.pop().start
        has_year = bool(match.groupdict().get("y"))
        moments.extend(Moment(day, start, match.end(), has_year) for day in days)
        rest = _use(rest, start, match.end())
    return moments, rest


def _spans(match: re.Match[str], read: Callable[[re.Match[str], int], list[Span]], year: int) -> list[Span] | None:
    written = match.groupdict().get("y")
    in_year = year if not written else int(written) + (2000 if len(written) == 2 else 0)
    try:
        return read(match, in_year) if in_year in YEARS else None
    except ValueError:  # such as 31/6 or tháng 13
        return None


def _modified(
    folded: str, token: re.Match[str], previous_end: int, spans: list[Span] | None
) -> tuple[int, list[date | None]]:
    """Where the moment starts with the words that change it, and its last days in time."""
    start = token.start()
    head = folded[previous_end:start]
    whole_range = token.groupdict().get("from") or " den " in token[0]

    def used(match: re.Match[str]) -> int:
        return previous_end + match.start()

    if third := THIRD.search(head):
        if not spans or len(spans) != 1:
            return used(third), [None]
        first, last = spans[0]
        day = first.replace(day=10) if third["first"] else first.replace(day=20) if third["second"] else last
        return used(third), [day]
    for vague in (ONLY_A_START, VAGUE):
        if found := vague.search(head):
            return used(found), _last_days(spans) if whole_range else [None]
    for through in (CLOCK, UP_TO_AND_ON):
        if found := through.search(head):
            return used(found), _last_days(spans)
    if found := BEFORE.search(head):
        return used(found), [None] if spans is None else [first - timedelta(days=1) for first, _ in spans]
    found = FILLING.search(head)
    return used(found) if found else start, _last_days(spans)


def _last_days(spans: list[Span] | None) -> list[date | None]:
    return [None] if spans is None else [last for _, last in spans]


def _use(text: str, start: int, end: int) -> str:
    return text[:start] + USED * (end - start) + text[end:]
