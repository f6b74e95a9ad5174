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
UPLOADS_ERASED = Kind("uploads.erased", "Xóa các tệp nhập đã giữ")
UPLOAD_KEPT = Kind("upload.kept", "Giữ tệp nhập để xem trước")

# Where reminders go
SLIPS_ERASED = Kind("slips.erased", "Xóa bản lưu phiếu đôn đốc có tên người")
ADDRESS_SAVED = Kind("address.saved", "Lưu địa chỉ nhận tin của người")
ADDRESS_ERASED = Kind("address.erased", "Xóa địa chỉ nhận tin của người")
ENDPOINT_ADDED = Kind("endpoint.added", "Thêm địa chỉ webhook, cấp khóa ký")
ENDPOINT_REMOVED = Kind("endpoint.removed", "Xóa địa chỉ webhook")
ENDPOINT_ENABLED = Kind("endpoint.enabled", "Dùng lại địa chỉ webhook đã ngừng")
ENDPOINT_DISABLED = Kind("endpoint.disabled", "Ngừng địa chỉ webhook vì nơi nhận báo không còn")

# What somebody read or took away: once a day for each who did
CONTACTS_READ = Kind("contacts.read", "Xem danh bạ (họ tên, thư điện tử, điện thoại)")
EVIDENCE_READ = Kind("evidence.read", "Tải tệp minh chứng")

# Who may come in, and who tried
SIGN_IN_ISSUED = Kind("sign_in.issued", "Cấp liên kết đăng nhập một lần")
SIGN_IN_REDEEMED = Kind("sign_in.redeemed", "Đăng nhập bằng liên kết một lần")
TOKEN_MINTED = Kind("token.minted", "Cấp mã truy cập")
KEY_USED = Kind("key.used", "Dùng một khóa ký lần đầu (khóa mới tạo hoặc mới thay)")
REQUEST_REFUSED = Kind("request.refused", "Từ chối yêu cầu")

# What operators do with the data as a whole
SCHEMA_MIGRATED = Kind("schema.migrated", "Đưa cơ sở dữ liệu lên lược đồ mới")
BACKUP_TAKEN = Kind("backup.taken", "Sao lưu")
BACKUP_RESTORED = Kind("backup.restored", "Phục hồi từ bản sao lưu")
JOURNAL_LEFT = Kind("journal.left", "Phục hồi: sổ đang có khác bản sao lưu, ở lại trong dữ liệu cất sang bên")
TAIL_TAKEN = Kind("tail.taken", "Lấy phần ghi sau bản sao lưu")
RECORDS_REBUILT = Kind("records.rebuilt", "Dựng lại dữ liệu đọc từ nhật ký")
LOG_IMPORTED = Kind("log.imported", "Nhận nhật ký đã xuất vào kho")
LOG_EXPORTED = Kind("log.exported", "Xuất nhật ký ra tệp")
BUNDLE_MADE = Kind("bundle.made", "Lập hồ sơ kiểm tra")

KINDS: dict[str, Kind] = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}
