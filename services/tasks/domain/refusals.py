"""Every refusal of the tasks service, with its code and its words; what all services refuse is in shared.refusals."""

from shared import refusals as shared
from shared.refusal import Refusal

NOT_IN_POST, STAFF_NOT_IN_POST, STAFF_UNKNOWN = shared.NOT_IN_POST, shared.STAFF_NOT_IN_POST, shared.STAFF_UNKNOWN
UNIT_UNKNOWN, TASK_UNKNOWN, DIRECTIVE_UNKNOWN = shared.UNIT_UNKNOWN, shared.TASK_UNKNOWN, shared.DIRECTIVE_UNKNOWN
REASON_REQUIRED, TEXT_TOO_LONG = shared.REASON_REQUIRED, shared.TEXT_TOO_LONG
CODE_NOT_PLAIN = shared.CODE_NOT_PLAIN

# Who

BY_REQUIRED = Refusal("by-required", "Thiếu người thực hiện", "Hãy cho biết ai thực hiện việc này (by).")
PERSON_REQUIRED = Refusal(
    "person-required",
    "Cần người giữ chức vụ",
    "Việc này do người giữ chức vụ thực hiện. Hãy gửi bằng tài khoản của Văn phòng, ghi rõ ai thực hiện (by).",
    formerly=("by-required",),
)
# As the door says it of a role that the token lacks.
ROLE_NOT_ALLOWED = Refusal(
    "role",
    "Không có quyền",
    "Vai trò của bạn không được làm việc này; việc này dành cho: {who}.",
    403,
    formerly=("may-not",),
)
OTHER_COMMUNE = Refusal("other-commune", "Không thuộc đơn vị", "Tài khoản này không thuộc đơn vị {commune}.", 403)
ONLY_THE_OFFICE_RECORDS_FOR_OTHERS = Refusal(
    "only-the-office-records-for-others",
    "Chỉ Văn phòng ghi thay",
    "Chỉ Văn phòng được ghi nhận thay cho {staff}. Hãy gửi bằng tài khoản của Văn phòng.",
    403,
)
NOT_THE_LEAD = Refusal(
    "not-the-lead",
    "Không phải người chủ trì",
    "{staff} không chủ trì nhiệm vụ này; việc này do {lead} thực hiện, hoặc Văn phòng ghi thay.",
    403,
)
NOT_TAKING_PART = Refusal(
    "not-taking-part",
    "Không tham gia nhiệm vụ",
    "{staff} không chủ trì, không phối hợp nhiệm vụ này. Người chủ trì, phối hợp, lãnh đạo và Văn phòng xem, ghi.",
    403,
)
NOT_THE_COMPETENT_AUTHORITY = Refusal(
    "not-the-competent-authority",
    "Không đúng thẩm quyền",
    "Việc này thuộc Chủ tịch hoặc Phó Chủ tịch phụ trách nhiệm vụ ({who}); {staff} không phải người đó, hoặc"
    " tài khoản đang dùng không mang vai trò đó.",
    403,
)
TRACKER_MAY_NOT_VERIFY = Refusal(
    "tracker-may-not-verify",
    "Người phụ trách trực tiếp chưa được xác nhận",
    "Kết quả của {lead} do Chủ tịch hoặc Phó Chủ tịch phụ trách ({who}) xác nhận. Để người phụ trách trực tiếp xác nhận"
    " thay, Chủ tịch hoặc quản trị hệ thống bật cài đặt tracker_verifies của xã.",
    403,
)
MAY_NOT_ASSIGN = Refusal(
    "may-not-assign",
    "Không có quyền giao việc",
    "{staff} không phải lãnh đạo hoặc Văn phòng. Chủ tịch, Phó Chủ tịch hoặc Văn phòng giao việc.",
    403,
)

# Nobody decides or types what their own rating rests on (ADR 0028)

