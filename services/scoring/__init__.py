"""Scoring: rating sheets rebuilt from the log, with the arithmetic and the events behind every figure."""
