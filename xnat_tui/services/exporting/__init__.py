"""Running a planned export, and how an exported folder is laid out."""
