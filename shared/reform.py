"""The fields of administrative reform (lĩnh vực cải cách hành chính): NQ 76/NQ-CP, with steering (0) and impact (7)."""

FIELDS = {
    0: "Công tác chỉ đạo, điều hành",
    1: "Cải cách thể chế",
    2: "Cải cách thủ tục hành chính",
    3: "Cải cách tổ chức bộ máy hành chính",
    4: "Cải cách chế độ công vụ",
    5: "Cải cách tài chính công",
    6: "Xây dựng chính quyền điện tử, chính quyền số",
    7: "Tác động của cải cách hành chính",
}
