"""What stands inside DICOM files: headers and pictures."""