OWN_TASK = Refusal(
    "own-task",
    "Không tự quyết định việc của mình",
    "{staff} chủ trì hoặc phối hợp nhiệm vụ này nên không quyết định, không ghi việc này; {instead}.",
    403,
)
OWN_ASSIGNMENT = Refusal(
    "own-assignment",
    "Không tự giao việc cho mình",
    "{staff} không tự đặt ra, định hạn, định hệ số hay bỏ việc của chính mình; {instead}.",
    403,
)
OWN_RECORD = Refusal(
    "own-record",
    "Không tự ghi hồ sơ của mình",
    "Chức vụ, vai trò, thời gian vắng, kỷ luật của {staff} không do chính {staff} ghi; Chủ tịch hoặc người khác ở Văn"
    " phòng ghi, vai trò và người xếp loại thì Chủ tịch hoặc quản trị hệ thống.",
    403,
    formerly=("own-discipline",),
)
OWN_UNIT = Refusal(
    "own-unit",
    "Không tự đổi người đứng đầu bộ phận",
    "{staff} từng, đang hoặc sẽ đứng đầu bộ phận này nên không tự ghi; Chủ tịch, người khác ở Văn phòng hoặc quản trị"
    " hệ thống ghi.",
    403,
)
OWN_JUDGES = Refusal(
    "own-judges",
    "Không tự đổi người đánh giá mình",
    "Thay đổi về {person} đổi người theo dõi, kiểm tra hoặc xếp loại của chính {staff}; người khác có thẩm quyền ghi:"
    " Chủ tịch, Văn phòng, hoặc quản trị hệ thống không giữ chức vụ ở xã.",
    403,
)
OWN_DEADLINES = Refusal(
    "own-deadlines",
    "Không tự dời hạn của mình",
    "Lịch này dời hạn nhiệm vụ {task} của {staff}; Chủ tịch, người khác ở Văn phòng hoặc quản trị hệ thống công bố.",
    403,
)
CHAIR_OR_ADMIN_REQUIRED = Refusal(
    "chair-or-admin-required",
    "Cần Chủ tịch hoặc quản trị hệ thống",
    "Ai xếp loại, ai kiểm tra chỉ do Chủ tịch hoặc quản trị hệ thống thay đổi: {what}. Văn phòng chuẩn bị, rồi Chủ tịch"
    " hoặc quản trị hệ thống gửi.",
    403,
)

# The state of a task

TASK_EXISTS = Refusal("task-exists", "Mã nhiệm vụ đã dùng", "Nhiệm vụ {task} đã có.")
TASK_IS_A_DRAFT = Refusal(
    "task-is-a-draft", "Nhiệm vụ chưa được giao", "Dòng nhập này còn là bản nháp hoặc đã được xử lý."
)
NOT_A_DRAFT = Refusal(
    "not-a-draft", "Không phải bản nháp", "Nhiệm vụ {task} đã được giao, không phải dòng chờ trả lời."
)
DRAFT_SETTLED = Refusal("draft-settled", "Bản nháp đã xử lý", "Dòng nhập {task} đã được trả lời trước đó.")
QUESTION_REQUIRED = Refusal("question-required", "Thiếu câu hỏi", "Bản nháp phải nêu điều cần người trả lời.")
RESULT_PENDING = Refusal(
    "result-pending", "Kết quả đang chờ kiểm tra", "Hãy chấp nhận hoặc trả lại kết quả đã báo cáo trước."
)
NO_RESULT_PENDING = Refusal(
    "no-result-pending", "Không có kết quả chờ kiểm tra", "Nhiệm vụ {task} chưa có báo cáo kết quả nào đang chờ."
)
TASK_COMPLETED = Refusal("task-completed", "Nhiệm vụ đã hoàn thành", "Nhiệm vụ {task} đã được chấp nhận kết quả.")
TASK_NOT_COMPLETED = Refusal(
    "task-not-completed", "Nhiệm vụ chưa hoàn thành", "Nhiệm vụ {task} chưa được chấp nhận kết quả."
)
TASK_CANCELLED = Refusal("task-cancelled", "Nhiệm vụ đã hủy", "Nhiệm vụ {task} đã bị hủy.")
TASK_HANDED_BACK = Refusal(
    "task-handed-back", "Nhiệm vụ đã trả lại", "Nhiệm vụ {task} đã được trả lại để giao người khác."
)
TASK_NOT_HANDED_BACK = Refusal(
    "task-not-handed-back", "Nhiệm vụ chưa được trả lại", "Nhiệm vụ {task} chưa được trả lại nên chưa thể tiếp nhận."
)
ALREADY_ACKNOWLEDGED = Refusal("already-acknowledged", "Đã nhận việc", "Nhiệm vụ {task} đã được xác nhận tiếp nhận.")

