"""A table of an archive: sorted, filtered, marked, gone to and written."""
