"""Every refusal of the service: what the rules of reminding do not allow, in words for people."""

from shared.refusal import Refusal
from shared.refusals import CODE_NOT_PLAIN, NOT_IN_POST, STAFF_UNKNOWN, TASK_UNKNOWN, TEXT_TOO_LONG

# Who asks

STAFF_ONLY = Refusal("staff-only", "Chỉ dành cho người giữ chức vụ", "Đăng nhập với mã cán bộ của xã rồi làm lại.", 403)

# Reminders

REMINDER_UNKNOWN = Refusal(
    "reminder-unknown",
    "Không có lần nhắc này",
    "Không có lần nhắc {reminder} trong xã. Xem danh sách để lấy đúng mã.",
    404,
)
REMINDER_OF_ANOTHER = Refusal(
    "reminder-of-another", "Tin của người khác", "Chỉ xem và xác nhận được tin nhắc của chính mình.", 403
)
REMINDER_NOT_FAILED = Refusal(
    "reminder-not-failed",
    "Không cần gửi tay",
    "Lần nhắc {reminder} chưa gửi hỏng đến cùng, nên không ghi là gửi tay. Xem lại trạng thái của tin.",
)

# Preferences, addresses, endpoints

PREFERENCES_OF_ANOTHER = Refusal(
    "preferences-of-another",
    "Lựa chọn của người khác",
    "Chỉ Văn phòng mới đổi được lựa chọn nhận tin của người khác.",
    403,
)
CHANNEL_UNKNOWN = Refusal(
    "channel-unknown", "Không có kênh này", "Không có kênh {channel}. Các kênh chọn được: inbox, email, apprise.", 422
)
CHANNEL_WITHOUT_ADDRESSES = Refusal(
    "channel-without-addresses",
    "Kênh này không ghi địa chỉ",
    "Kênh {channel} không ghi địa chỉ ở đây. Chỉ kênh apprise có địa chỉ riêng; thư đi theo địa chỉ trong hồ sơ.",
    422,
)
INBOX_STAYS = Refusal(
    "inbox-stays",
    "Không tắt được hộp tin",
    "Hộp tin trong hệ thống luôn nhận tin nhắc. Chỉ tắt được các kênh khác.",
    422,
)
ENDPOINT_UNKNOWN = Refusal(
    "endpoint-unknown",
    "Không có địa chỉ webhook này",
    "Không có địa chỉ webhook {endpoint}. Xem danh sách để lấy đúng mã.",
    404,
)
ENDPOINT_URL = Refusal(
    "endpoint-url",
    "Không gửi được đến địa chỉ này",
    "Địa chỉ webhook không dùng được ({reason}). Dùng https với máy có địa chỉ công khai trên Internet.",
    422,
)

# The policy

POLICY_ID_TAKEN = Refusal("policy-id-taken", "Mã chính sách đã dùng", "Mã {policy} đã có. Đặt mã khác cho bản sửa.")
POLICY_RULES = Refusal("policy-rules", "Số quy tắc không hợp lệ", "Chính sách có từ 1 đến {most} quy tắc.", 422)
POLICY_RULE_TWICE = Refusal(
    "policy-rule-twice", "Trùng tên quy tắc", "Quy tắc {rule} trùng tên hoặc dùng tên dành riêng. Đặt tên khác.", 422
)
POLICY_BASE = Refusal(
    "policy-base", "Mốc tính không dùng được", "Quy tắc {rule}: không đặt được mốc {base} trong chính sách.", 422
)
POLICY_AUDIENCE = Refusal(
    "policy-audience", "Người nhận không hợp lệ", "Quy tắc {rule}: người nhận chỉ có thể là {allowed}.", 422
)
POLICY_INBOX = Refusal("policy-inbox", "Thiếu hộp tin", "Quy tắc {rule}: phải có kênh inbox để không ai mất tin.", 422)
POLICY_OFFSET = Refusal(
    "policy-offset", "Số ngày không hợp lệ", "Quy tắc {rule}: số ngày làm việc phải từ {lowest} đến {highest}.", 422
)
POLICY_SAME_OFFSET = Refusal(
    "policy-same-offset", "Hai quy tắc cùng lúc", "Quy tắc {rule} và {other} cùng một ngày, một giờ. Gộp làm một.", 422
)
POLICY_ESCALATION = Refusal(
    "policy-escalation", "Báo cấp trên quá sớm", "Quy tắc {rule}: chỉ báo lên cấp trên khi đã quá hạn.", 422
)
POLICY_NEVER_OPEN = Refusal(
    "policy-never-open",
    "Không còn giờ gửi",
    "Các khoảng yên lặng phủ kín cả ngày nên không tin nào gửi được. Bớt lại.",
    422,
)

# Urging slips

