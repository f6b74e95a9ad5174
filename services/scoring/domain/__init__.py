"""The pure part of scoring: records folded from the log, facts and levels computed from them."""
