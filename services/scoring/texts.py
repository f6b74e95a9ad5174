"""What the scoring service says to people when it refuses: code → (title, what to do)."""

TEXTS: dict[str, tuple[str, str]] = {
    "staff-unknown": (
        "Không có người này",
        "Không có mã {staff} trong danh sách của xã. Kiểm tra lại mã cán bộ.",
    ),
    "unit-unknown": (
        "Không có đơn vị này",
        "Không có đơn vị {unit} trong danh sách của xã. Khai báo đơn vị trước, rồi ghi kết quả.",
    ),
    "not-in-post": (
        "Không còn giữ chức vụ",
        "{staff} không giữ chức vụ ở xã vào ngày này. Chọn người đang giữ chức vụ.",
    ),
    "acts-for-another": (
        "Không được ghi thay",
        "Chỉ Văn phòng được ghi thay người khác ({by}). Hãy tự ghi, hoặc chuyển Văn phòng ghi.",
    ),
    "chair-only": (
        "Thuộc thẩm quyền của Chủ tịch",
        "Việc này do Chủ tịch UBND xã quyết định; {by} không giữ chức vụ đó vào ngày này.",
    ),
    "reason-required": ("Thiếu lý do", "Ghi lý do: mọi lựa chọn về xếp loại đều phải có lý do để đối chiếu sau này."),
    "common-criteria": (
        "Tiêu chí chung không đúng",
        "Ghi ít nhất một tiêu chí trong các tiêu chí {expected}; mỗi tiêu chí là tot, dap_ung hoặc khong.",
    ),
    "self-assessment-by-another": (
        "Tự đánh giá do chính người đó",
        "Phần tự đánh giá của {staff} phải do chính {staff} thực hiện.",
    ),
    "rates-oneself": (
        "Không tự xác nhận cho mình",
        "{staff} không được tự xác nhận, tự xếp loại hoặc tự ghi kết quả của đơn vị mình. Chuyển người có thẩm quyền.",
    ),
    "not-rated-externally": (
        "Không phải cấp trên xếp loại",
        "Người này do xã xếp loại; ghi tên người có thẩm quyền của xã thay cho external.",
    ),
    "neither-tracker-nor-rater": (
        "Không có thẩm quyền đánh giá",
        "{by} không phải người theo dõi hay người xếp loại của người này.",
    ),
    "setting-unknown": ("Không có thiết lập này", "Không có thiết lập {setting}. Xem danh sách trong phần mô tả API."),
    "setting-invalid": ("Giá trị thiết lập không hợp lệ", "Thiết lập {setting} không nhận giá trị {value}."),
    "figure-unknown": (
        "Không có con số này",
        "Phiếu không có con số {figure}. Dùng tên con số như trên phiếu, ví dụ n, late, undone, f.",
    ),
    "position-unknown": (
        "Chưa có vị trí này",
        "Nhật ký {source} chưa có vị trí {position}. Kiểm tra lại vị trí, hoặc đợi dữ liệu về.",
    ),
    "directive-unknown": (
        "Không có chỉ thị này",
        "Không có chỉ thị {directive} trong nhật ký của xã. Xem danh sách chỉ thị để lấy đúng mã.",
    ),
    "moments-reversed": (
        "Hai thời điểm ngược nhau",
        "Thời điểm sau (to) nằm trước thời điểm đầu (from). Đổi chỗ hai thời điểm.",
    ),
    "sheet-of-another": (
        "Không được xem phiếu này",
        "Phiếu của {staff} chỉ dành cho chính người đó, người theo dõi, người xếp loại và Văn phòng.",
    ),
    "unit-figures": (
        "Số liệu không khớp",
        "{part} phải từ 0 đến {whole}. Kiểm tra lại số liệu của đơn vị.",
    ),
    "not-the-rater": (
        "Không có thẩm quyền xếp loại",
        "{by} không phải người có thẩm quyền xếp loại người này. Chuyển người xếp loại, hoặc Chủ tịch.",
    ),
    "chair-or-office-only": (
        "Việc của Chủ tịch hoặc Văn phòng",
        "{by} không phải Chủ tịch hay người của Văn phòng vào ngày này. Chuyển Văn phòng làm bước này.",
    ),
    "office-only": (
        "Việc của Văn phòng",
        "{by} không thuộc Văn phòng vào ngày này. Chuyển Văn phòng ghi.",
    ),
    "rule-set-unknown": (
        "Không có bộ quy tắc này",
        "Chưa cài đặt bộ quy tắc {rule_set}. Chọn một trong: {known}.",
    ),
    "rule-set-differs": (
        "Bộ quy tắc không khớp",
        "Bộ quy tắc {rule_set} đang cài đặt có mã SHA-256 khác mã đã nêu. Kiểm tra lại mã, hoặc cài đúng phiên bản.",
    ),
    "rule-set-not-installed": (
        "Chưa cài bộ quy tắc",
        "Bộ quy tắc {rule_set} của người này chưa được cài đặt, hoặc khác phiên bản đã chọn. Báo người quản trị.",
    ),
    "period-unknown": (
        "Không có kỳ này",
        "{period} không phải là kỳ. Ghi tháng dạng 2026-03 hoặc quý dạng 2026-Q1.",
    ),
    "period-kind": (
        "Không đúng loại kỳ",
        "Năm này theo dõi theo kỳ dạng {example}, không phải {period}. Ghi theo kỳ đã chọn trong thiết lập của năm.",
    ),
    "period-of-another-year": (
        "Kỳ của năm khác",
        "Kỳ {period} không thuộc năm {year}. Kiểm tra lại năm trong đường dẫn.",
    ),
    "period-not-begun": (
        "Kỳ chưa bắt đầu",
        "Kỳ {period} bắt đầu ngày {first_day}. Ghi từ ngày đó trở đi.",
    ),
    "period-not-over": (
        "Kỳ chưa kết thúc",
        "Kỳ {period} kết thúc ngày {last_day}. Khóa kỳ sau ngày đó.",
    ),
    "period-closed": (
        "Kỳ đã khóa",
        "Kỳ {period} đã khóa với {staff}. Muốn thay đổi, Chủ tịch mở lại kỳ và ghi lý do.",
    ),
    "period-open": (
        "Kỳ chưa khóa",
        "Kỳ {period} đang mở với {staff}, không cần mở lại.",
    ),
    "period-begun-here": (
        "Kỳ do xã chấm điểm",
        "{staff} đã công tác ở xã từ đầu kỳ {period}. Chỉ ghi điểm của nơi cũ cho kỳ bắt đầu trước khi chuyển đến.",
    ),
    "nothing-to-close": (
        "Không còn ai để khóa",
        "Kỳ {period} không còn ai đang mở. Xem bảng của kỳ.",
    ),
    "no-periods": (
        "Không theo dõi theo kỳ",
        "{staff} không được theo dõi trong kỳ {period}. Kiểm tra bộ quy tắc và thời gian công tác của người này.",
    ),
    "earlier-period-open": (
        "Kỳ trước chưa khóa",
        "Trước kỳ {period} còn kỳ {before} chưa khóa với {staff}. Khóa lần lượt từ kỳ sớm nhất.",
    ),
    "criteria-missing": (
        "Thiếu tiêu chí của kỳ",
        "{staff} chưa được xác nhận đủ tiêu chí chung, hoặc d, đ, e kỳ {period}. Ghi đủ, hoặc khóa riêng người khác.",
    ),
    "period-criteria": (
        "Tiêu chí không đúng",
        "Ghi ít nhất một tiêu chí trong các tiêu chí {expected}, mỗi tiêu chí một số điểm.",
    ),
    "points-out-of-range": (
        "Điểm vượt mức",
        "Tiêu chí {item} tối đa {most} điểm, không nhận {points}.",
    ),
    "not-a-number": (
        "Không phải số",
        "{value} không phải số không âm. Ghi số thập phân với dấu chấm, ví dụ 4.5.",
    ),
    "score-out-of-range": (
        "Điểm ngoài khoảng",
        "Điểm kỳ từ 0 đến 100, không nhận {score}.",
    ),
    "leader-reasons": (
        "Thiếu lý do từng tiêu chí",
        "Ghi lý do cho từng tiêu chí {expected} (dd là đ), không thừa không thiếu.",
    ),
    "not-a-leader": (
        "Không phải người lãnh đạo, quản lý",
        "{staff} không giữ chức vụ lãnh đạo, quản lý; bước này chỉ dành cho người lãnh đạo, quản lý.",
    ),
    "year-not-begun": (
        "Năm chưa bắt đầu",
        "Năm {year} chưa bắt đầu. Kiểm tra lại năm trong đường dẫn.",
    ),
    "not-rated-here": (
        "Không thuộc diện xếp loại",
        "{staff} không thuộc diện xếp loại tại xã trong năm {year}. Kiểm tra danh sách cán bộ.",
    ),
    "result-waits": (
        "Còn kết quả chờ xác nhận",
        "{staff} còn kết quả nhiệm vụ chờ xác nhận. Xác nhận hoặc trả lại kết quả đó trước.",
    ),
    "already-decided": (
        "Đã quyết định xếp loại",
        "Đã có quyết định xếp loại năm {year} của {staff}. Chỉ thay đổi được bằng xếp loại lại, có lý do.",
    ),
    "not-decided": (
        "Chưa có quyết định",
        "{staff} chưa có quyết định xếp loại năm {year}. Làm bước này sau khi có quyết định.",
    ),
    "nothing-decided": (
        "Chưa có gì để công khai",
        "Chưa có quyết định xếp loại nào của năm {year}. Công khai sau khi có quyết định.",
    ),
    "proposal-missing": (
        "Chưa có đề xuất",
        "Chưa có đề xuất của hệ thống cho {staff}. Lập đề xuất trước.",
    ),
    "proposal-not-last": (
        "Không phải đề xuất mới nhất",
        "{proposal} không phải đề xuất mới nhất; đề xuất mới nhất là {last}. Xem lại rồi quyết định.",
    ),
    "proposal-not-new": (
        "Đề xuất có trước quyết định",
        "Xếp loại lại phải dựa trên đề xuất lập sau quyết định đang có hiệu lực. Lập đề xuất mới.",
    ),
    "self-assessment-missing": (
        "Thiếu bản tự đánh giá",
        "{staff} chưa tự đánh giá. Người đó tự đánh giá trước khi họp và quyết định.",
    ),
    "meeting-missing": (
        "Thiếu biên bản họp",
        "Chưa có biên bản họp nêu ý kiến về {staff}. Văn phòng ghi biên bản trước khi quyết định.",
    ),
    "opinion-missing": (
        "Thiếu ý kiến cấp ủy",
        "Chưa có ý kiến bằng văn bản của cấp ủy về {staff}. Văn phòng ghi ý kiến trước khi quyết định.",
    ),
    "level-not-decidable": (
        "Không quyết định được mức này",
        "{level} không phải mức của nghị định; khong_xep_loai chỉ dùng khi đề xuất như vậy. Chọn lại mức.",
    ),
    "differs-reason-required": (
        "Thiếu lý do khác đề xuất",
        "Mức quyết định ({level}) khác mức đề xuất ({proposed}). Ghi lý do vì sao khác.",
    ),
    "day-out-of-order": (
        "Ngày không hợp lý",
        "Ngày {day} phải từ {first} đến hôm nay. Kiểm tra lại ngày.",
    ),
    "meeting-numbers": (
        "Số người không khớp",
        "Họp phải có người dự, số phiếu không âm và không quá số người dự. Kiểm tra lại biên bản {staff}.",
    ),
    "voted-twice": (
        "Một người có hai kết quả",
        "Biên bản nêu {staff} hai lần. Mỗi người một dòng.",
    ),
    "text-required": (
        "Thiếu nội dung",
        "Ghi nội dung (không ghi thông tin cá nhân).",
    ),
    "appeal-unknown": (
        "Không có kiến nghị này",
        "Người này không có kiến nghị mã {appeal} trong năm. Xem danh sách kiến nghị.",
    ),
    "appeal-open": (
        "Còn kiến nghị chưa giải quyết",
        "{staff} còn một kiến nghị chưa giải quyết. Giải quyết kiến nghị đó trước.",
    ),
    "appeal-resolved": (
        "Kiến nghị đã giải quyết",
        "Kiến nghị {appeal} đã được giải quyết. Nếu không đồng ý, người đó gửi kiến nghị mới.",
    ),
    "replaces-another": (
        "Không phải quyết định đang có hiệu lực",
        "Quyết định đang có hiệu lực là {in_force}, không phải {replaces}. Xem lại quy trình của người này.",
    ),
    "commune-parked": (
        "Dữ liệu của xã đang dừng",
        "Dữ liệu của xã đang dừng cập nhật vì lỗi, nên chưa chốt được số liệu. Báo người quản trị rồi làm lại.",
    ),
    "owner-away": (
        "Chưa kiểm tra được nhật ký công việc",
        "Dịch vụ công việc không trả lời, nên chưa biết số liệu đã đủ chưa. Thử lại sau ít phút.",
    ),
    "tasks-behind": (
        "Nhật ký công việc chưa về đủ",
        "Mới có đến vị trí {here} trong {there} của nhật ký công việc. Đợi vài giây rồi thử lại.",
    ),
}

# Codes that are about who asks, not about the state of things.
FORBIDDEN = (
    "acts-for-another",
    "chair-only",
    "rates-oneself",
    "self-assessment-by-another",
    "neither-tracker-nor-rater",
    "not-in-post",
    "sheet-of-another",
    "not-the-rater",
    "chair-or-office-only",
    "office-only",
)
STATUSES = dict.fromkeys(FORBIDDEN, 403) | {
    "moments-reversed": 422,
    "staff-unknown": 404,
    "directive-unknown": 404,
    "unit-unknown": 404,
    "position-unknown": 404,
    "figure-unknown": 404,
    "period-unknown": 404,
    "appeal-unknown": 404,
    # They pass by themselves, or once somebody has mended what stands still.
    "commune-parked": 503,
    "owner-away": 503,
    "tasks-behind": 503,
}
