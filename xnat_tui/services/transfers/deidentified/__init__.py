"""Copies and exports of which nobody can tell whom they are about."""
