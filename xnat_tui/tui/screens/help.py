"""Every key, from the bindings that are really there, with the ID that `[keys]` rebinds it by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.display import cell_width, clean, fit
from xnat_tui.tui.actions import Action, Situation
from xnat_tui.tui.describing import cut
from xnat_tui.tui.key_names import key_names
from xnat_tui.tui.screens.panel import Panel
from xnat_tui.tui.widgets.tree_keys import KEYS as TREE_KEYS

_KEYS_CELLS, _TEXT_CELLS, _ID_CELLS = 12, 38, 21


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """One line of the help. An `id` is what `[keys]` in `config.toml` names; a refusal stands below it."""

    keys: str
    text: str
    id: str = ""
    refusal: str = ""


class HelpPanel(Panel[None]):
    """Filterable; an action that cannot be done now says why."""

    tall = True
    DEFAULT_CSS = "HelpPanel > .panel--box { width: 78; }"

    def __init__(self, title: str, keys: Sequence[KeyHelp]) -> None:
        super().__init__(title)
        self._keys = keys

    def body(self) -> list[Widget]:
        hint = "type to filter"
        if any(key.id for key in self._keys):
            hint += "; the last column is what [keys] in config.toml calls it"
        return [
            Input(compact=True, placeholder=hint),
            VerticalScroll(Static("", id="keys", markup=False), classes="panel--rest"),
        ]

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self._show(self.query_one(Input).value))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _into_the_list(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        kept = [line for line in self._lines() if all(word in line.casefold() for word in words)]
        self.query_one("#keys", Static).update("\n".join(kept) or "No key is about that.")

    def _lines(self) -> Iterator[str]:
        room = max(20, self.query_one(VerticalScroll).scrollable_content_region.width)
        for key in self._keys:
            names = fit(key_names(key.keys), _KEYS_CELLS)
            names += " " * (_KEYS_CELLS - cell_width(names))
            line = f"{names} {cut(clean(key.text), _TEXT_CELLS):<{_TEXT_CELLS}}"
            if room >= _KEYS_CELLS + _TEXT_CELLS + _ID_CELLS + 2:
                line += f" {fit(key.id, _ID_CELLS)}"
            yield cut(line.rstrip(), room)
            if key.refusal:
                yield cut(f"{'':<{_KEYS_CELLS}} not now: {clean(key.refusal)}", room)


def main_keys(
    actions: Iterable[Action], situation: Situation, rebound: Mapping[str, str]
) -> Iterator[KeyHelp]:
    """The keys of the main screen: those of its trees, then every action."""
    for binding in TREE_KEYS:
        if isinstance(binding, Binding):
            identifier = binding.id or ""
            yield KeyHelp(rebound.get(identifier, binding.key), binding.description, identifier)
    for action in actions:
        yield KeyHelp(action.keys, action.help, action.id, action.why_not(situation))
