"""Item XML and catalogs: read, rewritten, sent."""
