"""The Vietnamese words for levels, task states, events and steps of a rating; figures are named by their rule set."""

from fractions import Fraction

from shared import roles

# The exact words of the decree, then the outcomes that are no levels.
LEVELS = {
    "xuat_sac": "Hoàn thành xuất sắc nhiệm vụ",
    "tot": "Hoàn thành tốt nhiệm vụ",
    "hoan_thanh": "Hoàn thành nhiệm vụ",
    "khong_hoan_thanh": "Không hoàn thành nhiệm vụ",
    "can_xem_xet": "Cần người có thẩm quyền xem xét",
    "chua_du_du_lieu": "Chưa đủ dữ liệu",
    "khong_xep_loai": "Không xếp loại",
}

CATEGORIES = dict(roles.CATEGORIES)

STATES = {
    "completed": "Đã hoàn thành",
    "undone": "Quá hạn chưa xong",
    "excused": "Quá hạn do nguyên nhân khách quan",
    "pending": "Chờ xác nhận kết quả",
    "not_yet_due": "Chưa đến hạn",
    "regular": "Thường xuyên",
    "cancelled": "Đã hủy",
    "split": "Đã chia nhỏ, tính ở việc con",
    "handed_back": "Đã trả lại",
}

# What steps of every rule set look at.
LOOKED_AT = {"rule_set": "bộ quy tắc", "category": "nhóm", "rated": "thuộc diện xếp loại"}
YES_NO = {"true": "có", "false": "không"}

# What an event behind a fact was, by the tag of its record's moment.
EVENTS = {
    "assigned": "Giao việc",
    "revised": "Xác định lại thời hạn",
    "requested": "Xin gia hạn",
    "granted": "Cho gia hạn",
    "refused": "Không cho gia hạn",
    "reported": "Báo cáo kết quả",
    "returned": "Trả lại kết quả",
    "completed": "Xác nhận hoàn thành",
    "reopened": "Mở lại",
    "cause": "Xác nhận nguyên nhân khách quan",
    "handed_back": "Trả lại nhiệm vụ",
    "coefficient": "Sửa hệ số",
    "cancelled": "Hủy",
    "appointed": "Nhận chức vụ",
    "changed": "Thay đổi thông tin công tác",
    "left": "Thôi giữ chức vụ",
    "taken_over": "Tiếp nhận từ đơn vị khác",
    "absence": "Ghi nhận nghỉ",
    "disciplined": "Ghi nhận kỷ luật",
    "withdrawn": "Rút ghi nhận kỷ luật",
    "unit_result": "Ghi kết quả đơn vị",
    "common": "Xác nhận tiêu chí chung",
    "settings": "Chọn thiết lập của năm",
    "rule_set": "Chọn bộ quy tắc",
    "meeting": "Họp đánh giá, xếp loại",
    "published": "Công khai kết quả",
    "leader_criteria": "Ghi tiêu chí của người lãnh đạo, quản lý",
    "period_result": "Nhận điểm kỳ từ cơ quan cũ",
    "period_closed": "Khóa kỳ theo dõi",
    "period_reopened": "Mở lại kỳ theo dõi",
    "proposed": "Đề xuất mức xếp loại",
    "self_assessed": "Tự đánh giá, xếp loại",
    "opinion": "Ý kiến cấp ủy",
    "decided": "Quyết định xếp loại",
    "notified": "Thông báo kết quả",
    "appealed": "Kiến nghị",
    "appeal_resolved": "Giải quyết kiến nghị",
    "re_rated": "Xếp loại lại",
    "corrected": "Sửa nội dung nhiệm vụ",
    "carried_over": "Tiếp nhận nhiệm vụ từ xã cũ",
    "unit": "Khai báo đơn vị",
    "calendar": "Công bố lịch làm việc",
    "opened": "Lập xã",
    "renamed": "Đổi tên xã",
    "closed": "Kết thúc hoạt động của xã",
    "directive_issued": "Ban hành chỉ thị",
    "directive_amended": "Sửa đổi chỉ thị",
    "directive_withdrawn": "Thu hồi chỉ thị",
}

# Which kind of level stands.
STANDINGS = {
    "computed": "Tạm tính",
    "proposed": "Đề xuất",
    "decided": "Đã quyết định",
    "re_rated": "Đã xếp loại lại",
}

