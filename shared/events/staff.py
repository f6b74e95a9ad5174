"""People in post: who they are to the commune, when they were away, what they were disciplined for."""

from typing import Literal

from msgspec import UNSET, UnsetType, field

from shared.events.catalogue import event
from shared.events.values import AbsenceKind, Category, Data, Day, Role, StaffPin, Text


@event("staff.appointed", source="tasks", subject="staff/{staff}")
class StaffAppointed(Data):
    """A person takes a post. A new appointment replaces all attributes from `valid_from` on.

    `tracker` scores the periods, `rater` decides the year (default the chair); `external` = decided above.
    """

    staff: str
    category: Category
    roles: list[Role]
    post: str
    unit: str
    leader: bool
    valid_from: Day
    rated: bool = True
    similar_group: str | None = None
    leads_unit: str | None = None
    tracker: str | None = None
    rater: str | None = None
    service_from: Day | None = None


@event("staff.changed", source="tasks", subject="staff/{staff}")
class StaffChanged(Data):
    """Some attributes change from `valid_from` on; what is absent stays, null clears."""

    staff: str
    valid_from: Day
    category: Category | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    post: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    leader: bool | UnsetType = UNSET
    rated: bool | UnsetType = UNSET
    similar_group: str | UnsetType | None = UNSET
    leads_unit: str | UnsetType | None = UNSET
    tracker: str | UnsetType | None = UNSET
    rater: str | UnsetType | None = UNSET
    service_from: Day | UnsetType | None = UNSET
    reason: Text | None = None


@event("staff.left", source="tasks", subject="staff/{staff}")
class StaffLeft(Data):
    """`valid_to` is the last day in post."""

    staff: str
    valid_to: Day
    reason: Text | None = None


@event("staff.taken_over", source="tasks", subject="staff/{staff}")
class StaffTakenOver(Data):
    """Someone who came with a merger or a transfer inside this installation."""

    staff: str
    from_: StaffPin = field(name="from")
    valid_from: Day


@event("staff.absence_recorded", source="tasks", subject="staff/{staff}")
class AbsenceRecorded(Data):
    """An absence by its class for the rating; the reason itself is not recorded. The same id replaces the first."""

    staff: str
    absence: str
    kind: AbsenceKind
    from_: Day = field(name="from")
    to: Day | None = None
    substitute: str | None = None


@event("staff.disciplined", source="tasks", subject="staff/{staff}")
class StaffDisciplined(Data):
    """A disciplined act; it counts in one rating year only (NĐ 48/2023 Đ2 k5)."""

    staff: str
    act: str
    act_date: Day
    decision_date: Day
    of: Literal["party", "administration"]
    form: Literal[
        "khien_trach",
        "canh_cao",
        "ha_bac_luong",
        "giang_chuc",
        "cach_chuc",
        "buoc_thoi_viec",
        "khai_tru",
        "ket_luan",
    ]
    public_duty: bool
    degradation: bool
    used_in_year: int | None = None


@event("staff.discipline_withdrawn", source="tasks", subject="staff/{staff}")
class DisciplineWithdrawn(Data):
    staff: str
    act: str
    reason: Text
