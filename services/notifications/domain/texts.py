"""The words for rules, states and reasons, as the Office reads them."""

RULES = {
    "due-7": "Còn 7 ngày làm việc",
    "due-3": "Còn 3 ngày làm việc",
    "due-1": "Còn 1 ngày làm việc",
    "due-0": "Đến hạn hôm nay",
    "overdue-1": "Quá hạn 1 ngày làm việc",
    "overdue-3": "Quá hạn 3 ngày làm việc, phiếu đôn đốc",
    "overdue-5": "Quá hạn 5 ngày làm việc, báo Phó Chủ tịch phụ trách",
    "overdue-7": "Quá hạn 7 ngày làm việc, báo Chủ tịch",
    "check": "Kiểm tra việc thường xuyên",
    "weekly": "Bản tin tuần",
    "monthly": "Báo cáo tháng",
    "sheet": "Phiếu kỳ còn thiếu",
    "appeal": "Kiến nghị sắp hết hạn giải quyết",
    "urge": "Văn phòng đôn đốc",
    "typed-for": "Ghi thay tên người nhận",
    "decided-outside": "Quyết định từ ngoài xã",
    "who-judges": "Thay đổi vai trò, người đánh giá",
}

STATES = {
    "queued": "chờ gửi",
    "sent": "đã gửi",
    "delivered": "đã vào hộp tin",
    "sent_by_hand": "đã gửi tay",
    "failed": "gửi không được, chờ gửi tay",
    "suppressed": "không gửi",
}

REASONS = {
    "reported": "đã báo cáo kết quả",
    "completed": "đã hoàn thành",
    "cancelled": "đã hủy nhiệm vụ",
    "handed_back": "đã trả lại nhiệm vụ",
    "deadline_moved": "đã có hạn khác",
    "superseded": "đã có lần nhắc sau thay thế",
    "directory_away": "chưa đọc được địa chỉ người nhận",
    "no_address": "chưa có địa chỉ nhận",
    "channel_off": "người nhận đã tắt kênh này",
    "left": "người nhận không còn giữ chức vụ",
    "recorded": "đã có phiếu",
    "resolved": "đã giải quyết",
    "endpoint_disabled": "địa chỉ webhook đã ngừng",
    "commune_closed": "xã đã kết thúc hoạt động",
    "unknown": "không tìm thấy việc",
    # Why a channel did not take a message. Codes with numbers (`smtp 550 5.1.1`, `http 500`) are shown as they are.
    "bad_address": "địa chỉ nhận không đúng",
    "no_endpoint": "địa chỉ webhook đã xóa hoặc đã ngừng",
    "bad_url": "địa chỉ webhook không đúng",
    "https_required": "địa chỉ webhook phải là https",
    "inner_address": "địa chỉ webhook nằm trong mạng nội bộ",
    "unknown_host": "không tìm thấy máy chủ webhook",
    "apprise": "dịch vụ tin nhắn không nhận",
    "no_channel": "kênh này chưa được cài đặt",
}

CHANNELS = {"inbox": "hộp tin", "email": "thư điện tử", "apprise": "tin nhắn", "webhook": "webhook"}

# Of a rule: what it counts from, its audience, its urgency.
BASES = {
    "due": "hạn",
    "check": "kỳ kiểm tra",
    "week": "tuần",
    "month": "tháng",
    "sheet": "hết kỳ",
    "appeal": "hạn giải quyết kiến nghị",
}
AUDIENCES = {
    "lead": "chủ trì",
    "collaborators": "phối hợp",
    "in_charge": "lãnh đạo phụ trách",
    "office": "Văn phòng",
    "chair": "Chủ tịch",
    "leaders": "lãnh đạo",
    "supervisors": "cơ quan giám sát",
    "person": "người có phiếu",
    "tracker": "người theo dõi",
    "rater": "người xếp loại",
}
URGENCIES = {"immediate": "ngay", "digest": "gộp trong bản tin"}

