"""Every key, from the bindings that are really there, with the ID that `[keys]` rebinds it by."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.tui.actions import ACTIONS, Situation
from xnat_tui.tui.key_names import key_names
from xnat_tui.tui.screens.panel import Panel
from xnat_tui.tui.widgets.pair_tree import PairTree


class HelpPanel(Panel[None]):
    """Filterable; an action that cannot be done now says why."""

    tall = True
    DEFAULT_CSS = "HelpPanel > .panel--box { width: 78; }"

    def __init__(self, situation: Situation) -> None:
        super().__init__("Keys")
        self._situation = situation

    def body(self) -> list[Widget]:
        return [
            Input(compact=True, placeholder="filter; the last column is the ID for [keys] in config.toml"),
            VerticalScroll(Static("", id="keys", markup=False), can_focus=True),
        ]

    def on_mount(self) -> None:
        self._show("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        kept = [line for line in self._lines() if all(word in line.casefold() for word in words)]
        self.query_one("#keys", Static).update("\n".join(kept) or "No key is about that.")

    def _lines(self) -> Iterator[str]:
        for binding in PairTree.BINDINGS:
            if isinstance(binding, Binding):
                yield f"{key_names(binding.key):<14} {binding.description:<42} {binding.id}"
        for action in ACTIONS:
            yield f"{key_names(action.keys):<14} {action.help:<42} {action.id}"
            if reason := action.why_not(self._situation):
                yield f"{'':<14}   not now: {reason}"
