"""What the service says to people: refusals by code, with the HTTP status of each."""

# code → (title, detail)
TEXTS: dict[str, tuple[str, str]] = {
    "not-in-post": ("Không giữ chức vụ", "{staff} hiện không giữ chức vụ nào trong xã."),
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
        "Các nhiệm vụ này thành {count} phiếu cho {count} người chủ trì. Bỏ trống số để văn thư ghi, hoặc lập từng phiếu.",
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
    "task-unknown": 404,
    "slip-unknown": 404,
    "slip-issuer": 403,
    "slip-file-gone": 410,
    "names-away": 503,
}
