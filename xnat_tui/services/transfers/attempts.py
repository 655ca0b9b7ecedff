"""How often something is tried, and how long it waits in between."""

from __future__ import annotations

from xnat_tui.jobs.control import Control

ATTEMPTS = 3
PAUSES = (0.5, 2.0)
"""Seconds before a write that ended unclearly, and was not found done, is sent again."""


def pause(control: Control, attempt: int) -> None:
    """Wait before the next attempt, and end at once when asked to stop."""
    control.stop.wait(PAUSES[min(attempt, len(PAUSES) - 1)])
    control.check()
