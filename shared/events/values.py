"""Values that several events share."""

from datetime import date
from typing import Annotated, Literal, dataclass_transform, get_args

import msgspec
from msgspec import Meta

Day = date
Text = Annotated[str, Meta(description="Văn bản tự do; không ghi thông tin cá nhân.")]
# Reading checks the length only: a pattern would cost as much as the rest of the event, for each one ever read.
Sha256 = Annotated[str, Meta(min_length=64, max_length=64, extra_json_schema={"pattern": "^[0-9a-f]{64}$"})]
Decimal = Annotated[str, Meta(pattern=r"^\d+(\.\d+)?(/\d+)?$", description='Số đúng dạng chữ: "1.5", "1/5".')]

Category = Literal["can_bo", "cong_chuc", "khong_chuyen_trach", "truong_thon", "hop_dong", "dau_moi"]
AbsenceKind = Literal["insured", "protected", "unpaid", "other"]
Role = Literal[
    "chair", "vice_chair", "office", "staff", "village_head", "focal_point", "supervisor", "inspector", "admin"
]
ROLES: tuple[Role, ...] = get_args(Role)
# The roles of people in the posts of a commune; the others watch it or run the installation.
POST_ROLES: tuple[Role, ...] = ("chair", "vice_chair", "office", "staff", "village_head", "focal_point")
EXTERNAL = "external"  # in place of a staff id: decided above the commune
Roll = Literal["forward", "backward", "none"]
Origin = Literal["planned", "ad_hoc", "taken_over", "merged"]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class DataMeta(msgspec.StructMeta):
    """Tells type checkers what `Data` sets for all its subclasses."""


class Data(msgspec.Struct, metaclass=DataMeta, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The base of every event's data and of the values inside it."""


class Due(Data):
    """A deadline: the words as given, and the structure a person confirmed. `date` is what rules use, after rolling."""

    text: Text
    date: Day | None = None
    working_days: int | None = None
    after: Text | None = None
    cadence: Literal["week", "month", "quarter", "half", "year"] | None = None
    roll: Roll = "forward"
    calendar: str | None = None


class Recurrence(Data):
    """When each period's occurrence is due: `day` of the period's last month, moved by `month_offset` months."""

    every: Literal["month", "quarter", "half", "year"]
    day: Annotated[int, Meta(ge=1, le=31)] | Literal["last"]
    month_offset: int = 0


class Evidence(Data):
    """A file that proves a result. Its name and bytes lie beside the log, erasable."""

    sha256: Sha256
    size: int
    media_type: str


class Exceeded(Data):
    """ "Vượt mức": confirmed by a person with a reason, never inferred."""

    kind: Literal["early", "quantity", "value"]
    reason: Text
    confirmed_by: str


class Item(Data):
    """The row of an annex: sheet and number."""

    sheet: str
    no: str


class Pin(Data):
    """A position of another commune's log, with the hash of the event there."""

    commune: str
    position: int
    hash: Sha256


class TaskPin(Pin):
    task: str


class StaffPin(Pin):
    staff: str


class Input(Data):
    """A log and position that something was computed from."""

    source: str
    position: int
    hash: str
