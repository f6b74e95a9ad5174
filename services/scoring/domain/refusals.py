"""Every refusal of the scoring service, with its code and its words; what all services refuse is in shared.refusals."""

from shared import refusals as shared
from shared.refusal import Refusal

DIRECTIVE_UNKNOWN, STAFF_UNKNOWN, UNIT_UNKNOWN = shared.DIRECTIVE_UNKNOWN, shared.STAFF_UNKNOWN, shared.UNIT_UNKNOWN
NOT_IN_POST, REASON_REQUIRED, TEXT_TOO_LONG = shared.NOT_IN_POST, shared.REASON_REQUIRED, shared.TEXT_TOO_LONG

# Who

ACTS_FOR_ANOTHER = Refusal(
    "acts-for-another",
    "Không được ghi thay",
    "Chỉ Văn phòng được ghi thay người khác ({by}); việc của chính người Văn phòng do Chủ tịch, Phó Chủ tịch ghi. "
    "Hãy tự ghi, hoặc chuyển Văn phòng ghi.",
    403,
)
CHAIR_ONLY = Refusal(
    "chair-only",
    "Thuộc thẩm quyền của Chủ tịch",
    "Việc này do Chủ tịch UBND xã quyết định; {by} không giữ chức vụ đó vào ngày này.",
    403,
)
CHAIR_OR_OFFICE_ONLY = Refusal(
    "chair-or-office-only",
    "Việc của Chủ tịch hoặc Văn phòng",
    "{by} không phải Chủ tịch hay người của Văn phòng vào ngày này. Chuyển Văn phòng làm bước này; Phó Chủ tịch chỉ "
    "làm cho chính người của Văn phòng.",
    403,
)
OFFICE_ONLY = Refusal(
    "office-only",
    "Việc của Văn phòng",
    "{by} không ghi được: việc này do Văn phòng ghi. Chủ tịch, Phó Chủ tịch chỉ ghi khi việc liên quan đến chính "
    "người của Văn phòng, hoặc khi Văn phòng chưa có ai.",
    403,
)
RATES_ONESELF = Refusal(
    "rates-oneself",
    "Không tự quyết định, tự ghi cho mình",
    "Kết quả xếp loại của {staff} dựa vào việc này, nên {staff} không được quyết định, cũng không được ghi. "
    "Người làm thay được: {instead}.",
    403,
)
NOBODY_INSTEAD = "chưa có ai; nhờ người quản trị bổ nhiệm Chủ tịch, Phó Chủ tịch hoặc người Văn phòng khác"
JUDGED_FROM_BELOW = Refusal(
    "judged-from-below",
    "Cấp dưới không đánh giá cấp trên",
    "{by} do {staff} theo dõi hoặc xếp loại, nên không đánh giá được {staff}. "
    "Chủ tịch hoặc người quản trị đổi người theo dõi, người xếp loại của {staff} trước.",
    403,
)
OUTSIDE_BY_CHAIR_OR_ADMIN = Refusal(
    "outside-needs-chair-or-admin",
    "Cần Chủ tịch hoặc quản trị hệ thống",
    "Điều do cấp trên quyết định do Chủ tịch hoặc người quản trị hệ thống ghi, kèm số, ngày và mã SHA-256 của văn bản; "
    "về chính Chủ tịch thì người quản trị ghi. Chuyển văn bản cho người ghi được.",
    403,
)
OUTSIDE_DOCUMENT_REQUIRED = Refusal(
    "outside-document-required",
    "Thiếu văn bản của nơi quyết định",
    "Điều do cơ quan bên ngoài xã quyết định phải kèm văn bản. Còn thiếu: {missing}. Ghi theo đúng văn bản.",
)
DOCUMENT_IN_FUTURE = Refusal(
    "document-in-future", "Ngày văn bản chưa đến", "Ngày văn bản {day} ở sau hôm nay. Kiểm tra lại văn bản."
)
SELF_ASSESSMENT_BY_ANOTHER = Refusal(
    "self-assessment-by-another",
    "Tự đánh giá do chính người đó",
    "Phần tự đánh giá của {staff} phải do chính {staff} thực hiện.",
    403,
)
NEITHER_TRACKER_NOR_RATER = Refusal(
    "neither-tracker-nor-rater",
    "Không có thẩm quyền đánh giá",
    "{by} không phải người theo dõi hay người xếp loại của người này.",
    403,
)
NOT_THE_RATER = Refusal(
    "not-the-rater",
    "Không có thẩm quyền xếp loại",
    "{by} không phải người có thẩm quyền xếp loại người này. Chuyển người xếp loại, hoặc Chủ tịch.",
    403,
)
NOT_RATED_EXTERNALLY = Refusal(
    "not-rated-externally",
    "Không phải cấp trên xếp loại",
    "Người này do xã xếp loại; ghi tên người có thẩm quyền của xã thay cho external.",
)
SHEET_OF_ANOTHER = Refusal(
    "sheet-of-another",
    "Không được xem phiếu này",
    "Phiếu của {staff} chỉ dành cho chính người đó, người theo dõi, người xếp loại và Văn phòng.",
    403,
)

