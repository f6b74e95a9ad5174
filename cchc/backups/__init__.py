"""Backup and restore: one file that any SQLite or PostgreSQL installation can be brought back from (ADR 0021)."""
