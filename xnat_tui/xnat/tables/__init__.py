"""Lists: rows to entities, joined and in bulk, and searches."""
