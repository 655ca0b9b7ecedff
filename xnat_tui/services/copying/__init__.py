"""Running a planned copy."""
