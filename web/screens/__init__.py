"""A module for each kind of work: its routes ask the services and fill its templates."""
