"""What the steps of a copy do: items, files, catalogs."""
