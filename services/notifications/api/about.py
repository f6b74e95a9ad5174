"""What the notifications service says of itself in its OpenAPI description."""

from shared.web.openapi import About

ABOUT = About(
    """Reminders: who is reminded of what, when and by which channels; the Office's worklist, urging slips (phiếu đôn \
đốc), the weekly and monthly report. What a moment wants sent is a pure function of the logs, so past and future \
moments can be asked for.""",
    ids={
        "reminder": "Id of a reminder.",
        "staff": "Code of a staff member (cán bộ, công chức), such as p14; never a name.",
        "channel": "Name of a channel that has addresses of its own, such as zalo.",
        "endpoint": "Id of a webhook endpoint.",
        "slip": "Id of an urging slip.",
    },
    waits=True,
)
