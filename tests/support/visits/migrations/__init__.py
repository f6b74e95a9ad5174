"""Alembic migrations of the test-only service."""