# What a task says

TITLE_REQUIRED = Refusal("title-required", "Thiếu nội dung", "Hãy ghi nội dung công việc hoặc trích yếu.")
FIELD_UNKNOWN = Refusal(
    "field-unknown",
    "Lĩnh vực không đúng",
    "Lĩnh vực cải cách hành chính phải từ 0 đến 7, không phải {field}.",
    formerly=("unknown-field",),
)
COEFFICIENT_NOT_POSITIVE = Refusal(
    "coefficient-not-positive", "Hệ số không đúng", "Hệ số phải là số lớn hơn 0, không phải “{coefficient}”."
)
COLLABORATOR_UNKNOWN = Refusal(
    "collaborator-unknown",
    "Không rõ đơn vị, người phối hợp",
    "Không có người hay bộ phận nào mã {collaborator}.",
    formerly=("unknown-collaborator",),
)
LEAD_AMONG_COLLABORATORS = Refusal(
    "lead-among-collaborators", "Chủ trì trùng phối hợp", "{staff} đã chủ trì thì không phối hợp."
)
OWN_PARENT = Refusal("own-parent", "Nhiệm vụ là cha của chính nó", "Hãy chọn nhiệm vụ khác làm nhiệm vụ lớn.")
PREDECESSOR_REQUIRED = Refusal(
    "predecessor-required", "Thiếu nhiệm vụ được tiếp nhận", "Nhiệm vụ tiếp nhận phải nêu nhiệm vụ đã được trả lại."
)
PERCENT_OUT_OF_RANGE = Refusal(
    "percent-out-of-range", "Tỷ lệ không đúng", "Tỷ lệ hoàn thành phải từ 0 đến 100, không phải {percent}."
)
NOTE_REQUIRED = Refusal("note-required", "Thiếu nội dung tiến độ", "Hãy ghi tiến độ.")
SUMMARY_REQUIRED = Refusal("summary-required", "Thiếu tóm tắt kết quả", "Hãy tóm tắt kết quả.")
EVIDENCE_REQUIRED = Refusal("evidence-required", "Thiếu minh chứng", "Nhiệm vụ này phải có tệp minh chứng.")
EVIDENCE_OR_EXPLANATION_REQUIRED = Refusal(
    "evidence-or-explanation-required", "Thiếu minh chứng", "Hãy kèm tệp minh chứng hoặc giải trình."
)
EXCEEDED_BUT_NOT_MET = Refusal(
    "exceeded-but-not-met", "Mâu thuẫn", "Kết quả không đạt chất lượng thì không thể vượt mức."
)

# Communes that are merged

MERGER_IN_THE_FUTURE = Refusal(
    "merger-in-the-future", "Chưa đến ngày sắp xếp", "Ghi việc sắp xếp từ ngày {on} trở đi, khi xã mới đã hoạt động."
)
MERGER_COMMUNE_UNKNOWN = Refusal(
    "merger-commune-unknown",
    "Không có xã cũ này",
    "Không có xã {commune} trong hệ thống; xem cchc commune list.",
    formerly=("merger-unknown-commune",),
)
MERGER_SEAT_UNKNOWN = Refusal(
    "merger-seat-unknown",
    "Xã giữ lãnh đạo không đúng",
    "Xã {commune} không nằm trong các xã được sắp xếp.",
    formerly=("merger-unknown-seat",),
)
MERGER_PERSON_UNKNOWN = Refusal(
    "merger-person-unknown",
    "Không có người này ở xã cũ",
    "Tệp nhân sự ghi {staff} của xã {commune}: không có người đó.",
    formerly=("merger-unknown-person",),
)
MERGER_SAME_ID = Refusal(
    "merger-same-id", "Trùng mã ở xã mới", "Hai bản ghi cùng thành {subject} ở xã mới; ghi mã khác trong tệp nhân sự."
)
MERGER_EVENT_TOO_LARGE = Refusal(
    "merger-event-too-large", "Sự kiện quá dài", "Một sự kiện của {subject} quá dài để chuyển sang xã mới."
)
MERGER_OTHERWISE = Refusal(
    "merger-otherwise",
    "Khác lần ghi trước",
    "Xã {commune} đã có nhật ký không khớp với việc sắp xếp này; chạy lại với đúng các thông tin và tệp lần trước.",
)

