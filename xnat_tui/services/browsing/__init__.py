"""Looking at an archive: found, read a level at a time, walked, added up."""
