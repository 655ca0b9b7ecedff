"""A panel of rows from a server: columns, marks, a filter, and what is known of one row below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import cell_width, clean, clean_lines, fit
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.wording import told

R = TypeVar("R")
_ROWS_KEYS = (
    Binding("space", "mark", "Mark"),
    Binding("asterisk", "invert", "Invert marks", show=False),
    Binding("slash", "filter", "Filter"),
    Binding("r", "reload", "Reload"),
    Binding("j", "step(1)", show=False),
    Binding("k", "step(-1)", show=False),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how many cells its texts get."""

    heading: str
    width: int
    right: bool = False

    def shown(self, text: str) -> str:
        cut = fit(text, self.width)
        blanks = " " * (self.width - cell_width(cut))
        return blanks + cut if self.right else cut + blanks


class RowsPanel(Panel[None], Generic[R]):
    """Subclasses say how rows are read, named and shown; `read` runs in a thread, all else on the screen.

    Marks and the cursor stay with their rows when these are read again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*_ROWS_KEYS]
    DEFAULT_CSS = """
    RowsPanel > .panel--box { width: 78; }
    RowsPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                           scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    RowsPanel #heading { height: 1; text-wrap: nowrap; color: $text-muted; }
    RowsPanel #about { height: auto; max-height: 25%; scrollbar-size-vertical: 1; }
    RowsPanel #said { height: auto; }
    RowsPanel #only { display: none; }
    RowsPanel #only.-shown { display: block; }
    """
    tall = True
    empty = "Nothing is here."
    focused_first = "#rows"

    def __init__(self, title: str, columns: Sequence[Column]) -> None:
        super().__init__(title)
        self.columns = list(columns)
        self.rows: list[R] = []
        """All that was read."""
        self.shown: list[R] = []
        """What the filter leaves, in the list's order."""
        self.marks: set[str] = set()
        self._lines: list[str] = []
        self._waiting = True

    # for subclasses

    def read(self) -> list[R]:
        """Ask the server, in a thread. Raises XnatTuiError."""
        raise NotImplementedError

    def key_of(self, row: R) -> str:
        raise NotImplementedError

    def cells(self, row: R) -> Sequence[str]:
        """A text per column; control characters are taken out here."""
        raise NotImplementedError

    def sign(self, row: R) -> str:  # noqa: ARG002
        """One cell before the columns: what is wrong or going on with a row."""
        return " "

    def about(self, row: R) -> str:
        raise NotImplementedError

    def matches(self, row: R, word: str) -> bool:
        """Whether a row meets one word of the filter."""
        return word in " ".join(self.cells(row)).casefold()

    def rows_changed(self) -> None:
        """Rows were read anew."""

    # what the panel is made of

    def shown_bindings(self) -> list[Binding]:
        own = [one for one in type(self).BINDINGS if isinstance(one, Binding)]
        keys = {one.key for one in own}
        return own + [one for one in _ROWS_KEYS if one.key not in keys]

    @property
    def listed(self) -> OptionList:
        return self.query_one("#rows", OptionList)

    def body(self) -> list[Widget]:
        return [
            Static("", id="heading", markup=False),
            OptionList(id="rows", compact=True, markup=False),
            VerticalScroll(Static("", id="said", markup=False), id="about", can_focus=False),
            Input(id="only", compact=True, placeholder="filter: words, !word leaves out"),
        ]

    def on_mount(self) -> None:
        self.show_heading()
        self.query_one(self.focused_first).focus()
        self.call_after_refresh(self.action_reload)

    def show_heading(self) -> None:
        heading = "   " + " ".join(column.shown(column.heading) for column in self.columns)
        self.query_one("#heading", Static).update(heading)

    @property
    def current(self) -> R | None:
        at = self.listed.highlighted
        return self.shown[at] if at is not None and at < len(self.shown) else None

    def chosen(self) -> list[R]:
        """The marked rows, hidden ones too, or the one under the cursor."""
        marked = [row for row in self.rows if self.key_of(row) in self.marks]
        current = self.current
        return marked or ([current] if current is not None else [])

    # reading

    def written(self) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        self._waiting = True
        self._say_about()
        self.context.run(("panel", id(self)), self.read, self._take, self._fail)

    def _take(self, rows: Sequence[R]) -> None:
        if not self.is_attached:
            return
        self._waiting = False
        self.rows = [*rows]
        self.marks &= {self.key_of(row) for row in rows}
        self.complain("")
        self.show_rows()
        self.rows_changed()

    def _fail(self, error: XnatTuiError) -> None:
        self.context.remember(f"{error.title}: {error.message}")
        if not self.is_attached:
            return
        self._waiting = False
        self.complain_of(error, "r tries again.")
        self._say_about()

    def complain_of(self, error: XnatTuiError, more: str = "") -> None:
        """Say in place what failed, and what to do about it."""
        hint = "  ".join(part for part in (error.hint, more) if part)
        self.complain("! " + "\n".join(told(error.message, hint)))

    # showing

    def show_rows(self) -> None:
        """Draw what has changed; the cursor stays with its row."""
        current = self.current
        kept = self.key_of(current) if current is not None else ""
        words = self.query_one("#only", Input).value.casefold().split()
        self.shown = [row for row in self.rows if self._passes(row, words)]
        lines = [self._line(row) for row in self.shown]
        listed = self.listed
        if len(lines) == listed.option_count:
            for index, line in enumerate(lines):
                if line != self._lines[index]:
                    listed.replace_option_prompt_at_index(index, line)
        else:
            listed.clear_options()
            listed.add_options([Option(line) for line in lines])
        self._lines = lines
        keys = [self.key_of(row) for row in self.shown]
        if keys:
            at = keys.index(kept) if kept in keys else min(listed.highlighted or 0, len(keys) - 1)
            listed.highlighted = at
        self._say_about()
        self.show_keys()

    def show_row(self, row: R) -> None:
        """Draw one row anew, when something more is known of it."""
        if row in self.shown:
            index = self.shown.index(row)
            self._lines[index] = self._line(row)
            self.listed.replace_option_prompt_at_index(index, self._lines[index])
            if index == self.listed.highlighted:
                self._say_about()

    def _passes(self, row: R, words: Sequence[str]) -> bool:
        return all(
            self.matches(row, word.removeprefix("!")) is not word.startswith("!")
            for word in words
            if word.strip("!")
        )

    def _line(self, row: R) -> str:
        mark = self.context.glyphs.mark if self.key_of(row) in self.marks else " "
        cells = zip(self.columns, self.cells(row), strict=True)
        return f"{mark}{self.sign(row)} " + " ".join(column.shown(clean(text)) for column, text in cells)

    @on(OptionList.OptionHighlighted, "#rows")
    def _moved(self) -> None:
        self._say_about()
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """The cursor is on another row."""

    def _say_about(self) -> None:
        row = self.current
        if row is not None:
            text = self.about(row)
        elif self._waiting:
            text = "loading…"
        elif self.rows:
            text = "The filter leaves nothing."
        else:
            text = "" if self.query_one(".panel--error").has_class("-shown") else self.empty
        self.query_one("#said", Static).update(clean_lines(text))

    def action_step(self, step: int) -> None:
        """j and k, as in the trees."""
        if isinstance(self.focused, OptionList):
            move = self.focused.action_cursor_down if step > 0 else self.focused.action_cursor_up
            move()

    # marks and filter

    def action_mark(self) -> None:
        row = self.current
        if row is None or not self.listed.has_focus:
            return
        self.marks ^= {self.key_of(row)}
        self.show_row(row)
        self.listed.highlighted = min((self.listed.highlighted or 0) + 1, len(self.shown) - 1)
        self.marks_changed()

    def action_invert(self) -> None:
        """Mark every row that the filter leaves, except those that are marked."""
        self.marks ^= {self.key_of(row) for row in self.shown}
        self.show_rows()
        self.marks_changed()

    def marks_changed(self) -> None:
        """Other rows are marked."""

    def action_filter(self) -> None:
        line = self.query_one("#only", Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed, "#only")
    def _filtering(self) -> None:
        self.show_rows()

    @on(Input.Submitted, "#only")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter(keep=bool(event.value))

    def _leave_filter(self, *, keep: bool) -> None:
        line = self.query_one("#only", Input)
        if not keep:
            line.value = ""
            line.remove_class("-shown")
        self.listed.focus()

    def action_leave(self) -> None:
        """Undo one thing: the filter, the marks, the panel."""
        if self.query_one("#only").has_class("-shown"):
            self._leave_filter(keep=False)
        elif self.marks:
            self.marks.clear()
            self.show_rows()
            self.marks_changed()
        else:
            self.dismiss(None)
