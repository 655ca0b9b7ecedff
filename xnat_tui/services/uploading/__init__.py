"""Files of this machine on their way into an archive."""