# Days and deadlines

DAY_IN_THE_FUTURE = Refusal("day-in-the-future", "Ngày chưa đến", "Ngày {day} chưa đến nên chưa thể ghi nhận.")
CALENDAR_YEAR = Refusal(
    "calendar-year", "Năm không hợp lý", "Không có lịch làm việc của năm {year}; hãy kiểm tra lại năm."
)
DAY_IMPLAUSIBLE = Refusal(
    "day-implausible", "Ngày không hợp lý", "{day} không phải ngày của thời nay; hãy kiểm tra lại năm."
)
END_BEFORE_START = Refusal("end-before-start", "Ngày kết thúc trước ngày bắt đầu", "{end} trước {start}.")
LEAD_REPORTS_TODAY = Refusal(
    "lead-reports-today",
    "Ngày báo cáo là hôm nay",
    "Người chủ trì báo cáo trong ngày; kết quả của ngày trước do Văn phòng ghi nhận, có lý do.",
)
REPORT_BEFORE_ASSIGNMENT = Refusal(
    "report-before-assignment", "Báo cáo trước ngày giao", "Ngày {day} trước ngày giao {assigned_on}."
)
DUE_DATE_REQUIRED = Refusal("due-date-required", "Thiếu hạn", "Hãy cho một hạn xác định được ngày.")
DUE_DATE_PAST = Refusal("due-date-past", "Hạn đã qua", "Hạn mới {date} trước hôm nay.")
NO_DATE_TO_EXTEND = Refusal(
    "no-date-to-extend", "Chưa có hạn để gia hạn", "Nhiệm vụ {task} chưa có ngày đến hạn; hãy xác nhận hạn trước."
)
EXTENSION_NOT_LATER = Refusal("extension-not-later", "Không phải gia hạn", "Hạn mới phải sau hạn hiện tại {date}.")
NO_EXTENSION_REQUESTED = Refusal(
    "no-extension-requested", "Không có đề nghị gia hạn", "Nhiệm vụ này không có đề nghị gia hạn nào đang chờ."
)
WORKING_DAYS_NOT_POSITIVE = Refusal(
    "working-days-not-positive", "Số ngày làm việc không đúng", "Số ngày làm việc phải lớn hơn 0."
)
DUE_VERSION_UNKNOWN = Refusal(
    "due-version-unknown",
    "Không có lần định hạn này",
    "Nhiệm vụ không có hạn lần thứ {due_version}.",
    formerly=("unknown-due-version",),
)
QUALITY_HAS_NO_DUE_VERSION = Refusal(
    "quality-has-no-due-version", "Thừa lần định hạn", "Nguyên nhân khách quan về chất lượng không gắn với hạn nào."
)

# Calendars

CALENDAR_MISSING = Refusal(
    "calendar-missing",
    "Chưa có lịch làm việc",
    "Chưa công bố lịch làm việc năm {year}; hãy công bố lịch, hoặc chọn không dời hạn khi trùng ngày nghỉ.",
)
CALENDAR_EXISTS = Refusal(
    "calendar-exists", "Mã lịch đã dùng", "Lịch {calendar} đã được công bố; lần sửa phải có mã mới."
)
CALENDAR_NOT_IN_FORCE = Refusal(
    "calendar-not-in-force", "Lịch bị thay không còn hiệu lực", "Lịch {calendar} không phải lịch đang áp dụng."
)
CALENDAR_OTHER_YEAR = Refusal("calendar-other-year", "Ngày ngoài năm của lịch", "Ngày {day} không thuộc năm {year}.")
CALENDAR_DAY_TWICE = Refusal("calendar-day-twice", "Ngày bị lặp", "Ngày {day} được nêu hai lần.")
CALENDAR_NOT_A_WEEKEND = Refusal(
    "calendar-not-a-weekend", "Không phải ngày cuối tuần", "Ngày làm bù {day} phải là thứ Bảy hoặc Chủ nhật."
)

