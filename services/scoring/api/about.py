"""What the scoring service says of itself in its OpenAPI description."""

from shared.web.openapi import About

ABOUT = About(
    """The year's ratings as known at any moment, each number with the events behind it; the evaluation procedure, \
from the proposal to the decision, its notice and appeals; reports of a year and of directives.""",
    ids={
        "staff": "Code of a staff member (cán bộ, công chức), such as p14; never a name.",
        "unit": "Id of a department (phòng) or area (thôn); the commune's own id for the commune itself.",
        "year": "The rating year.",
        "period": "A period of a year that is scored for itself, such as 2026-03 or 2026-Q1.",
        "appeal": "Id of an appeal, as the answer to it says.",
        "directive": "Id of a directive (chỉ thị).",
    },
    waits=True,
)
