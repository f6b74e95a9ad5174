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
    "sheet-of-another": (
        "Không được xem phiếu này",
        "Phiếu của {staff} chỉ dành cho chính người đó, người theo dõi, người xếp loại và Văn phòng.",
    ),
    "unit-figures": (
        "Số liệu không khớp",
        "{part} phải từ 0 đến {whole}. Kiểm tra lại số liệu của đơn vị.",
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
)
STATUSES = dict.fromkeys(FORBIDDEN, 403) | {
    "staff-unknown": 404,
    "unit-unknown": 404,
    "position-unknown": 404,
    "figure-unknown": 404,
}
