"""Syncs: two places kept alike, what a run would do, and what runs have told."""
