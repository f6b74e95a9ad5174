"""What supervisors see of a month: numbers from which no single person's can be worked out (docs/adr/0031)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from services.notifications.domain import weekly
from services.notifications.domain.people import unit_on
from services.notifications.domain.records import Records, TaskRecord
from services.notifications.domain.weekly import FLOWS, STOCKS, FieldMonth, Month, Part, last_of, parts_of, summed
from shared.disclosure import LEAST, NOT_SHOWN, changed, is_small, withheld
from shared.events import end_of_day
from shared.reform import FIELDS

FEW = f"Lĩnh vực có việc trong tháng của {NOT_SHOWN}; lĩnh vực ít người nhất còn lại cũng không hiện nếu suy ra được."
FEW_IN_ALL = f"Cả xã có việc trong tháng của {NOT_SHOWN}."
STANDS = (
    "Việc đang thực hiện, quá hạn, chờ xác nhận cuối tháng: chỉ hiện cho cả xã; không hiện nếu của dưới "
    f"{LEAST} người, hoặc so với một tháng đã hiện thì chỉ khác phần của dưới {LEAST} người."
)


def published_month(records: Records, first: date) -> Month:
    """The month that begins on `first`, with `records` as they stood at its end: what happened in it, by field where
    enough people lead the tasks, and how things stand at its end for the whole commune alone."""
    last = last_of(first)
    tasks = list(records.tasks.values())
    by_field = {
        field: _parts(records, [task for task in tasks if task.field == field], last, FLOWS) for field in FIELDS
    }
    everybody = _parts(records, tasks, last, FLOWS)
    hidden = {*FIELDS} if is_small(everybody) else withheld(by_field)
    few = [FEW_IN_ALL] if is_small(everybody) else [FEW] if hidden else []
    stands = _stands(records, tasks, last)
    shown: dict[str, Part] = {} if is_small(everybody) else everybody
    total = summed(shown, () if is_small(everybody) else FLOWS)
    at_the_end = summed(stands or {}, () if stands is None else STOCKS)
    return msgspec.structs.replace(
        weekly.month(records, first, end_of_day(last)),
        complete=True,
        total=msgspec.structs.replace(total, **{name: getattr(at_the_end, name) for name in STOCKS}),
        fields=[
            FieldMonth(field, name, summed(by_field[field], () if field in hidden else FLOWS))
            for field, name in FIELDS.items()
        ],
        notes=[*few, STANDS],
    )


def _parts(records: Records, tasks: Sequence[TaskRecord], last: date, names: Sequence[str]) -> dict[str, Part]:
    """By person, their part in these numbers of the month that ends on `last`, of those who have one. What a unit leads
    is its head's part."""
    at = end_of_day(last)
    parts: dict[str, Part] = {}
    for lead, part in parts_of(tasks, last.replace(day=1), last, at).items():
        if any(part[name] for name in names):
            unit = unit_on(records, lead, last, at)
            mine = parts.setdefault(unit.head if unit and unit.head else lead, dict.fromkeys(names, 0))
            for name in names:
                mine[name] += part[name]
    return parts


def _stands(records: Records, tasks: Sequence[TaskRecord], last: date) -> Mapping[str, Part] | None:
    """By person, their part in how things stand on the last day of a month; None when that is not shown: the numbers
    are of few people, or differ from those of a month that is shown by the parts of few."""
    shown: list[dict[str, Part]] = []
    stands: dict[str, Part] = {}
    for end in _ends(records, last):
        stands = _parts(records, tasks, end, STOCKS)
        if is_small(stands) or any(is_small(changed(before, stands)) for before in shown):
            continue
        shown.append(stands)
        if end == last:
            return stands
    return None


def _ends(records: Records, last: date) -> Iterator[date]:
    """The last days of the months since the commune's log began, up to one."""
    commune = records.get("commune", records.commune)
    end = last_of(commune.moments[0].day.replace(day=1)) if commune else last
    while end <= last:
        yield end
        end = last_of(end + timedelta(days=1))
