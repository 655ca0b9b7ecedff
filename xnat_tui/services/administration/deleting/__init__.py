"""Subjects, sessions and what stands in them deleted, after what hangs on them was counted."""
