"""The gateway: how an XNAT is spoken to, and what its answers are worth."""
