"""Boxes over the trees: one module, or folder, for each."""
