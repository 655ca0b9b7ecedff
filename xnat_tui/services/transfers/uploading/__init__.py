"""Upload of files and DICOM: the plan, and the execution of its steps."""