WORKING_CALENDAR_MISSING = Refusal(
    "working-calendar-missing",
    "Chưa có lịch làm việc",
    "Năm {year} chưa công bố lịch làm việc nên không tính được ngày làm việc. Công bố lịch năm đó trước.",
    formerly=("no-working-calendar",),
)
SLIP_NOT_OPEN = Refusal(
    "slip-not-open",
    "Nhiệm vụ không còn chờ kết quả",
    "Nhiệm vụ {task} đã báo cáo hoặc đã kết thúc; chỉ lập phiếu đôn đốc cho nhiệm vụ quá hạn đang mở.",
)
SLIP_NOT_OVERDUE = Refusal(
    "slip-not-overdue", "Nhiệm vụ chưa quá hạn", "Nhiệm vụ {task} chưa quá hạn. Dùng nhắc việc thay cho phiếu đôn đốc."
)
SLIP_LEAD_LEFT = Refusal(
    "slip-lead-left",
    "Người chủ trì đã thôi giữ chức vụ",
    "{lead} không còn giữ chức vụ ở xã. Giao lại nhiệm vụ cho người khác rồi đôn đốc.",
)
SLIP_REPLY_BY = Refusal("slip-reply-by", "Hạn trả lời đã qua", "Hạn trả lời phiếu đôn đốc phải từ ngày {on} trở đi.")
SLIP_TOO_MANY = Refusal(
    "slip-too-many",
    "Quá nhiều nhiệm vụ trong một lần",
    "Mỗi lần lập phiếu cho nhiều nhất {most} nhiệm vụ. Chia thành nhiều lần.",
)
SLIP_NUMBER = Refusal(
    "slip-number",
    "Mỗi phiếu một số",
    "Các nhiệm vụ này thành {count} phiếu. Bỏ trống số để văn thư ghi, hoặc lập từng phiếu.",
)
SLIP_SIGNER = Refusal(
    "slip-signer",
    "Không có thẩm quyền ký phiếu",
    "{staff} hiện không phải Chủ tịch, Phó Chủ tịch hay người của Văn phòng. Chọn người ký khác.",
)
SLIP_ISSUER = Refusal(
    "slip-issuer",
    "Không có thẩm quyền lập phiếu",
    "{by} hiện không phải Chủ tịch hay người của Văn phòng. Chuyển Văn phòng lập phiếu.",
    403,
)
SLIP_UNKNOWN = Refusal(
    "slip-unknown", "Không có phiếu này", "Không có phiếu đôn đốc {slip}. Xem danh sách phiếu để lấy đúng mã.", 404
)
SLIP_FILE_GONE = Refusal(
    "slip-file-gone",
    "Bản in của phiếu đã xóa",
    "Phiếu {slip} đã ghi trong nhật ký nhưng bản in không còn ở đây. Lập phiếu mới nếu cần.",
    410,
)
NAMES_AWAY = Refusal(
    "names-away",
    "Chưa đọc được họ tên",
    "Tạm thời chưa đọc được họ tên cán bộ để ghi vào phiếu. Thử lại sau ít phút.",
    503,
)

# The week and the month

DAY_TO_COME = Refusal(
    "day-to-come", "Ngày chưa tới", "Chưa đến ngày {on} nên chưa có số liệu. Chọn hôm nay hoặc ngày đã qua."
)
MONTH_OPEN = Refusal(
    "month-open",
    "Tháng chưa kết thúc",
    "Vai trò giám sát xem số liệu của tháng đã kết thúc. Chọn tháng trước tháng {month}.",
)
LOGS_BEHIND = Refusal(
    "logs-behind",
    "Nhật ký chưa về đủ",
    "Nhật ký công việc chưa về đủ nên chưa có số liệu đã chốt của tháng. Thử lại sau ít phút.",
    503,
)

ALL = (
    CODE_NOT_PLAIN,
    NOT_IN_POST,
    STAFF_UNKNOWN,
    TASK_UNKNOWN,
    TEXT_TOO_LONG,
    STAFF_ONLY,
    REMINDER_UNKNOWN,
    REMINDER_OF_ANOTHER,
    REMINDER_NOT_FAILED,
    PREFERENCES_OF_ANOTHER,
    CHANNEL_UNKNOWN,
    CHANNEL_WITHOUT_ADDRESSES,
    INBOX_STAYS,
    ENDPOINT_UNKNOWN,
    ENDPOINT_URL,
    POLICY_ID_TAKEN,
    POLICY_RULES,
    POLICY_RULE_TWICE,
    POLICY_BASE,
    POLICY_AUDIENCE,
    POLICY_INBOX,
    POLICY_OFFSET,
    POLICY_SAME_OFFSET,
    POLICY_ESCALATION,
    POLICY_NEVER_OPEN,
    WORKING_CALENDAR_MISSING,
    SLIP_NOT_OPEN,
    SLIP_NOT_OVERDUE,
    SLIP_LEAD_LEFT,
    SLIP_REPLY_BY,
    SLIP_TOO_MANY,
    SLIP_NUMBER,
    SLIP_SIGNER,
    SLIP_ISSUER,
    SLIP_UNKNOWN,
    SLIP_FILE_GONE,
    NAMES_AWAY,
    DAY_TO_COME,
    MONTH_OPEN,
    LOGS_BEHIND,
)
