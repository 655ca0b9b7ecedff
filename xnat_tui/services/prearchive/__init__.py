"""The prearchive as its staff uses it."""
