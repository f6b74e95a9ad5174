"""The rules that are in no policy: what a person asks for, and what nobody may switch off."""

# The Office or a leader reminds the leads of some tasks now.
URGE = "urge"
# Somebody hears at once of an act: typed in their name; decided about them outside the commune; a change of who judges
# them; anything else that their rating rests on (domain/acts.py).
TYPED, OUTSIDE, JUDGES, ABOUT = "typed-for", "decided-outside", "who-judges", "recorded-about"
AT_ONCE = frozenset({TYPED, OUTSIDE, JUDGES, ABOUT})
# No policy may take these names.
RESERVED = frozenset({URGE, *AT_ONCE})
