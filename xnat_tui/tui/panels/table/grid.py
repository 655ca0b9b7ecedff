"""The rows of a table, of which only those that are seen are worked out and drawn."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from xnat_tui.model.display import cell_width, clean, fit
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import Cell, Table, text_of
from xnat_tui.tui.terminal.theme import Glyphs

_WIDEST = 28
_SAMPLE = 300
"""Rows from the beginning whose texts say how wide a column is."""
_FIGURES = frozenset({"files", "bytes"})
_GAP = "  "


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    width: int
    cell: Callable[[Place], Cell]

    def shown(self, text: str) -> str:
        cut = fit(clean(text), self.width)
        blanks = " " * (self.width - cell_width(cut))
        return blanks + cut if self.name in _FIGURES else cut + blanks


class TableGrid(Widget, can_focus=True):
    """A heading, rows, a cursor on one row and one column, and marks, which are the panel's.

    There is no scroll bar: it would be repainted, and sent, with every line scrolled.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--heading", "table--chosen", "table--row", "table--cursor"}
    DEFAULT_CSS = """
    TableGrid {
        height: 1fr;
        & > .table--heading { color: $text-muted; }
        & > .table--chosen { text-style: bold reverse; }
        & > .table--row { color: $foreground; }
        & > .table--cursor { text-style: bold reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("home", "goto(0)", "Top", show=False),
        Binding("end,G", "bottom", "Bottom", show=False),
        Binding("left,h", "column(-1)", "Column to the left", show=False),
        Binding("right,l", "column(1)", "Column to the right", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row or column."""

        by_user: bool

    def __init__(self, glyphs: Glyphs, marks: Container[Hashable], key: Callable[[Place], Hashable]) -> None:
        """`marks` hold what `key` gives of a row."""
        super().__init__()
        self._glyphs = glyphs
        self._marks = marks
        self._key = key
        self._entries: Sequence[Place] = ()
        self._columns: list[_Column] = []
        self._sort = ""
        self._top = 0
        self._left = 0
        self.row = 0
        self.column = 0
        self.lines_rendered = 0
        """How many lines were drawn since the beginning: what a key press costs."""

    def show(self, table: Table[Place], columns: Sequence[str], sort: str, row: int) -> None:
        """Draw other rows or columns; the cursor's column stays with its name."""
        kept = self.column_name
        self._entries = table.entries
        self._columns = [_column(table, name) for name in columns]
        self._sort = sort
        self.column = columns.index(kept) if kept in columns else 0
        self.row = max(0, min(row, len(self._entries) - 1))
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Moved(by_user=False))

    def clear(self) -> None:
        """No rows, until others are read."""
        self._entries, self._columns, self.row = (), [], 0
        self.refresh()
        self.post_message(self.Moved(by_user=False))

    @property
    def current(self) -> Place | None:
        return self._entries[self.row] if self._entries else None

    @property
    def column_name(self) -> str:
        return self._columns[self.column].name if self._columns else ""

    # drawing

    def render_line(self, y: int) -> Strip:
        self.lines_rendered += 1
        width = self.size.width
        index = self._top + y - 1
        if y == 0:
            segments = self._heading()
        elif index < len(self._entries):
            style = self.get_component_rich_style(
                f"table--{'cursor' if index == self.row and self.has_focus else 'row'}"
            )
            segments = [Segment(self._line(index), style)]
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _heading(self) -> list[Segment]:
        """`<` and `>` say that there are columns beyond an edge."""
        plain, chosen = map(self.get_component_rich_style, ("table--heading", "table--chosen"))
        segments = [Segment("< " if self._left else "  ", plain)]
        for number, column in self._seen():
            style = chosen if number == self.column else plain
            segments += [Segment(column.shown(self._titled(column.name)), style), Segment(_GAP, plain)]
        if sum(segment.cell_length for segment in segments) - len(_GAP) <= self.size.width:
            return segments
        cut = Strip(segments).crop(0, self.size.width - 1)
        return [*cut, Segment(">", plain)]

    def _titled(self, name: str) -> str:
        """With how rows are sorted by it, at the end that is not cut."""
        way = {name: "+", f"-{name}": "-"}.get(self._sort, "")
        return way + name

    def _line(self, index: int) -> str:
        place = self._entries[index]
        mark = self._glyphs.mark if self._key(place) in self._marks else " "
        cells = (column.shown(text_of(column.cell(place))) for _, column in self._seen())
        return f"{mark} {_GAP.join(cells)}"

    def _seen(self) -> list[tuple[int, _Column]]:
        return [*enumerate(self._columns)][self._left :]

    # moving

    @property
    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def action_move(self, step: int) -> None:
        self.action_goto(self.row + step)

    def action_page(self, step: int) -> None:
        self.action_goto(self.row + step * max(1, self._page - 1))

    def action_bottom(self) -> None:
        self.action_goto(len(self._entries) - 1)

    def action_goto(self, row: int) -> None:
        """Draws the two lines that change, or all where the cursor was out of sight."""
        old, self.row = self.row, max(0, min(row, len(self._entries) - 1))
        if self.row == old:
            return
        if self._keep_in_sight():
            self.refresh()
        else:
            self.refresh_row(old)
            self.refresh_row(self.row)
        self.post_message(self.Moved(by_user=True))

    def action_column(self, step: int) -> None:
        old, self.column = self.column, max(0, min(self.column + step, len(self._columns) - 1))
        if self.column == old:
            return
        if self._keep_in_sight():
            self.refresh()
        else:
            self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.Moved(by_user=True))

    def refresh_row(self, row: int) -> None:
        """Draw one line anew, if it is seen."""
        y = row - self._top + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _keep_in_sight(self) -> bool:
        """Scroll so that row and column of the cursor are seen; whether that was needed."""
        before = self._top, self._left
        if not self._top <= self.row < self._top + self._page:
            self._top = self.row - self._page // 2
        self._top = max(0, min(self._top, len(self._entries) - self._page))
        self._left = min(self._left, self.column)
        while self._left < self.column and self._width_to_column() > self.size.width:
            self._left += 1
        return (self._top, self._left) != before

    def _width_to_column(self) -> int:
        return sum(column.width + len(_GAP) for column in self._columns[self._left : self.column + 1])

    def on_resize(self) -> None:
        self._keep_in_sight()

    def on_focus(self) -> None:
        self.refresh_row(self.row)

    def on_blur(self) -> None:
        self.refresh_row(self.row)

    def on_click(self, event: events.Click) -> None:
        inside = event.get_content_offset(self)
        if inside is not None and inside.y > 0:
            self.action_goto(self._top + inside.y - 1)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)


def _column(table: Table[Place], name: str) -> _Column:
    cell = table.cell_of(name)
    texts = (clean(text_of(cell(place))) for place in table.entries[:_SAMPLE])
    width = max((cell_width(text) for text in texts), default=0)
    return _Column(name, min(_WIDEST, max(cell_width(name) + 1, width)), cell)
