"""How long the texts of a command may be, in letters: what the schemas, the rows of a file and a decision go by."""

TEXT = 20_000  # an event is at most 256 KiB
LINE = 500
NAME = 200
SETTING = 2000

LONGEST = {
    # By the field of a command or of a value inside it; `Struct.field` where a name has several meanings.
    "title": TEXT,
    "product": TEXT,
    "reason": TEXT,
    "legal_basis": TEXT,
    "note": TEXT,
    "summary": TEXT,
    "explanation": TEXT,
    "document": LINE,
    "due_text": LINE,
    "DayOff.legal_basis": LINE,
    "WorkingWeekend.legal_basis": LINE,
    "post": 300,
    "number": 100,
    "name": NAME,
    "OpenCommune.parent": NAME,
    "settings": SETTING,
    # Of a deadline
    "text": LINE,
    "after": LINE,
    # Of a row of an annex
    "sheet": NAME,
    "no": 100,
    "held": NAME + 1 + 100,
    "due": LINE,
    "lead_text": 2000,
    "collaborators_text": 2000,
}
# Kept outside the log.
EMAIL, PHONE = 254, 40
