"""What an archive's staff do: demographics, sharing, renaming, resources, users, AutoRun, catalogs."""