# What is asked about

FIGURE_UNKNOWN = Refusal(
    "figure-unknown",
    "Không có con số này",
    "Phiếu không có con số {figure}. Dùng tên con số như trên phiếu, ví dụ n, late, undone, f.",
    404,
)
POSITION_UNKNOWN = Refusal(
    "position-unknown",
    "Chưa có vị trí này",
    "Nhật ký {source} chưa có vị trí {position}. Kiểm tra lại vị trí, hoặc đợi dữ liệu về.",
    404,
)
MOMENTS_REVERSED = Refusal(
    "moments-reversed",
    "Hai thời điểm ngược nhau",
    "Thời điểm sau (to) nằm trước thời điểm đầu (from). Đổi chỗ hai thời điểm.",
    422,
)

# What is recorded for a year

SETTING_UNKNOWN = Refusal(
    "setting-unknown", "Không có thiết lập này", "Không có thiết lập {setting}. Xem danh sách trong phần mô tả API."
)
SETTING_INVALID = Refusal(
    "setting-invalid", "Giá trị thiết lập không hợp lệ", "Thiết lập {setting} không nhận giá trị {value}."
)
COMMON_CRITERIA = Refusal(
    "common-criteria",
    "Tiêu chí chung không đúng",
    "Ghi ít nhất một tiêu chí trong các tiêu chí {expected}; mỗi tiêu chí là tot, dap_ung hoặc khong.",
)
UNIT_FIGURES = Refusal(
    "unit-figures", "Số liệu không khớp", "{part} phải từ 0 đến {whole}. Kiểm tra lại số liệu của đơn vị."
)
RULE_SET_UNKNOWN = Refusal(
    "rule-set-unknown", "Không có bộ quy tắc này", "Chưa cài đặt bộ quy tắc {rule_set}. Chọn một trong: {known}."
)
RULE_SET_DIFFERS = Refusal(
    "rule-set-differs",
    "Bộ quy tắc không khớp",
    "Bộ quy tắc {rule_set} đang cài đặt có mã SHA-256 khác mã đã nêu. Kiểm tra lại mã, hoặc cài đúng phiên bản.",
)
RULE_SET_NOT_INSTALLED = Refusal(
    "rule-set-not-installed",
    "Chưa cài bộ quy tắc",
    "Bộ quy tắc {rule_set} của người này chưa được cài đặt, hoặc khác phiên bản đã chọn. Báo người quản trị.",
)

# Periods