# People and units

UNIT_CYCLE = Refusal("unit-cycle", "Bộ phận lồng vòng", "Bộ phận {unit} không thể nằm dưới chính nó.")
ROOT_UNIT = Refusal("root-unit", "Bộ phận gốc", "{unit} là chính đơn vị cấp xã, không cần khai báo.")
CODE_REQUIRED = Refusal("code-required", "Thiếu mã", "Hãy ghi mã.")
CODE_RESERVED = Refusal(
    "code-reserved", "Mã dành riêng", "Mã {code} dành cho nơi quyết định ngoài xã. Hãy đặt mã khác, ví dụ p07."
)
POST_REQUIRED = Refusal("post-required", "Thiếu chức vụ", "Hãy ghi chức vụ, vị trí.")
ROLE_REQUIRED = Refusal("role-required", "Thiếu vai trò", "Mỗi người phải có ít nhất một vai trò.")
OWN_TRACKER = Refusal("own-tracker", "Tự theo dõi mình", "{staff} không thể tự theo dõi, chấm điểm mình.")
OWN_RATER = Refusal("own-rater", "Tự xếp loại mình", "{staff} không thể tự xếp loại mình.")
OWN_SUBSTITUTE = Refusal("own-substitute", "Tự thay mình", "{staff} không thể làm thay cho chính mình.")
ACT_UNKNOWN = Refusal(
    "act-unknown", "Không có kỷ luật này", "Không có quyết định kỷ luật {act} đang ghi nhận.", formerly=("unknown-act",)
)

# Communes, directives, templates, imports

COMMUNE_NOT_OPEN = Refusal("commune-not-open", "Đơn vị chưa mở sổ", "Đơn vị này chưa có nhật ký.")
COMMUNE_ALREADY_OPEN = Refusal("commune-already-open", "Đơn vị đã mở sổ", "Nhật ký của {commune} đã mở.")
COMMUNE_CLOSED = Refusal(
    "commune-closed", "Đơn vị đã kết thúc", "Đơn vị kết thúc hoạt động ngày {on}; nhật ký chỉ còn để tra cứu."
)
OWN_SUCCESSOR = Refusal("own-successor", "Kế thừa chính mình", "Đơn vị không thể kế thừa chính nó.")
NAME_REQUIRED = Refusal("name-required", "Thiếu tên", "Hãy ghi tên đơn vị.")
LEGAL_BASIS_REQUIRED = Refusal("legal-basis-required", "Thiếu căn cứ", "Hãy ghi căn cứ pháp lý.")
SETTING_VALUE = Refusal("setting-value", "Giá trị không đúng", "Cài đặt {name} chỉ nhận true hoặc false.", 422)
NOTHING_CHANGES = Refusal("nothing-changes", "Không có gì thay đổi", "Nội dung gửi lên giống hệt điều đang ghi nhận.")
NUMBER_REQUIRED = Refusal("number-required", "Thiếu số văn bản", "Hãy ghi số, ký hiệu văn bản.")
DIRECTIVE_ALREADY_ISSUED = Refusal(
    "directive-already-issued", "Văn bản đã ghi nhận", "Văn bản {number} đã được ghi nhận."
)
DIRECTIVE_WITHDRAWN = Refusal("directive-withdrawn", "Văn bản đã thu hồi", "Văn bản {number} đã thu hồi.")
TEMPLATE_UNKNOWN = Refusal(
    "template-unknown",
    "Không có việc định kỳ này",
    "Không có mẫu việc định kỳ mã {template}.",
    404,
    formerly=("unknown-template",),
)
TEMPLATE_ENDED = Refusal("template-ended", "Việc định kỳ đã kết thúc", "Mẫu việc định kỳ {template} đã kết thúc.")
TEMPLATE_TOO_FAR_BACK = Refusal(
    "template-too-far-back",
    "Việc định kỳ bắt đầu quá xa",
    "Mỗi kỳ đã qua thành một nhiệm vụ, nên việc định kỳ không bắt đầu trước ngày {first}.",
)
RECURRENCE_DAY = Refusal(
    "recurrence-day",
    "Ngày định kỳ không đúng",
    "Ngày trong tháng phải từ 1 đến 31 hoặc “cuối tháng”, không phải {day}.",
)
IMPORT_OUTDATED = Refusal(
    "import-outdated",
    "Dữ liệu đã thay đổi từ lúc xem trước",
    "Có việc được ghi sau khi xem trước tệp này. Xem trước lại rồi xác nhận.",
)
IMPORT_EXISTS = Refusal("import-exists", "Lần nhập đã xác nhận", "Lần nhập tệp này đã được xác nhận trước đó.")
IMPORT_FILE_UNKNOWN = Refusal(
    "import-file-unknown",
    "Không có tệp này",
    "Chưa có tệp nào với mã băm đó được tải lên để nhập.",
    404,
    formerly=("unknown-import-file",),
)
DIRECTIVE_REQUIRED = Refusal(
    "directive-required", "Thiếu chỉ thị", "Phụ lục phải thuộc một chỉ thị, văn bản giao việc đã ghi nhận.", 422
)

