"""Go to an address that is pasted or typed, or to a label that is loaded already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.fuzzy import FuzzySearch
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, fit
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.panels.reading import ReadingPanel

_MOST = 50
_FUZZY_AMONG = 5_000
"""Labels that are looked at letter by letter; beyond that, only those that contain what was typed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A row that can be gone to without asking a server."""

    pair: Pair

    @property
    def words(self) -> str:
        above = [pair.key for pair in self.pair.ancestors() if pair.group is None and pair.parent is not None]
        return " / ".join([*reversed(above), self.pair.key])


class GoPanel(ReadingPanel[Loaded | Place]):
    """Dismissed with what is loaded, or with the place that a server found.

    What nobody has is said here, the text kept to be mended: the pane stays as it is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    GoPanel OptionList { height: auto; max-height: 10; border: none; background: $surface; padding: 0;
                         scrollbar-size-vertical: 1; }
    """

    def __init__(self, loaded: Sequence[Loaded], find: Callable[[str], Place]) -> None:
        """`find` asks a server for what is not loaded; it waits on the network."""
        super().__init__("Go to")
        self._loaded = loaded
        self._find = find
        self._found: list[Loaded] = []

    def body(self) -> list[Widget]:
        options = OptionList(compact=True, markup=False)
        options.can_focus = False
        return [
            Input(compact=True, placeholder="address, NAME:PROJECT/SUBJECT, /REST/path, ID or label"),
            options,
            Static("", id="hint", markup=False),
        ]

    def keys_entries(self) -> list[str]:
        return ["enter Go", "up/down Move", "esc Back"]

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    def on_resize(self) -> None:
        self.query_one(OptionList).styles.max_height = max(1, min(10, self.app.size.height - 6))

    def _show(self, text: str) -> None:
        self.complain("")
        self._found = [] if is_address(text) else nearest(text, self._loaded)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(fit(clean(found.words), 62)) for found in self._found])
        options.highlighted = 0 if self._found else None
        hint = ""
        if text and not self._found:
            hint = "An address: enter asks the server." if is_address(text) else _UNKNOWN
        self.query_one("#hint", Static).update(hint)

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if self._found:
            at = options.highlighted or 0
            options.highlighted = max(0, min(len(self._found) - 1, at + step))

    def _refused(self, error: XnatTuiError) -> None:
        self.query_one("#hint", Static).update("")
        self.complain_of(error)

    def _arrived(self, place: Place) -> None:
        self.dismiss(place)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._found[event.option_index])

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])
        elif text := event.value.strip():
            self.complain("Asking …")
            self.read("go", lambda: self._find(text), self._arrived, self._refused)


_UNKNOWN = "Nothing loaded is called so: enter asks the server for that label or ID."


def is_address(text: str) -> bool:
    """Whether a server has to be asked: a path, a location or an address of the browser."""
    return "/" in text or ":" in text


def nearest(text: str, loaded: Sequence[Loaded]) -> list[Loaded]:
    """What is called so, begins so, contains it, or has its letters in that order; the best first."""
    wanted = text.casefold()
    if not wanted:
        return []
    scored: list[tuple[float, int, Loaded]] = []
    search = FuzzySearch()
    for number, one in enumerate(loaded):
        key = one.pair.key.casefold()
        if key == wanted:
            score = 1000.0
        elif wanted in key:
            score = 500.0 + 100.0 * key.startswith(wanted) - len(key)
        elif number < _FUZZY_AMONG:
            score = search.match(wanted, key)[0]
        else:
            score = 0.0
        if score > 0:
            scored.append((-score, number, one))
    return [one for _, _, one in sorted(scored, key=lambda entry: entry[:2])[:_MOST]]
