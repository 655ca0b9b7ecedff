"""Sharing items into other projects, and access to them."""
