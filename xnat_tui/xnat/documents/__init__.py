"""Items as documents, JSON to read and XML to write, and the catalogs of their files."""
