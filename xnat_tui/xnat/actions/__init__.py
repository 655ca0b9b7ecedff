"""What XNAT does when asked: prearchive, imports, shares, users, demographics, renames, workflows."""
