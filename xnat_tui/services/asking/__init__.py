"""Questions to an archive whose answers are tables."""
