"""Refusals that mean the same in every service, so that their code, words and status are the same too."""

from shared.refusal import Refusal

NOT_IN_POST = Refusal(
    "not-in-post",
    "Không giữ chức vụ",
    "{staff} không giữ chức vụ nào ở xã vào ngày này nên không được xem, không được ghi.",
    403,
    formerly=("holds-no-post",),
)
"""The person who asks, or for whom it is recorded that they acted, is in no post."""

STAFF_NOT_IN_POST = Refusal(
    "staff-not-in-post",
    "Không còn hoặc chưa giữ chức vụ",
    "{staff} không giữ chức vụ nào vào ngày này.",
    formerly=("not-in-post",),
)
"""A person that a command names, such as a task's lead, is in no post on the day it is about."""

STAFF_UNKNOWN = Refusal(
    "staff-unknown",
    "Không có người này",
    "Không có cán bộ, công chức nào mã {staff} ở xã. Kiểm tra lại mã.",
    404,
    formerly=("unknown-staff",),
)
UNIT_UNKNOWN = Refusal(
    "unit-unknown",
    "Không có bộ phận này",
    "Không có bộ phận, đơn vị nào mã {unit} ở xã. Kiểm tra lại mã, hoặc khai báo trước.",
    404,
    formerly=("unknown-unit",),
)
TASK_UNKNOWN = Refusal(
    "task-unknown",
    "Không có nhiệm vụ này",
    "Không có nhiệm vụ {task} ở xã. Kiểm tra lại mã nhiệm vụ, hoặc đợi dữ liệu về.",
    404,
    formerly=("unknown-task",),
)
DIRECTIVE_UNKNOWN = Refusal(
    "directive-unknown",
    "Không có văn bản này",
    "Không có chỉ thị {directive}. Xem danh sách chỉ thị, văn bản giao việc để lấy đúng mã.",
    404,
    formerly=("unknown-directive",),
)
CODE_NOT_PLAIN = Refusal(
    "code-not-plain",
    "Mã không dùng được",
    "Mã chỉ gồm chữ cái không dấu, chữ số, dấu chấm, gạch ngang, gạch dưới, nhiều nhất 64 ký tự, không có dấu cách."
    " Mã ở lại nhật ký mãi mãi nên không ghi họ tên. Hãy đặt mã khác, ví dụ p07, van-phong, vn-2025-r1.",
    422,
)
TEXT_TOO_LONG = Refusal(
    "text-too-long",
    "Nội dung quá dài",
    "Đoạn “{beginning}…” có {letters} ký tự, tối đa {most}. Hãy rút gọn rồi gửi lại.",
    422,
)
REASON_REQUIRED = Refusal("reason-required", "Thiếu lý do", "Hãy ghi lý do để đối chiếu sau này.")

# Files that somebody sent (shared/sandbox/running.py)

FILE_TOO_HEAVY = Refusal(
    "file-too-heavy",
    "Tệp quá nặng để đọc",
    "Đọc tệp này cần hơn {limit_mb} MB bộ nhớ nên đã dừng, chưa ghi gì. Hãy chép riêng phần cần sang tệp mới "
    "(dán giá trị), hoặc chia tệp, rồi tải lại.",
    422,
)
FILE_TOO_SLOW = Refusal(
    "file-too-slow",
    "Đọc tệp quá lâu",
    "Đọc tệp này mất hơn {limit_s} giây nên đã dừng, chưa ghi gì. Hãy chép riêng phần cần sang tệp mới "
    "(dán giá trị), hoặc chia tệp, rồi tải lại.",
    422,
)
FILE_UNREADABLE = Refusal(
    "file-unreadable",
    "Không đọc được tệp",
    "Chương trình đọc dừng giữa chừng vì nội dung tệp này, chưa ghi gì. Hãy mở tệp, lưu lại rồi tải lại; nếu vẫn "
    "vậy, gửi tệp cho người quản trị.",
    422,
)
