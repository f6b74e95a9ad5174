"""Roles, and what of a post says who judges its holder, in words."""

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


def in_words(roles: Collection[str]) -> str:
    """In the order of authority."""
    order = [*ROLES, *(role for role in WORDS if role not in ROLES)]
    return ", ".join(WORDS[role] for role in order if role in roles) or "chưa vai trò nào"
