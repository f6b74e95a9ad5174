"""The Vietnamese text of every remark on a row of an import: what is wrong, and what to do about it."""

from services.tasks.imports.results import Remark, Row

# code: (title, detail); the details are filled from the remark's params.
QUESTIONS: dict[str, tuple[str, str]] = {
    "han_truoc_ngay_chi_thi": (
        "Thời hạn trước ngày chỉ thị",
        "Thời hạn “{text}” ở trước ngày ban hành chỉ thị. Hãy chọn: đã hoàn thành, hạn khác, hoặc bỏ dòng này.",
    ),
    "nhieu_thoi_han": (
        "Nhiều thời hạn",
        "“{text}” có nhiều thời hạn. Hãy tách thành từng nhiệm vụ hoặc chọn một thời hạn.",
    ),
    "thieu_thoi_han": ("Thiếu thời hạn", "Ô thời hạn để trống. Hãy nhập thời hạn, hoặc ghi rõ việc thường xuyên."),
    "khong_doc_duoc_thoi_han": (
        "Không đọc chắc được thời hạn",
        "Chưa hiểu hết “{text}”. Hãy nhập ngày, kỳ lặp lại, hoặc xác nhận cách hiểu được đề xuất.",
    ),
    "chu_tri_la_nhom": (
        "Chủ trì là một nhóm",
        "“{text}” là nhiều người. Mỗi việc một người chủ trì: hãy chọn một người, hoặc tách cho từng người.",
    ),
    "nhieu_chu_tri": (
        "Nhiều chủ trì",
        "“{text}” nêu nhiều chủ trì. Hãy chọn một người chủ trì, những người còn lại phối hợp.",
    ),
    "khong_ro_chu_tri": (
        "Không rõ ai chủ trì",
        "Không tìm được đúng một người là “{text}” trong danh sách cán bộ. Hãy chọn người chủ trì.",
    ),
    "khong_ro_linh_vuc": ("Không rõ lĩnh vực", "Không rõ dòng này thuộc lĩnh vực CCHC nào (0–7). Hãy chọn lĩnh vực."),
    "thieu_stt": (
        "Thiếu số thứ tự",
        "Dòng không có số thứ tự, tạm ghi {no}. Hãy điền số để lần nhập sau nhận ra dòng này.",
    ),
    "trung_stt": (
        "Trùng số thứ tự",
        "Số thứ tự {no} đã có ở dòng trên. Hãy sửa số, hoặc xác nhận đây là nhiệm vụ khác.",
    ),
    "co_quan_khac_xep_loai": (
        "Cơ quan khác xếp loại",
        "Ghi chú: “{text}”. Đề xuất không lập phiếu xếp loại tại xã. Hãy xác nhận.",
    ),
    "cap_tren_xep_loai": (
        "Cấp trên xếp loại",
        "Ghi chú: “{text}”. Đề xuất lập phiếu tại xã, cấp trên quyết định mức. Hãy xác nhận.",
    ),
    "nghi_trong_ghi_chu": (
        "Ghi chú có thời gian nghỉ",
        "Ghi chú: “{text}”. Hãy ghi nhận thời gian nghỉ và người làm thay, hoặc bỏ qua.",
    ),
    "chuyen_cong_tac": (
        "Ghi chú có chuyển công tác",
        "Ghi chú: “{text}”. Hãy xác nhận ngày đến, ngày đi; nếu từ nơi khác đến, ghi ngày bắt đầu công tác liên tục.",
    ),
    "lam_thay": ("Ghi chú có làm thay", "Ghi chú: “{text}”. Hãy xác nhận người này làm thay {of}."),
    "thieu_tu_ngay": ("Thiếu ngày bắt đầu", "Ô “Từ ngày” để trống. Hãy nhập ngày bắt đầu giữ vị trí này."),
    "cap_tren_chua_nhap": (
        "Người phụ trách chưa nhập được",
        "Dòng của người phụ trách trực tiếp {text} chưa nhập được. Hãy sửa dòng đó trước, hoặc để trống.",
    ),
    "viec_cua_nguoi_gui": (
        "Việc của chính người gửi",
        "Không ai tự giao, tự đổi việc của mình. Chủ tịch gửi, xác nhận chính tệp này, hoặc lãnh đạo trả lời dòng này.",
    ),
    # compared with what is recorded of the same row
    "doi_chu_tri": (
        "Đổi chủ trì",
        "Lần nhập trước giao {before}, nay ghi “{text}”. Hãy giao lại việc, hoặc bỏ qua dòng này.",
    ),
    "doi_thoi_han": (
        "Đổi thời hạn",
        "Lần nhập trước ghi “{before}”, nay ghi “{text}”. Hãy gia hạn hoặc định lại hạn, hoặc bỏ qua dòng này.",
    ),
    "doi_he_so": ("Đổi hệ số", "Hệ số trước là {before}, nay là {text}. Hãy sửa hệ số, hoặc bỏ qua dòng này."),
    "doi_noi_dung": (
        "Đổi nội dung",
        "Dòng này đã được trả lời trước đó, nay ghi khác. Hãy sửa nhiệm vụ nếu cần, hoặc bỏ qua dòng này.",
    ),
}

