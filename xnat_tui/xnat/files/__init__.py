"""Bytes: streams of zips, DICOM files."""
