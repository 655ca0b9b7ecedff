"""DICOM for the import service: found in files and archives, sorted into studies, sent, and seen through."""
