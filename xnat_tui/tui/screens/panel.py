"""A panel over the trees: a titled box of 68 columns, a line of its keys, escape to leave.

The background stays as it is, so that opening and closing a panel costs few bytes over SSH.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.model.display import clean
from xnat_tui.tui.key_names import key_name

T = TypeVar("T")


class Panel(ModalScreen[T | None]):
    """Subclasses give `title` and `body`; bindings with `show=True` are named in the last line."""

    DEFAULT_CSS = """
    Panel { align: center middle; background: transparent; }
    Panel > .panel--box {
        width: 68; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-style: bold; background: $surface; padding: 0 1;
    }
    Panel > .panel--box.-tall { height: 90%; }
    Panel .panel--keys { height: auto; color: $text-muted; padding-top: 1; }
    Panel .panel--error { color: $text-error; height: auto; }
    Panel Input { height: 1; border: none; padding: 0 1; background: $boost; }
    Panel Input:focus { background: $accent 30%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "esc Back", show=False)]
    tall = False

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        box = Vertical(*self.body(), classes="panel--box")
        box.set_class(self.tall, "-tall")
        box.border_title = clean(self._title).replace("[", "\\[")
        with box:
            yield Static(self._keys_line(), classes="panel--keys", markup=False)

    def body(self) -> list[Widget]:
        """The widgets between title and keys."""
        raise NotImplementedError

    def retitle(self, title: str) -> None:
        self.query_one(".panel--box").border_title = clean(title).replace("[", "\\[")

    def action_leave(self) -> None:
        self.dismiss(None)

    def _keys_line(self) -> str:
        shown = [
            f"{key_name(binding.key)} {binding.description}"
            for binding in self.shown_bindings()
            if binding.show and binding.description
        ]
        return "   ".join([*shown, "esc Back"])

    def shown_bindings(self) -> list[Binding]:
        return [binding for binding in type(self).BINDINGS if isinstance(binding, Binding)]
