"""The roles in words, for refusals that say who may do it instead."""

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


def in_words(roles: Collection[str]) -> str:
    """In the order of authority."""
    order = [*ROLES, *(role for role in WORDS if role not in ROLES)]
    return ", ".join(WORDS[role] for role in order if role in roles) or "chưa vai trò nào"
