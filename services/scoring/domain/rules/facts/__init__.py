"""Facts that rule sets share: a task's life by its effective days, and a person's posts, absences and acts.

Part of every rule set that names these files in its rules.toml, and of its hash: a released file is never edited.
"""
