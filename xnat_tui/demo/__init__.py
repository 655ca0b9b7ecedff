"""A stand-in XNAT server, in memory, for demonstrations and tests; it stands alone."""
