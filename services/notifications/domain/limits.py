"""How long the texts of a command may be, in letters: what the schemas and a decision go by."""

NOTE = 500
NUMBER = 20

# By the field of a command.
LONGEST = {"note": NOTE, "reason": NOTE, "number": NUMBER}
