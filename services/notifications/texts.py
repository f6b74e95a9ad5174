"""What the service says to people: refusals by code, with the HTTP status of each."""

# code → (title, detail)
TEXTS: dict[str, tuple[str, str]] = {
    "not-in-post": ("Không giữ chức vụ", "{staff} hiện không giữ chức vụ nào trong xã."),
    "staff-only": ("Chỉ dành cho người giữ chức vụ", "Đăng nhập với mã cán bộ của xã rồi làm lại."),
    "staff-unknown": ("Không có người này", "Không có ai mang mã {staff} trong xã. Kiểm tra lại mã cán bộ."),
    "reminder-unknown": (
        "Không có lần nhắc này",
        "Không có lần nhắc {reminder} trong xã. Xem danh sách để lấy đúng mã.",
    ),
    "reminder-of-another": ("Tin của người khác", "Chỉ xem và xác nhận được tin nhắc của chính mình."),
    "reminder-not-failed": (
        "Không cần gửi tay",
        "Lần nhắc {reminder} chưa gửi hỏng đến cùng, nên không ghi là gửi tay. Xem lại trạng thái của tin.",
    ),
    "preferences-of-another": (
        "Lựa chọn của người khác",
        "Chỉ Văn phòng mới đổi được lựa chọn nhận tin của người khác.",
    ),
    "channel-unknown": ("Không có kênh này", "Không có kênh {channel}. Các kênh chọn được: inbox, email, apprise."),
    "channel-without-addresses": (
        "Kênh này không ghi địa chỉ",
        "Kênh {channel} không ghi địa chỉ ở đây. Chỉ kênh apprise có địa chỉ riêng; thư đi theo địa chỉ trong hồ sơ.",
    ),
    "inbox-stays": ("Không tắt được hộp tin", "Hộp tin trong hệ thống luôn nhận tin nhắc. Chỉ tắt được các kênh khác."),
    "endpoint-unknown": (
        "Không có địa chỉ webhook này",
        "Không có địa chỉ webhook {endpoint}. Xem danh sách để lấy đúng mã.",
    ),
    "endpoint-url": (
        "Không gửi được đến địa chỉ này",
        "Địa chỉ webhook không dùng được ({reason}). Dùng https với máy có địa chỉ công khai trên Internet.",
    ),
    "policy-id-taken": ("Mã chính sách đã dùng", "Mã {policy} đã có. Đặt mã khác cho bản sửa."),
    "policy-rules": ("Số quy tắc không hợp lệ", "Chính sách có từ 1 đến {most} quy tắc."),
    "policy-rule-twice": ("Trùng tên quy tắc", "Quy tắc {rule} trùng tên hoặc dùng tên dành riêng. Đặt tên khác."),
    "policy-base": ("Mốc tính không dùng được", "Quy tắc {rule}: không đặt được mốc {base} trong chính sách."),
    "policy-audience": ("Người nhận không hợp lệ", "Quy tắc {rule}: người nhận chỉ có thể là {allowed}."),
    "policy-inbox": ("Thiếu hộp tin", "Quy tắc {rule}: phải có kênh inbox để không ai mất tin."),
    "policy-offset": ("Số ngày không hợp lệ", "Quy tắc {rule}: số ngày làm việc phải từ {lowest} đến {highest}."),
    "policy-same-offset": ("Hai quy tắc cùng lúc", "Quy tắc {rule} và {other} cùng một ngày, một giờ. Gộp làm một."),
    "policy-escalation": ("Báo cấp trên quá sớm", "Quy tắc {rule}: chỉ báo lên cấp trên khi đã quá hạn."),
    "policy-never-open": (
        "Không còn giờ gửi",
        "Các khoảng yên lặng phủ kín cả ngày nên không tin nào gửi được. Bớt lại.",
    ),
    "task-unknown": (
        "Không có nhiệm vụ này",
        "Không có nhiệm vụ {task} trong xã. Kiểm tra lại mã nhiệm vụ, hoặc đợi dữ liệu về.",
    ),
    "no-working-calendar": (
        "Chưa có lịch làm việc",
        "Năm {year} chưa công bố lịch làm việc nên không tính được ngày làm việc. Công bố lịch năm đó trước.",
    ),
    "slip-not-open": (
        "Nhiệm vụ không còn chờ kết quả",
        "Nhiệm vụ {task} đã báo cáo hoặc đã kết thúc; chỉ lập phiếu đôn đốc cho nhiệm vụ quá hạn đang mở.",
    ),
    "slip-not-overdue": (
        "Nhiệm vụ chưa quá hạn",
        "Nhiệm vụ {task} chưa quá hạn. Dùng nhắc việc thay cho phiếu đôn đốc.",
    ),
    "slip-lead-left": (
        "Người chủ trì đã thôi giữ chức vụ",
        "{lead} không còn giữ chức vụ ở xã. Giao lại nhiệm vụ cho người khác rồi đôn đốc.",
    ),
    "slip-reply-by": (
        "Hạn trả lời đã qua",
        "Hạn trả lời phiếu đôn đốc phải từ ngày {on} trở đi.",
    ),
    "slip-too-many": (
        "Quá nhiều nhiệm vụ trong một lần",
        "Mỗi lần lập phiếu cho nhiều nhất {most} nhiệm vụ. Chia thành nhiều lần.",
    ),
    "slip-number": (
        "Mỗi phiếu một số",
        "Các nhiệm vụ này thành {count} phiếu. Bỏ trống số để văn thư ghi, hoặc lập từng phiếu.",
    ),
    "slip-signer": (
        "Không có thẩm quyền ký phiếu",
        "{staff} hiện không phải Chủ tịch, Phó Chủ tịch hay người của Văn phòng. Chọn người ký khác.",
    ),
    "slip-issuer": (
        "Không có thẩm quyền lập phiếu",
        "{by} hiện không phải Chủ tịch hay người của Văn phòng. Chuyển Văn phòng lập phiếu.",
    ),
    "slip-unknown": (
        "Không có phiếu này",
        "Không có phiếu đôn đốc {slip}. Xem danh sách phiếu để lấy đúng mã.",
    ),
    "slip-file-gone": (
        "Bản in của phiếu đã xóa",
        "Phiếu {slip} đã ghi trong nhật ký nhưng bản in không còn ở đây. Lập phiếu mới nếu cần.",
    ),
    "names-away": (
        "Chưa đọc được họ tên",
        "Tạm thời chưa đọc được họ tên cán bộ để ghi vào phiếu. Thử lại sau ít phút.",
    ),
    "day-to-come": (
        "Ngày chưa tới",
        "Chưa đến ngày {on} nên chưa có số liệu. Chọn hôm nay hoặc ngày đã qua.",
    ),
}

STATUSES: dict[str, int] = {
    "not-in-post": 403,
    "staff-only": 403,
    "staff-unknown": 404,
    "reminder-unknown": 404,
    "reminder-of-another": 403,
    "preferences-of-another": 403,
    "channel-unknown": 422,
    "channel-without-addresses": 422,
    "inbox-stays": 422,
    "endpoint-unknown": 404,
    "endpoint-url": 422,
    "policy-rules": 422,
    "policy-rule-twice": 422,
    "policy-base": 422,
    "policy-audience": 422,
    "policy-inbox": 422,
    "policy-offset": 422,
    "policy-same-offset": 422,
    "policy-escalation": 422,
    "policy-never-open": 422,
    "task-unknown": 404,
    "slip-unknown": 404,
    "slip-issuer": 403,
    "slip-file-gone": 410,
    "names-away": 503,
}
