"""The pure part: what is known of a commune, the policy, which reminders a moment wants, what a message says."""
