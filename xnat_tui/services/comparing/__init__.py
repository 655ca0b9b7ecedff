"""Comparing two places: read in bulk, proved, judged, reported; and an exported folder against its source."""
