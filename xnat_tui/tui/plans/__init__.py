"""A plan before it is run: its steps, its options."""
