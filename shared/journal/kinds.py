"""What the journal can say, declared once: a code for programs and the words for people."""

from typing import NamedTuple


class Kind(NamedTuple):
    """`code` is stable: noun, dot, what happened. `text`: what an inspector reads."""

    code: str
    text: str


# Names, addresses and files outside the log
PERSON_SAVED = Kind("person.saved", "Lưu họ tên, thư điện tử, điện thoại của người")
PERSON_ERASED = Kind("person.erased", "Xóa họ tên, thư điện tử, điện thoại của người")
UNIT_NAMED = Kind("unit.named", "Lưu tên bộ phận, thôn")
EVIDENCE_STORED = Kind("evidence.stored", "Lưu tệp minh chứng")
EVIDENCE_ERASED = Kind("evidence.erased", "Xóa tệp minh chứng")
UPLOAD_KEPT = Kind("upload.kept", "Giữ tệp nhập để xem trước")

# Where reminders go
ADDRESS_SAVED = Kind("address.saved", "Lưu địa chỉ nhận tin của người")
ADDRESS_ERASED = Kind("address.erased", "Xóa địa chỉ nhận tin của người")
ENDPOINT_ADDED = Kind("endpoint.added", "Thêm địa chỉ webhook, cấp khóa ký")
ENDPOINT_REMOVED = Kind("endpoint.removed", "Xóa địa chỉ webhook")
ENDPOINT_ENABLED = Kind("endpoint.enabled", "Dùng lại địa chỉ webhook đã ngừng")
ENDPOINT_DISABLED = Kind("endpoint.disabled", "Ngừng địa chỉ webhook vì nơi nhận báo không còn")

KINDS: dict[str, Kind] = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}
