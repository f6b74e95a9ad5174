"""The services; each holds its own log and meets the others only in the event catalogue and over HTTP."""
