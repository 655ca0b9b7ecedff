"""Every key, from the bindings that are really there, with the ID that `[keys]` rebinds it by."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.display import cell_width, clean, fit
from xnat_tui.tui.action import Action, Situation
from xnat_tui.tui.explorer.tree_keys import KEYS as TREE_KEYS
from xnat_tui.tui.panels.panel import KeyHelp, Panel
from xnat_tui.tui.terminal.key_names import key_names

_KEYS_CELLS, _TEXT_CELLS, _ID_CELLS = 11, 38, 21


class HelpPanel(Panel[None]):
    """Filterable; an action that cannot be done now says why."""

    tall = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll(1)", show=False, priority=True),
        Binding("up", "scroll(-1)", show=False, priority=True),
        Binding("pagedown", "scroll(2)", show=False, priority=True),
        Binding("pageup", "scroll(-2)", show=False, priority=True),
        Binding("f1,f12", "manual", "Manual", priority=True),
    ]
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

    def keys_entries(self) -> list[str]:
        return ["up/down Scroll", "F1 Manual", "esc Back"]

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

    def action_scroll(self, lines: int) -> None:
        """Keys of the list, while the filter has the focus."""
        listed = self.query_one(VerticalScroll)
        page = max(1, listed.size.height - 1)
        listed.scroll_relative(y=lines if abs(lines) == 1 else page * lines // abs(lines), animate=False)

    def action_manual(self) -> None:
        """Loaded when it is first opened: Markdown costs more than all of the keys."""
        from xnat_tui.tui.panels.manual import ManualPanel

        if any(isinstance(screen, ManualPanel) for screen in self.app.screen_stack):
            self.dismiss(None)  # these are the keys of the manual itself
        else:
            self.app.push_screen(ManualPanel())

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        kept = [block for block in self._blocks() if all(word in block.casefold() for word in words)]
        self.query_one("#keys", Static).update("\n".join(kept) or "No key is about that.")

    def _blocks(self) -> Iterator[str]:
        """What there is to say of each key; a long text goes on in the next line."""
        room = max(20, self.query_one(VerticalScroll).scrollable_content_region.width)
        wide = room >= _KEYS_CELLS + _TEXT_CELLS + _ID_CELLS + 2
        text_cells = room - _KEYS_CELLS - 1 - (_ID_CELLS + 1) * wide
        for key in self._keys:
            names = fit(key_names(key.keys), _KEYS_CELLS)
            names += " " * (_KEYS_CELLS - cell_width(names))
            first, *more = textwrap.wrap(clean(key.text), text_cells) or [""]
            line = f"{names} {first}"
            if wide and key.id:
                line += f"{' ' * (_KEYS_CELLS + 1 + text_cells - cell_width(line))} {key.id}"
            refusal = f"not now: {clean(key.refusal)}" if key.refusal else ""
            more += textwrap.wrap(refusal, room - _KEYS_CELLS - 1)
            yield "\n".join([line, *(f"{'':<{_KEYS_CELLS}} {one}" for one in more)])


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
