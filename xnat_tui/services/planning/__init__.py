"""From what the user picked to a plan: both ends looked at, nothing written."""
