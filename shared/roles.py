"""Roles, categories, and what of a post its holder's rating rests on, in words."""

from collections.abc import Collection, Mapping

from shared.events.values import ROLES

WORDS: Mapping[str, str] = {
    "chair": "Chủ tịch",
    "vice_chair": "Phó Chủ tịch",
    "office": "Văn phòng",
    "staff": "cán bộ, công chức",
    "village_head": "trưởng thôn",
    "focal_point": "đầu mối",
    "supervisor": "người giám sát",
    "inspector": "người thanh tra",
    "admin": "quản trị hệ thống",
    "replicator": "dịch vụ sao chép nhật ký",
    "messenger": "dịch vụ gửi tin",
}

OF_JUDGES: Mapping[str, str] = {
    "tracker": "người theo dõi",
    "rater": "người xếp loại",
    "roles": "vai trò",
    "rated": "diện được xếp loại",
}
# What else of a post a rating rests on; the words of the post itself say nothing.
OF_RATING: Mapping[str, str] = {
    "category": "nhóm",
    "unit": "bộ phận",
    "leader": "người lãnh đạo, quản lý",
    "similar_group": "nhóm công việc tương đồng",
    "leads_unit": "đơn vị phụ trách",
    "service_from": "ngày tính thời gian công tác",
}
CATEGORIES: Mapping[str, str] = {
    "can_bo": "Cán bộ",
    "cong_chuc": "Công chức",
    "khong_chuyen_trach": "Người hoạt động không chuyên trách",
    "truong_thon": "Trưởng thôn",
    "hop_dong": "Người lao động hợp đồng",
    "dau_moi": "Đầu mối",
}


def in_words(roles: Collection[str]) -> str:
    """In the order of authority."""
    order = [*ROLES, *(role for role in WORDS if role not in ROLES)]
    return ", ".join(WORDS[role] for role in order if role in roles) or "chưa vai trò nào"
