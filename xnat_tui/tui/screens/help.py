"""Every key, from the bindings that are really there, with the ID that `[keys]` rebinds it by."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.display import fit
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
                yield _line(binding.key, binding.description, binding.id or "")
        for action in ACTIONS:
            yield _line(action.keys, action.help, action.id)
            if reason := action.why_not(self._situation):
                yield f"{'':<14}   not now: {reason}"


def _line(keys: str, text: str, identifier: str) -> str:
    return f"{key_names(keys):<13} {fit(text, 40):<40} {identifier}"
