"""One screen or panel a module."""
