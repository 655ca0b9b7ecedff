"""Addresses and commands for the clipboard."""

from __future__ import annotations

import shlex

from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.panes import Panes


class Clipboard:
    """Of what is under the cursor, on the active pane's side."""

    def __init__(self, context: Context, panes: Panes, comparison: ShownComparison) -> None:
        self._context = context
        self._panes = panes
        self._comparison = comparison

    def copy_address(self) -> None:
        place = self._panes.here
        if place is None:
            self._context.say("That is not on this side.")
        else:
            self._put(str(place.location))

    def copy_command(self) -> None:
        place, shown = self._panes.here, self._comparison.shown
        if shown is not None:
            one, other = shown.source.root.location, shown.destination.root.location
            words = ["xnat-tui", "compare", str(one), str(other), "--depth", str(shown.depth)]
        elif place is not None:
            words = ["xnat-tui", "show", str(place.location)]
        else:
            self._context.say("That is not on this side.")
            return
        self._put(shlex.join(words))

    def _put(self, text: str) -> None:
        self._context.app.copy_to_clipboard(text)
        self._context.say(f"Copied: {text}")
