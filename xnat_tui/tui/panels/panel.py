"""A panel over the trees: a titled box of 68 columns, a line of its keys, escape to leave.

The background stays as it is, so that opening and closing a panel costs few bytes over SSH.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.model.changed import Changed, What
from xnat_tui.model.display import cell_width, clean, clean_lines
from xnat_tui.model.place import Place
from xnat_tui.tui.changes import concern
from xnat_tui.tui.context import Context, context_of
from xnat_tui.tui.terminal.key_names import key_name

T = TypeVar("T")
_GAP = "   "
SHORT = 14
"""Lines below which a panel gives its room to what it is about."""


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """One line of the help. An `id` is what `[keys]` in `config.toml` names; a refusal stands below it."""

    keys: str
    text: str
    id: str = ""
    refusal: str = ""


class KeysLine(Static):
    """Keys and what they do; broken between two of them, never inside one.

    Keys that cannot be used now stand below the others, greyed, after the reason.
    """

    DEFAULT_CSS = "KeysLine { height: auto; color: $text-muted; }"

    def __init__(self, entries: Sequence[str], greyed: Sequence[str] = (), reason: str = "") -> None:
        super().__init__("", classes="panel--keys", markup=False)
        self._say(entries, greyed, reason)

    def say(self, entries: Sequence[str], greyed: Sequence[str] = (), reason: str = "") -> None:
        self._say(entries, greyed, reason)
        self.refresh(layout=True)

    def _say(self, entries: Sequence[str], greyed: Sequence[str], reason: str) -> None:
        self.entries = list(entries)
        self._greyed = [clean(f"not now: {reason}"), *greyed] if greyed else []

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  Textual's signature
        return len(self._usable(width)) + len(self._refused(width))

    def render(self) -> Content:
        width = self.size.width
        usable, refused = Content("\n".join(self._usable(width))), "\n".join(self._refused(width))
        return usable + Content.styled(f"\n{refused}", "dim") if refused else usable

    @property
    def _short(self) -> bool:
        return self.app.size.height < SHORT

    def _usable(self, width: int) -> list[str]:
        """On a short terminal one line: the first keys, and how to see the others."""
        if not self._short:
            return _broken(self.entries, width)
        entries, last = list(self.entries), f"F1 Keys{_GAP}esc"
        if any(entry.startswith("F1 ") for entry in entries):  # these are the keys
            last = "esc"
        while entries and cell_width(_GAP.join([*entries, last])) > width:
            entries.pop()
        whole = _GAP.join(self.entries)
        return [whole if cell_width(whole) <= width else _GAP.join([*entries, last])]

    def _refused(self, width: int) -> list[str]:
        return [] if self._short else _broken(self._greyed, width)


def _broken(entries: Sequence[str], width: int) -> list[str]:
    """Entries in lines of a width; one that is longer than a line is broken between its words."""
    lines: list[str] = []
    for entry in entries:
        longer = f"{lines[-1]}{_GAP}{entry}" if lines else entry
        if lines and cell_width(longer) <= width:
            lines[-1] = longer
        elif cell_width(entry) > width > 0:
            lines += wrap(entry, width)
        else:
            lines.append(entry)
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
        Binding("question_mark,f1", "app.panel_help", "Keys of this panel", show=False),
        Binding("ctrl+l", "app.redraw", show=False),
    ]
    tall = False
    opening = False
    """Whether fields are still to come from a server: keys that are typed ahead wait for them."""
    writes: ClassVar[frozenset[str]] = frozenset()
    """Actions that write: their keys are greyed where `refusal` says why nothing can be written."""
    heeds: ClassVar[frozenset[What]] = frozenset()
    """What may be written, in `shown_places`, that makes this panel read again."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._hear_no_more: Callable[[], None] | None = None

    @property
    def context(self) -> Context:
        return context_of(self)

    def on_mount(self) -> None:
        if self.heeds and self._hear_no_more is None:
            self._hear_no_more = self.context.changes.listen(self._hear)

    def on_unmount(self) -> None:
        if self._hear_no_more is not None:
            self._hear_no_more()
            self._hear_no_more = None

    # what is written while it stands open

    def shown_places(self) -> Iterable[Place]:
        """What this panel shows."""
        return ()

    def written(self) -> None:
        """Something that it heeds was written there, by itself or by somebody else."""

    def _hear(self, heard: Sequence[Changed]) -> None:
        if any(changed.what is What.USERS for changed in heard):
            self.show_keys()  # what was refused may be allowed now
        heeded = [changed for changed in heard if changed.what in self.heeds]
        if heeded and concern(heeded, self.shown_places(), self.context.workspace.same_server):
            self.written()

    # what it is made of

    def compose(self) -> ComposeResult:
        box = Vertical(*self.body(), classes="panel--box")
        box.set_class(self.tall, "-tall")
        box.border_title = Content(clean(self._title))
        with box:
            yield Static("", classes="panel--error", markup=False)
            yield KeysLine(self.keys_entries(), self._greyed_entries(), self.refusal)

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

    def help_lines(self) -> tuple[str, list[KeyHelp]]:
        """A title and the keys of this panel."""
        lines = [
            KeyHelp(binding.key, binding.tooltip or binding.description, refusal=self._why_not(binding))
            for binding in self.shown_bindings()
            if binding.description
        ]
        lines += [KeyHelp("tab", "Next field"), KeyHelp("escape", "Back")]
        return f"Keys of {self._title.partition(' · ')[0]}", lines

    @property
    def refusal(self) -> str:
        """Why nothing can be written from here, in words; "" where it can."""
        return ""

    def keys_entries(self) -> list[str]:
        return [*(_entry(one) for one in self._offered if not self._why_not(one)), "esc Back"]

    def show_keys(self) -> None:
        """Keys that are there now; after something has changed that decides about them."""
        self.query_one(KeysLine).say(self.keys_entries(), self._greyed_entries(), self.refusal)

    def _greyed_entries(self) -> list[str]:
        return [_entry(one) for one in self._offered if self._why_not(one)]

    def shown_bindings(self) -> list[Binding]:
        return [binding for binding in type(self).BINDINGS if isinstance(binding, Binding)]

    @property
    def _offered(self) -> list[Binding]:
        return [one for one in self.shown_bindings() if one.show and one.description]

    def _why_not(self, binding: Binding) -> str:
        return self.refusal if binding.action.partition("(")[0] in self.writes else ""


def _entry(binding: Binding) -> str:
    return f"{key_name(binding.key)} {binding.description}"