PERIOD_UNKNOWN = Refusal(
    "period-unknown", "Không có kỳ này", "{period} không phải là kỳ. Ghi tháng dạng 2026-03 hoặc quý dạng 2026-Q1.", 404
)
PERIOD_KIND = Refusal(
    "period-kind",
    "Không đúng loại kỳ",
    "Năm này theo dõi theo kỳ dạng {example}, không phải {period}. Ghi theo kỳ đã chọn trong thiết lập của năm.",
)
PERIOD_OF_ANOTHER_YEAR = Refusal(
    "period-of-another-year", "Kỳ của năm khác", "Kỳ {period} không thuộc năm {year}. Kiểm tra lại năm trong đường dẫn."
)
PERIOD_NOT_BEGUN = Refusal(
    "period-not-begun", "Kỳ chưa bắt đầu", "Kỳ {period} bắt đầu ngày {first_day}. Ghi từ ngày đó trở đi."
)
PERIOD_NOT_OVER = Refusal(
    "period-not-over", "Kỳ chưa kết thúc", "Kỳ {period} kết thúc ngày {last_day}. Khóa kỳ sau ngày đó."
)
PERIOD_CLOSED = Refusal(
    "period-closed", "Kỳ đã khóa", "Kỳ {period} đã khóa với {staff}. Muốn thay đổi, Chủ tịch mở lại kỳ và ghi lý do."
)
PERIOD_OPEN = Refusal("period-open", "Kỳ chưa khóa", "Kỳ {period} đang mở với {staff}, không cần mở lại.")
PERIOD_BEGUN_HERE = Refusal(
    "period-begun-here",
    "Kỳ do xã chấm điểm",
    "{staff} đã công tác ở xã từ đầu kỳ {period}. Chỉ ghi điểm của nơi cũ cho kỳ bắt đầu trước khi chuyển đến.",
)
PERIOD_CRITERIA = Refusal(
    "period-criteria",
    "Tiêu chí không đúng",
    "Ghi ít nhất một tiêu chí trong các tiêu chí {expected}, mỗi tiêu chí một số điểm.",
)
NOTHING_TO_CLOSE = Refusal(
    "nothing-to-close", "Không còn ai để khóa", "Kỳ {period} không còn ai đang mở. Xem bảng của kỳ."
)
NO_PERIODS = Refusal(
    "no-periods",
    "Không theo dõi theo kỳ",
    "{staff} không được theo dõi trong kỳ {period}. Kiểm tra bộ quy tắc và thời gian công tác của người này.",
)
EARLIER_PERIOD_OPEN = Refusal(
    "earlier-period-open",
    "Kỳ trước chưa khóa",
    "Trước kỳ {period} còn kỳ {before} chưa khóa với {staff}. Khóa lần lượt từ kỳ sớm nhất.",
)
CRITERIA_MISSING = Refusal(
    "criteria-missing",
    "Thiếu tiêu chí của kỳ",
    "{staff} chưa được xác nhận đủ tiêu chí chung, hoặc d, đ, e kỳ {period}. Ghi đủ, hoặc khóa riêng người khác.",
)
POINTS_OUT_OF_RANGE = Refusal(
    "points-out-of-range", "Điểm vượt mức", "Tiêu chí {item} tối đa {most} điểm, không nhận {points}."
)
NOT_A_NUMBER = Refusal(
    "not-a-number", "Không phải số", "{value} không phải số không âm. Ghi số thập phân với dấu chấm, ví dụ 4.5."
)
SCORE_OUT_OF_RANGE = Refusal("score-out-of-range", "Điểm ngoài khoảng", "Điểm kỳ từ 0 đến 100, không nhận {score}.")
LEADER_REASONS = Refusal(
    "leader-reasons",
    "Thiếu lý do từng tiêu chí",
    "Ghi lý do cho từng tiêu chí {expected} (dd là đ), không thừa không thiếu.",
)
NOT_A_LEADER = Refusal(
    "not-a-leader",
    "Không phải người lãnh đạo, quản lý",
    "{staff} không giữ chức vụ lãnh đạo, quản lý; bước này chỉ dành cho người lãnh đạo, quản lý.",
)

# The procedure

