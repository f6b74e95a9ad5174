"""Reads a file that somebody sent in a child process, so that whatever the file does ends there (ADR 0032)."""