# Why there was no reminder, or by state what became of one; filled with the parameters of why.Line.
WHY = STATES | {
    "not_assigned_yet": "chưa giao nhiệm vụ này",
    "no_deadline": "nhiệm vụ không có hạn",
    "no_rung": "không phải ngày nhắc; lần trước {before}, lần sau {after}, hạn {due}",
    "not_watched_yet": "chưa bắt đầu theo dõi; bắt đầu từ {from}",
    "recorded_later": "hạn được ghi sau giờ nhắc, lúc {due_set}",
    "held_back": "đang chờ trả lời đề nghị gia hạn nên chưa báo lên cấp trên",
    "others_told": "lần này báo cho {told}",
    "not_queued": "lẽ ra được nhắc nhưng không có trong nhật ký: dịch vụ khi ấy không chạy, hoặc đã nhắc theo hạn này",
    "calendar-missing": "chưa công bố lịch làm việc năm {year}",
    "reported": REASONS["reported"],
    "completed": REASONS["completed"],
    "cancelled": REASONS["cancelled"],
    "handed_back": REASONS["handed_back"],
}

# What a person did, or somebody else in their name, by the event's name.
ACTS = {
    "calendar.published": "Công bố lịch làm việc",
    "commune.settings_chosen": "Chọn thiết lập của xã",
    "import.confirmed": "Xác nhận tệp nhập",
    "rating.settings_chosen": "Chọn thiết lập của năm",
    "rating.common_assessed": "Đánh giá tiêu chí chung",
    "rating.unit_result_recorded": "Ghi kết quả đơn vị",
    "rating.rule_set_chosen": "Chọn bộ quy tắc xếp loại",
    "rating.leader_criteria_recorded": "Ghi tiêu chí của người lãnh đạo, quản lý",
    "rating.period_closed": "Khóa kỳ theo dõi",
    "rating.period_reopened": "Mở lại kỳ theo dõi",
    "rating.period_result_received": "Nhận điểm kỳ từ cơ quan cũ",
    "rating.proposed": "Đề xuất mức xếp loại",
    "rating.self_assessed": "Tự đánh giá, xếp loại",
    "rating.opinion_recorded": "Ghi ý kiến của cấp ủy",
    "rating.decided": "Quyết định xếp loại",
    "rating.appealed": "Kiến nghị về xếp loại",
    "rating.appeal_resolved": "Giải quyết kiến nghị",
    "rating.re_rated": "Xếp loại lại",
    "reminder.policy_published": "Công bố chính sách nhắc việc",
    "reminder.queued": "Đôn đốc",
    "reminder.sent_by_hand": "Ghi đã báo tận tay",
    "reminder.acknowledged": "Ghi đã xem tin nhắc",
    "reminder.urging_slip_issued": "Ký phiếu đôn đốc",
    "recipient.preferences_changed": "Chọn cách nhận tin nhắc",
    "staff.appointed": "Bổ nhiệm, phân công",
    "staff.changed": "Thay đổi thông tin công tác",
    "staff.left": "Thôi giữ chức vụ",
    "task.draft_settled": "Xử lý dòng chờ của danh mục",
    "task.assigned": "Giao nhiệm vụ",
    "task.corrected": "Sửa nội dung nhiệm vụ",
    "task.due_confirmed": "Xác định thời hạn",
    "task.due_recomputed": "Tính lại thời hạn",
    "task.acknowledged": "Nhận việc",
    "task.progress_noted": "Báo cáo tiến độ",
    "task.extension_requested": "Xin gia hạn",
    "task.extension_granted": "Cho gia hạn",
    "task.extension_refused": "Không cho gia hạn",
    "task.result_reported": "Báo cáo kết quả",
    "task.result_returned": "Trả lại kết quả",
    "task.completed": "Xác nhận hoàn thành",
    "task.objective_cause_confirmed": "Xác nhận nguyên nhân khách quan",
    "task.handed_back": "Trả lại nhiệm vụ",
    "task.coefficient_corrected": "Sửa hệ số",
    "task.cancelled": "Hủy nhiệm vụ",
    "task.reopened": "Mở lại nhiệm vụ",
    "template.set": "Đặt việc định kỳ",
    "template.ended": "Dừng việc định kỳ",
}

# What tells who judges a person, and what they may do.
POST_FIELDS = {
    "roles": "Vai trò",
    "rated": "Thuộc diện xếp loại",
    "tracker": "Người theo dõi",
    "rater": "Người xếp loại",
}
ROLES = {
    "chair": "Chủ tịch",
    "vice_chair": "Phó Chủ tịch",
    "office": "Văn phòng",
    "staff": "cán bộ, công chức",
    "village_head": "trưởng thôn",
    "focal_point": "đầu mối",
    "supervisor": "giám sát",
    "inspector": "thanh tra, kiểm tra",
    "admin": "quản trị",
}
