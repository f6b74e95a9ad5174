"""What prints the figures: each beside its baseline in the same run, so that they mean something on any machine."""
