"""The command line, and the composition of every service in one process."""
