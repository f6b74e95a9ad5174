"""The installation, simulated: its real programs over stand-ins for database, broker, network and clock (ADR 0045)."""