# Evidence

EVIDENCE_EMPTY = Refusal("evidence-empty", "Tệp rỗng", "Tệp minh chứng không có nội dung. Hãy chọn lại tệp.", 422)
EVIDENCE_TOO_LARGE = Refusal(
    "evidence-too-large",
    "Tệp quá lớn",
    "Tệp minh chứng vượt {limit_mb} MB. Hãy nén lại hoặc tách thành nhiều tệp.",
    413,
)
EVIDENCE_KIND = Refusal(
    "evidence-kind",
    "Loại tệp không được nhận",
    "Chỉ nhận PDF, ảnh PNG hoặc JPEG, tài liệu Word, Excel, PowerPoint không có macro, tệp .txt và .csv.",
    422,
)
EVIDENCE_ACTIVE = Refusal(
    "evidence-active",
    "Tệp có thứ chạy được",
    "Trong tệp có {found}. Hãy in ra PDF không kèm macro, không kèm tệp (Tệp → In → Lưu PDF) rồi tải bản đó lên; "
    "tệp cần kèm thì tải lên riêng.",
    422,
)
EVIDENCE_DISGUISED = Refusal(
    "evidence-disguised",
    "Tệp mang hai dạng",
    "Tệp là {kind} nhưng còn chứa {found}. Hãy mở, in ra PDF (Tệp → In → Lưu PDF) rồi tải bản đó lên.",
    422,
)
EVIDENCE_LOCKED = Refusal(
    "evidence-locked",
    "Tệp đặt mật khẩu",
    "Tệp {kind} này đặt mật khẩu nên không kiểm tra được. Hãy bỏ mật khẩu, hoặc in ra PDF, rồi tải lại.",
    422,
)
EVIDENCE_BROKEN = Refusal(
    "evidence-broken",
    "Tệp bị hỏng",
    "Không mở được tệp này như tệp {kind}: tải lên dở dang hoặc bị lỗi. Hãy mở thử, lưu lại hoặc in ra PDF rồi tải "
    "lại.",
    422,
)
EVIDENCE_NOT_STORED = Refusal(
    "evidence-not-stored",
    "Minh chứng chưa tải lên",
    "Chưa có tệp nào của nhiệm vụ này với mã băm {sha256} và kích thước, loại đã ghi. Hãy tải tệp lên trước.",
)
EVIDENCE_UNKNOWN = Refusal(
    "evidence-unknown",
    "Không có tệp này",
    "Nhiệm vụ này không có tệp minh chứng với mã băm đó, hoặc tệp đã xóa.",
    404,
    formerly=("unknown-evidence",),
)
FILE_REQUIRED = Refusal("file-required", "Thiếu tệp", "Hãy gửi một tệp trong phần “file” của biểu mẫu.", 422)

# Files to import

