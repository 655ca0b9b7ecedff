"""The prearchive: what has arrived, where it is to go, what became of it."""
