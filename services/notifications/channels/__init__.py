"""The last hop: each channel takes one message to one address, or says why it could not."""
