"""Moving data: what copying, exporting and uploading share, and the process that does it."""
