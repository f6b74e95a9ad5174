"""The papers of scoring, each with its template."""
