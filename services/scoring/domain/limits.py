"""How long the texts of a command may be, in letters: what the schemas and a decision go by."""

TEXT = 2000
NUMBER = 100
LINE = 200

# By the field of a command.
LONGEST = {
    "reason": TEXT,
    "reasons": TEXT,
    "settings": TEXT,
    "comment": TEXT,
    "text": TEXT,
    "document": TEXT,
    "differs_reason": TEXT,
    "document_number": NUMBER,
    "decision_number": NUMBER,
    "from_": LINE,
    "by_body": LINE,
}
