"""The doctor: looks at an installation and says what is well, what is not, and what to type. It changes nothing."""