YEAR_NOT_BEGUN = Refusal(
    "year-not-begun", "Năm chưa bắt đầu", "Năm {year} chưa bắt đầu. Kiểm tra lại năm trong đường dẫn."
)
NOT_RATED_HERE = Refusal(
    "not-rated-here",
    "Không thuộc diện xếp loại",
    "{staff} không thuộc diện xếp loại tại xã trong năm {year}. Kiểm tra danh sách cán bộ.",
)
RESULT_WAITS = Refusal(
    "result-waits",
    "Còn kết quả chờ xác nhận",
    "{staff} còn kết quả nhiệm vụ chờ xác nhận. Xác nhận hoặc trả lại kết quả đó trước.",
)
ALREADY_DECIDED = Refusal(
    "already-decided",
    "Đã quyết định xếp loại",
    "Đã có quyết định xếp loại năm {year} của {staff}. Chỉ thay đổi được bằng xếp loại lại, có lý do.",
)
NOT_DECIDED = Refusal(
    "not-decided",
    "Chưa có quyết định",
    "{staff} chưa có quyết định xếp loại năm {year}. Làm bước này sau khi có quyết định.",
)
NOTHING_DECIDED = Refusal(
    "nothing-decided",
    "Chưa có gì để công khai",
    "Chưa có quyết định xếp loại nào của năm {year}. Công khai sau khi có quyết định.",
)
PROPOSAL_MISSING = Refusal(
    "proposal-missing", "Chưa có đề xuất", "Chưa có đề xuất của hệ thống cho {staff}. Lập đề xuất trước."
)
PROPOSAL_NOT_LAST = Refusal(
    "proposal-not-last",
    "Không phải đề xuất mới nhất",
    "{proposal} không phải đề xuất mới nhất; đề xuất mới nhất là {last}. Xem lại rồi quyết định.",
)
PROPOSAL_NOT_NEW = Refusal(
    "proposal-not-new",
    "Đề xuất có trước quyết định",
    "Xếp loại lại phải dựa trên đề xuất lập sau quyết định đang có hiệu lực. Lập đề xuất mới.",
)
SELF_ASSESSMENT_MISSING = Refusal(
    "self-assessment-missing",
    "Thiếu bản tự đánh giá",
    "{staff} chưa tự đánh giá. Người đó tự đánh giá trước khi họp và quyết định.",
)
MEETING_MISSING = Refusal(
    "meeting-missing",
    "Thiếu biên bản họp",
    "Chưa có biên bản họp nêu ý kiến về {staff}. Văn phòng ghi biên bản trước khi quyết định.",
)
OPINION_MISSING = Refusal(
    "opinion-missing",
    "Thiếu ý kiến cấp ủy",
    "Chưa có ý kiến bằng văn bản của cấp ủy về {staff}. Văn phòng ghi ý kiến trước khi quyết định.",
)
LEVEL_NOT_DECIDABLE = Refusal(
    "level-not-decidable",
    "Không quyết định được mức này",
    "{level} không phải mức của nghị định; khong_xep_loai chỉ dùng khi đề xuất như vậy. Chọn lại mức.",
)
DIFFERS_REASON_REQUIRED = Refusal(
    "differs-reason-required",
    "Thiếu lý do khác đề xuất",
    "Mức quyết định ({level}) khác mức đề xuất ({proposed}). Ghi lý do vì sao khác.",
)
DAY_OUT_OF_ORDER = Refusal(
    "day-out-of-order", "Ngày không hợp lý", "Ngày {day} phải từ {first} đến hôm nay. Kiểm tra lại ngày."
)
MEETING_NUMBERS = Refusal(
    "meeting-numbers",
    "Số người không khớp",
    "Họp phải có người dự, số phiếu không âm và không quá số người dự. Kiểm tra lại biên bản {staff}.",
)
VOTED_TWICE = Refusal("voted-twice", "Một người có hai kết quả", "Biên bản nêu {staff} hai lần. Mỗi người một dòng.")
TEXT_REQUIRED = Refusal("text-required", "Thiếu nội dung", "Ghi nội dung (không ghi thông tin cá nhân).")
APPEAL_UNKNOWN = Refusal(
    "appeal-unknown",
    "Không có kiến nghị này",
    "Người này không có kiến nghị mã {appeal} trong năm. Xem danh sách kiến nghị.",
    404,
)
CONTESTED_UNKNOWN = Refusal(
    "contested-unknown",
    "Không kiến nghị được về sự kiện này",
    "Phiếu năm {year} của {staff} không có sự kiện {events}. Ghi mã sự kiện của chính phiếu đó (12 ký tự cuối như trên "
    "phiếu in cũng được), hoặc chỉ ghi nội dung kiến nghị.",
)
APPEAL_OPEN = Refusal(
    "appeal-open",
    "Còn kiến nghị chưa giải quyết",
    "{staff} còn một kiến nghị chưa giải quyết. Giải quyết kiến nghị đó trước.",
)
APPEAL_RESOLVED = Refusal(
    "appeal-resolved",
    "Kiến nghị đã giải quyết",
    "Kiến nghị {appeal} đã được giải quyết. Nếu không đồng ý, người đó gửi kiến nghị mới.",
)
REPLACES_ANOTHER = Refusal(
    "replaces-another",
    "Không phải quyết định đang có hiệu lực",
    "Quyết định đang có hiệu lực là {in_force}, không phải {replaces}. Xem lại quy trình của người này.",
)

# What supervisors see

PUBLISHED_ONLY = Refusal(
    "published-only",
    "Chỉ xem được số liệu đã công bố",
    "Vai trò giám sát xem số liệu tại thời điểm công bố, không chọn thời điểm khác. Bỏ as_of, positions và on.",
    403,
)
NOT_PUBLISHED = Refusal(
    "not-published",
    "Chưa công bố kết quả xếp loại",
    "Kết quả xếp loại năm {year} chưa được công bố; cơ quan giám sát xem được từ khi Chủ tịch hoặc Văn phòng công bố. "
    "Số liệu nhiệm vụ xem ở báo cáo từng tháng.",
)

# What is pinned must be all there is; these pass, or someone has to fix what stands still

COMMUNE_PARKED = Refusal(
    "commune-parked",
    "Dữ liệu của xã đang dừng",
    "Dữ liệu của xã đang dừng cập nhật vì lỗi, nên chưa chốt được số liệu. Báo người quản trị rồi làm lại.",
    503,
)
OWNER_AWAY = Refusal(
    "owner-away",
    "Chưa kiểm tra được nhật ký công việc",
    "Dịch vụ công việc không trả lời, nên chưa biết số liệu đã đủ chưa. Thử lại sau ít phút.",
    503,
)
TASKS_BEHIND = Refusal(
    "tasks-behind",
    "Nhật ký công việc chưa về đủ",
    "Mới có đến vị trí {here} trong {there} của nhật ký công việc. Đợi vài giây rồi thử lại.",
    503,
)

ALL = tuple(refusal for refusal in list(globals().values()) if isinstance(refusal, Refusal))
