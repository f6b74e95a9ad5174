"""Reading an office's own spreadsheets: annexes and rosters become proposals, questions and errors with their cell."""