FILE_EMPTY = Refusal("file-empty", "Tệp rỗng", "Tệp không có nội dung. Hãy chọn lại tệp danh mục hoặc danh sách.", 422)
FILE_TOO_LARGE = Refusal(
    "file-too-large", "Tệp quá lớn", "Tệp vượt {limit_mb} MB. Hãy bỏ hình ảnh, trang tính không cần rồi tải lại.", 413
)
FILE_BROKEN = Refusal(
    "file-broken",
    "Tệp hỏng",
    "Không mở được tệp: tải lên dở dang hoặc tệp bị lỗi. Hãy mở bằng Excel, lưu lại thành .xlsx rồi tải lại.",
    422,
)
FILE_BOMB = Refusal(
    "file-bomb",
    "Tệp bung ra quá lớn",
    "Tệp nén bung ra quá lớn (giới hạn {limit_mb} MB) nên không được đọc. Hãy chép riêng bảng sang tệp mới.",
    422,
)
FILE_ENCRYPTED = Refusal(
    "file-encrypted", "Tệp có mật khẩu", "Tệp đặt mật khẩu. Hãy bỏ mật khẩu, lưu lại rồi tải lên.", 422
)
FILE_OLD_OR_ENCRYPTED = Refusal(
    "file-old-or-encrypted",
    "Tệp .xls cũ hoặc có mật khẩu",
    "Chỉ nhận .xlsx và .csv. Hãy mở bằng Excel, bỏ mật khẩu nếu có, chọn Lưu thành .xlsx rồi tải lại.",
    422,
)
FILE_NOT_A_TABLE = Refusal(
    "file-not-a-table", "Không phải tệp bảng tính", "Nội dung tệp không phải .xlsx hay .csv. Hãy chọn đúng tệp.", 422
)
FILE_CHARACTER = Refusal(
    "file-character", "Ô có ký tự không dùng được", "Ô {cell} (trang {sheet}): {fault} Sửa trong tệp rồi tải lại.", 422
)
FILE_ENCODING_UNKNOWN = Refusal(
    "file-encoding-unknown",
    "Không rõ bảng mã chữ Việt",
    "Không đọc được chữ trong tệp .csv (có thể là TCVN3, VNI). Hãy lưu lại dạng .xlsx hoặc CSV UTF-8.",
    422,
)
FILE_TOO_MANY_ROWS = Refusal(
    "file-too-many-rows",
    "Quá nhiều dòng",
    "Tệp có {rows} dòng, giới hạn {limit}. Hãy xóa dòng thừa hoặc chia tệp.",
    422,
)
FILE_TOO_MANY_COLUMNS = Refusal(
    "file-too-many-columns",
    "Quá nhiều cột",
    "Bảng rộng {columns} cột, giới hạn {limit}. Hãy xóa cột thừa ở bên phải.",
    422,
)
FILE_TOO_MANY_CELLS = Refusal(
    "file-too-many-cells",
    "Bảng quá lớn",
    "Các bảng chiếm {cells} ô, giới hạn {limit}. Hãy xóa ô lạc ở xa bảng và trang tính không cần.",
    422,
)
FILE_TOO_MANY_PIECES = Refusal(
    "file-too-many-pieces",
    "Tệp chứa quá nhiều thứ ngoài bảng",
    "Tệp có hơn {limit} {pieces}. Hãy chép riêng bảng (dán giá trị) sang tệp mới rồi tải lại.",
    422,
)
FILE_CELL_TOO_LONG = Refusal(
    "file-cell-too-long",
    "Ô quá dài",
    "Ô {cell} có {letters} chữ, giới hạn {limit} như Excel. Hãy rút gọn ô này rồi tải lại.",
    422,
)
FILE_TOO_MUCH_TEXT = Refusal(
    "file-too-much-text",
    "Quá nhiều chữ",
    "Các ô (ô gộp và ô lặp cùng nội dung đều tính) có hơn {limit} chữ. Hãy chia tệp, hoặc bỏ cột không cần.",
    422,
)
ERASURE_ELSEWHERE = Refusal(
    "erasure-elsewhere",
    "Chưa xóa được ở dịch vụ nhắc việc",
    "Dịch vụ nhắc việc chưa xóa được địa chỉ và phiếu đôn đốc có tên {staff}, nên chưa xóa gì. Hãy thử lại;"
    " nếu vẫn không được, người vận hành chạy: cchc person erase {staff}.",
    503,
)
FILE_NO_HEADER = Refusal(
    "file-no-header",
    "Không tìm thấy dòng tiêu đề",
    "Không trang tính nào có dòng tiêu đề với các cột: {columns}. Hãy kiểm tra tên cột rồi tải lại.",
    422,
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Refusal))
