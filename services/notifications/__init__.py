"""Notifications: reminders of tasks, sheets and appeals, the channels that carry them, and what became of each."""
