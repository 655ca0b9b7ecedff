"""What XNAT does when asked: prearchive, import, share, rename, delete, workflows."""