# Remarks on rows that not everybody may confirm.
NEEDS: dict[str, tuple[str, str]] = {
    "can_chu_tich_hoac_quan_tri": (
        "Cần Chủ tịch hoặc quản trị hệ thống",
        "Chỉ Chủ tịch hoặc quản trị hệ thống xác nhận được dòng này: {text}.",
    ),
    "can_nguoi_khac": ("Cần người khác xác nhận", "{text}"),
}

FLAGS: dict[str, tuple[str, str]] = {
    "email_khong_hop_le": (
        "Địa chỉ email không đúng",
        "“{text}” không phải địa chỉ email nên không được ghi. Hãy bổ sung sau khi nhập.",
    ),
}

ERRORS: dict[str, tuple[str, str]] = {
    "qua_dai": ("Quá dài", "Có {letters} ký tự, tối đa {most}. Hãy rút gọn ô này."),
    "thieu_noi_dung": ("Thiếu nội dung công việc", "Ô nội dung công việc để trống. Hãy nhập nội dung."),
    "thieu_chu_tri": ("Thiếu chủ trì", "Ô chủ trì để trống. Hãy ghi người hoặc bộ phận chủ trì."),
    "he_so_khong_hop_le": ("Hệ số không hợp lệ", "Hệ số “{text}” không phải số lớn hơn 0. Hãy sửa, hoặc để trống."),
    "thieu_ma": (
        "Thiếu mã",
        "Dòng không có mã. Hãy ghi {free} vào cột Mã của dòng này (thêm cột nếu chưa có), rồi tải lại.",
    ),
    "ma_khong_hop_le": (
        "Mã không hợp lệ",
        "Mã “{code}” chỉ được gồm chữ không dấu, số, dấu chấm, gạch (tối đa 64), không là họ tên. Hãy ghi {free}.",
    ),
    "trung_ma": ("Trùng mã", "Mã {code} đã dùng ở dòng {row}. Mỗi người một mã."),
    "thieu_chuc_vu": ("Thiếu chức vụ", "Ô chức vụ/vị trí để trống. Hãy nhập chức vụ hoặc vị trí."),
    "nhom_la": (
        "Không rõ nhóm",
        "Nhóm “{text}” chưa rõ. Chọn: Cán bộ, Công chức, Không chuyên trách, Trưởng thôn, Hợp đồng hoặc Đầu mối.",
    ),
    "ngay_khong_doc_duoc": ("Không đọc được ngày", "“{text}” không phải ngày có thật. Hãy ghi dạng ngày/tháng/năm."),
    "ket_thuc_truoc_bat_dau": ("Ngày kết thúc trước ngày bắt đầu", "Từ {from} đến {to}: hãy sửa một trong hai ngày."),
    "cap_tren_khong_co": (
        "Không tìm thấy người phụ trách",
        "Người phụ trách trực tiếp “{text}” không có trong tệp. Hãy ghi mã của một người trong danh sách.",
    ),
    "cap_tren_la_chinh_minh": (
        "Người phụ trách là chính mình",
        "Người phụ trách trực tiếp của {code} không thể là chính {code}.",
    ),
}

TEXTS = {**QUESTIONS, **NEEDS, **FLAGS, **ERRORS}


def text_of(remark: Remark) -> str:
    """The detail of a remark with its cell."""
    return f"{remark.cell}: {TEXTS[remark.code][1].format_map(remark.params)}"


def outcome_of(row: Row) -> str:
    """The outcome of a row in one text, for the column "Lỗi"."""
    if row.errors:
        return "Lỗi – " + " ".join(map(text_of, row.errors))
    remarks = " ".join(map(text_of, (*row.questions, *row.flags)))
    return ("Chờ trả lời – " if row.questions else "Lưu ý – " if row.flags else "Đạt") + remarks
