"""What the tasks service says of itself in its OpenAPI description."""

from shared.web.openapi import About

ABOUT = About(
    """The commune itself, its units, people and working calendars; directives, and the tasks that come of them: given \
out, reported, verified. Every change is an event in the commune's log, which the feed hands on byte for byte.""",
    ids={
        "unit": "Id of a department (phòng) or area (thôn) of the commune.",
        "staff": "Code of a staff member (cán bộ, công chức), such as p14; never a name.",
        "act": "Id of a disciplined act, given by who recorded it.",
        "directive": "Id of a directive (chỉ thị).",
        "template": "Id of a recurring task.",
        "task": "Id of a task, or of the imported row that it was drafted from.",
        "sha256": "SHA-256 of a file's bytes, in hex.",
        "kind": "What kind of list the file holds.",
        "year": "Calendar year.",
    },
)