# What the procedure waits for.
NEXT = {
    "propose": "Hệ thống đề xuất mức xếp loại",
    "self_assess": "Người được xếp loại tự đánh giá",
    "hold_meeting": "Họp tập thể đánh giá, ghi biên bản",
    "record_opinion": "Lấy ý kiến bằng văn bản của cấp ủy",
    "decide": "Người có thẩm quyền quyết định",
    "notify": "Thông báo bằng văn bản cho người được xếp loại",
    "resolve_appeal": "Giải quyết kiến nghị",
    "re_rate": "Xếp loại lại theo kiến nghị được chấp nhận",
    "publish": "Công khai kết quả trong cơ quan",
    "none": "Đã xong các bước",
}

OUTCOMES = {"upheld": "chấp nhận", "dismissed": "không chấp nhận", "withdrawn": "rút kiến nghị"}

# What stands beside a sheet.
FLAGS = {
    "judge_changed": "Thay đổi trong năm",
    "typed_for": "Ghi thay",
    "outside_document": "Văn bản bên ngoài",
    "recorded_late": "Ghi muộn",
    "contested": "Bị kiến nghị",
}
CHANGED = "{what}: {old} → {new}"
JUDGE_LEFT = "{staff}, {what}, thôi chức vụ"
CHAIR_BEGINS = "{staff} nhận vai trò Chủ tịch, là người xếp loại"
CHAIR_ENDS = "{staff} thôi vai trò Chủ tịch, là người xếp loại"
IN_FORCE_FROM = "{change}; có hiệu lực từ {day:%d/%m/%Y}"
TYPED_FOR = "{typed_by} ghi thay {names}"
OUTSIDE_DOCUMENT = "quyết định ở ngoài xã, văn bản số {number} ngày {day:%d/%m/%Y}, SHA-256 {sha256}"
OUTSIDE_WITHOUT_DOCUMENT = "quyết định ở ngoài xã, ghi mà không kèm đủ số, ngày, mã SHA-256 của văn bản"
LATE = "{what}; tính từ {day:%d/%m/%Y}, ghi sau {days} ngày"
LATE_POST = "chức vụ đầu tiên"
LATE_LEFT = "thôi chức vụ"
LATE_ABSENCE = "thời gian vắng"
LATE_DISCIPLINE = "kỷ luật"
LATE_WITHDRAWAL = "rút ghi nhận kỷ luật"
PAST_DUE = "thời hạn {due:%d/%m/%Y} đã qua khi ghi (“{title}”)"
CHOSEN_LATE = "chọn cho năm {year} khi năm đã hết"
CONTESTED = "{staff} kiến nghị về sự kiện này ngày {day:%d/%m/%Y}: {outcome}"
NOT_RESOLVED = "chưa giải quyết"

RULE_SET_PICKED = "Áp dụng bộ quy tắc do người có thẩm quyền chọn, lý do: {reason}"
RULE_SET_PICKED_SILENTLY = "Áp dụng bộ quy tắc do người có thẩm quyền chọn"
NOT_INSTALLED = "Bộ quy tắc {rule_set} chưa được cài đặt: cần người có thẩm quyền xem xét"
NOT_RATED_CATEGORY = "Nhóm này không được xếp loại theo quy định hiện hành hoặc lựa chọn của cơ quan"
NOT_RATED_HERE = "Chức vụ này không thuộc diện xếp loại tại xã"
NOT_IN_POST = "Không tại chức ở xã vào ngày đánh giá: cơ quan nơi người đó công tác xếp loại"
PENDING = "Kết quả của nhiệm vụ “{title}” đang chờ xác nhận"


def decimal(value: Fraction, places: int = 2) -> str:
    """A non-negative number rounded once for display, half up, with a decimal comma."""
    scaled = (value * 10**places * 2 + 1) // 2
    whole, part = divmod(int(scaled), 10**places)
    return f"{whole},{part:0{places}d}"


def percent(share: Fraction) -> str:
    return f"{decimal(share * 100)} %"


def period_text(period: str) -> str:
    """`2026-03` is Tháng 3/2026, `2026-Q1` Quý 1/2026."""
    year, _, part = period.partition("-")
    return f"Quý {part[1:]}/{year}" if part.startswith("Q") else f"Tháng {int(part)}/{year}"
