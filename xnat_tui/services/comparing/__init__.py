"""Comparing two places, and proving what a transfer left behind."""
