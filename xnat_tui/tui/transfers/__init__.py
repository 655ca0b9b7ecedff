"""Jobs as the explorer sees them: started, watched, paused."""
