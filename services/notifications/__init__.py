"""Notifications: who is told what about tasks, sheets and appeals, when, by which channel, and what became of it."""
