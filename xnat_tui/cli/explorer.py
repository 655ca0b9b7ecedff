"""The way from the command line into the explorer."""

from __future__ import annotations

import os
from collections.abc import Callable

from xnat_tui.cli import state as terminal
from xnat_tui.cli.state import State
from xnat_tui.errors import UsageError

_TEXTUAL = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""Textual reads these while it is imported. A user's own values are kept."""


def open_explorer(
    state: State, source: str | None, destination: str | None, *, prepare: Callable[[], None] | None = None
) -> int:
    """Run the explorer until it is left; its exit code. Raises UsageError for a location that is none.

    `prepare` runs behind the first screen, before anything is opened.
    """
    from xnat_tui.model.location import Location

    check_terminal(state)
    settings = state.settings
    for text in (source, destination):
        if text is not None:
            settings.server(Location.parse(text, settings.addresses).server)
    for name, value in _TEXTUAL.items():
        os.environ.setdefault(name, value)
    from xnat_tui.tui.app import run_explorer

    return run_explorer(source, destination, settings, prepare)


def check_terminal(state: State) -> None:
    """Raises UsageError where the explorer cannot be shown. TEXTUAL_DRIVER brings its own screen."""
    if state.json:
        raise UsageError("The explorer has no --json.", "Name a verb, such as: xnat-tui show LOCATION --json")
    if not terminal.has_terminal() and not os.environ.get("TEXTUAL_DRIVER"):
        raise UsageError("The explorer needs a terminal.", "Name a verb, such as: xnat-tui show LOCATION")
