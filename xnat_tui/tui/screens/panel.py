"""A panel over the trees: a titled box of 68 columns, a line of its keys, escape to leave.

The background stays as it is, so that opening and closing a panel costs few bytes over SSH.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.model.display import cell_width, clean, clean_lines
from xnat_tui.tui.key_names import key_name

T = TypeVar("T")
_GAP = "   "
SHORT = 14
"""Lines below which a panel gives its room to what it is about."""


class KeysLine(Static):
    """Keys and what they do; broken between two of them, never inside one."""

    DEFAULT_CSS = "KeysLine { height: auto; color: $text-muted; }"

    def __init__(self, entries: Sequence[str]) -> None:
        super().__init__("", classes="panel--keys", markup=False)
        self.entries = list(entries)

    def say(self, entries: Sequence[str]) -> None:
        self.entries = list(entries)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  Textual's signature
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n".join(self._lines(self.size.width)))

    def _lines(self, width: int) -> list[str]:
        """On a short terminal one line: the first keys, and how to see the others."""
        lines = [""]
        if self.app.size.height < SHORT:
            entries, last = list(self.entries), f"F1 Keys{_GAP}esc"
            while entries and cell_width(_GAP.join([*entries, last])) > width:
                entries.pop()
            whole = _GAP.join(self.entries)
            return [whole if cell_width(whole) <= width else _GAP.join([*entries, last])]
        for entry in self.entries:
            longer = f"{lines[-1]}{_GAP}{entry}" if lines[-1] else entry
            if lines[-1] and cell_width(longer) > width:
                lines.append(entry)
            else:
                lines[-1] = longer
        return lines


class Panel(ModalScreen[T | None]):
    """Subclasses give `title` and `body`; bindings with `show=True` are named in the last line."""

    DEFAULT_CSS = """
    Panel { align: center middle; background: transparent; }
    Panel > .panel--box {
        width: 68; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-style: bold; background: $surface; padding: 0 1;
    }
    Panel > .panel--box.-tall { height: 22; max-height: 100%; }
    Panel .panel--error { color: $text-error; height: auto; display: none; }
    Panel .panel--error.-shown { display: block; }
    Panel .panel--rest { height: 1fr; scrollbar-size-vertical: 1; }
    Panel Input { height: 1; border: none; padding: 0 1; background: $boost; }
    Panel Input:focus { background: $accent 30%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("question_mark,f1", "panel_help", "Keys of this panel", show=False),
        Binding("ctrl+l", "app.redraw", show=False),
    ]
    tall = False

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        box = Vertical(*self.body(), classes="panel--box")
        box.set_class(self.tall, "-tall")
        box.border_title = Content(clean(self._title))
        with box:
            yield Static("", classes="panel--error", markup=False)
            yield KeysLine(self.keys_entries())

    def body(self) -> list[Widget]:
        """The widgets between title and keys."""
        raise NotImplementedError

    def retitle(self, title: str) -> None:
        self.query_one(".panel--box").border_title = Content(clean(title))

    def complain(self, text: str) -> None:
        """Say something above the keys, where nothing is covered by it; "" takes it away."""
        line = self.query_one(".panel--error", Static)
        line.update(clean_lines(text))
        line.set_class(bool(text), "-shown")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_panel_help(self) -> None:
        from xnat_tui.tui.screens.help import HelpPanel, KeyHelp

        lines = [
            KeyHelp(binding.key, binding.tooltip or binding.description)
            for binding in self.shown_bindings()
            if binding.description
        ]
        lines += [KeyHelp("tab", "Next field"), KeyHelp("escape", "Back")]
        self.app.push_screen(HelpPanel(f"Keys of {self._title.partition(' · ')[0]}", lines))

    def keys_entries(self) -> list[str]:
        shown = [
            f"{key_name(binding.key)} {binding.description}"
            for binding in self.shown_bindings()
            if binding.show and binding.description
        ]
        return [*shown, "esc Back"]

    def shown_bindings(self) -> list[Binding]:
        return [binding for binding in type(self).BINDINGS if isinstance(binding, Binding)]
