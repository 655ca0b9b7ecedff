"""Looking at an archive: places found, read a level at a time and remembered, walked, added up."""
