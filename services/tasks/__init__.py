"""Communes, staff, directives, tasks and calendars: the command side."""
