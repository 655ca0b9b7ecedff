"""De-identification: what leaves carries no names, or does not leave."""
