"""The tree of one pane: draws the rows of its side, and only those lines that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.tui.explorer import differences, row_text
from xnat_tui.tui.explorer.filter import Order, View
from xnat_tui.tui.explorer.row_text import Side
from xnat_tui.tui.explorer.rows import Row, Rows
from xnat_tui.tui.explorer.tree_keys import KEYS
from xnat_tui.tui.terminal.theme import UNICODE, Glyphs

_LEVELS = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.RESOURCE)


class PairTree(ScrollView, can_focus=True):
    """One side of `rows`. Linked to a peer with the same rows, both show one cursor and one scroll.

    The app must define `$diff-left`, `$diff-right`, `$diff-both` and `$diff-error` (see `theme`).
    There is no scroll bar: it would be repainted, and sent, with every line scrolled.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    PairTree {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size: 0 0;
        background: $background;
        color: $foreground;
        & > .pair-tree--same { color: $text-muted; }
        & > .pair-tree--both { color: $diff-both; text-style: bold; }
        & > .pair-tree--left { color: $diff-left; }
        & > .pair-tree--right { color: $diff-right; }
        & > .pair-tree--unread { color: $text-muted; text-style: italic; }
        & > .pair-tree--error { color: $diff-error; text-style: reverse; }
        & > .pair-tree--guide { color: $text-muted; }
        & > .pair-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: bold;
        }
        &:ansi > .pair-tree--same, &:ansi > .pair-tree--guide { color: ansi_default; text-style: dim; }
        &:ansi > .pair-tree--unread { color: ansi_default; text-style: dim; }
        &:nocolor > .pair-tree--same, &:nocolor > .pair-tree--left, &:nocolor > .pair-tree--right {
            color: $foreground;
            text-style: none;
        }
        &:nocolor > .pair-tree--unread { text-style: italic; }
        &:nocolor > .pair-tree--cursor {
            color: $foreground;
            background: $background;
            text-style: bold reverse;
        }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pair-tree--cursor",
        *(f"pair-tree--{name}" for name in row_text.STYLES),
    }

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    @dataclass
    class TreeMessage(Message):
        """Something the user did in a tree; `tree` is the one that had the focus."""

        tree: PairTree

        @property
        def control(self) -> PairTree:
            return self.tree

    @dataclass
    class Moved(TreeMessage):
        """The cursor stands on another row, or on none. In linked trees only one of them says so."""

        row: Row | None

    @dataclass
    class ExpandRequested(TreeMessage):
        """A row was opened whose children are not known: load them, attach them, then `pairs_changed`."""

        row: Row

    @dataclass
    class Opened(TreeMessage):
        """Enter on a row that nothing can stand below."""

        row: Row

    @dataclass
    class MarksChanged(TreeMessage):
        """Marks were set or taken away, or a range was begun or dropped."""

    @dataclass
    class PatternRequested(TreeMessage):
        """The user wants to mark by pattern: ask for one, then `mark_pattern`."""

    @dataclass
    class UpRequested(TreeMessage):
        """The user goes to the parent of what stands at the top: what holds all of this is wanted."""

    def __init__(
        self,
        rows: Rows,
        side: Side,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = rows
        self.side = side
        self.glyphs = glyphs
        self.peer: PairTree | None = None
        self.lines_rendered = 0
        """How many lines were drawn since the beginning: what a key press costs."""
        self._styles_by_name: dict[tuple[str, str], Style] = {}
        self._length = -1

    def on_mount(self) -> None:
        self._resized()

    def show(self, rows: Rows) -> None:
        """Draw other rows, from where their cursor stands."""
        self.rows = rows
        self._resized()
        self._keep_cursor_in_sight()
        self.refresh()
        self.post_message(self.Moved(self, rows.current))

    def link(self, peer: PairTree | None) -> None:
        """Move and scroll together with another tree that shows the same rows; None ends it, for both."""
        if self.peer is not None:
            self.peer.peer = None
        self.peer = peer
        if peer is not None:
            peer.peer = self
            peer.show(self.rows)
            peer._scroll_rows(self._top)

    # drawing

    def render_line(self, y: int) -> Strip:
        self.lines_rendered += 1
        width = self.scrollable_content_region.width
        index = self._top + y
        if not 0 <= index < len(self.rows):
            return Strip.blank(width, self._style("plain", ""))
        row = self.rows[index]
        place = row_text.Place(self.side, width, self.glyphs)
        runs = row_text.draw(row, self.rows, place, in_range=self.rows.in_range(index))
        if index != self.rows.cursor:
            return self._strip(runs, "", width)
        return self._strip(runs, "cursor" if self.has_focus else "underline", width)

    def _strip(self, runs: list[row_text.Run], cursor: str, width: int) -> Strip:
        if cursor == "cursor":
            runs = [("".join(text for text, _ in runs), "cursor")]
        segments = [Segment(text, self._style(name, cursor)) for text, name in runs]
        return Strip(segments).adjust_cell_length(width, self._style("plain", cursor))

    def _style(self, name: str, cursor: str) -> Style:
        """Resolved once per theme: looking a style up costs more than drawing a row."""
        key = (name, cursor)
        if key not in self._styles_by_name:
            style = self.get_component_rich_style(f"pair-tree--{name}")
            self._styles_by_name[key] = style + Style(underline=True) if cursor == "underline" else style
        return self._styles_by_name[key]

    def notify_style_update(self) -> None:
        self._styles_by_name.clear()
        super().notify_style_update()

    # what others change

    def rows_changed(self, first: int | None = None, stop: int | None = None) -> None:
        """Redraw lines from row `first` on, up to `stop`; all of them without a `first`. Also in the peer."""
        for tree in self._both():
            tree._resized()
            if first is None:
                tree.refresh()
            else:
                tree._refresh_rows(first, len(self.rows) + tree.size.height if stop is None else stop)

    def pairs_changed(self, *pairs: Pair) -> None:
        """Show what became of pairs that were attached, failed, judged or forgotten.

        Opened rows that lost their children are asked for again.
        """
        before = self.rows.current
        self.rows.refresh(*pairs)
        self.rows_changed()
        if len(pairs) == 1 and (index := self.rows.index_of(pairs[0])) is not None:
            self.ask_for_unread(range(index, index + 1 + self.rows[index].visible))
        else:
            self.ask_for_unread()
        self._moved_from(before)

    def goto(self, index: int, *, by_user: bool = True) -> None:
        """Put the cursor on a row: draws the two lines, or half a page on at the edge of what is seen."""
        self.rows.moves += by_user
        if not len(self.rows):
            return
        before, old = self.rows.current, self.rows.cursor
        self.rows.cursor = max(0, min(index, len(self.rows) - 1))
        self._follow(old)
        self._moved_from(before)

    def goto_pair(self, pair: Pair) -> bool:
        """Open what stands above a loaded pair and go there; False when it is filtered away or unknown."""
        self._apply(self.rows.reveal(pair))
        self.ask_for_unread()
        index = self.rows.index_of(pair)
        if index is not None:
            self.goto(index)
        return index is not None

    # what the user asks for, by key or from a menu

    def filter(self, line: str) -> None:
        self._change(lambda: self.rows.filter(line))
        self.ask_for_unread()

    def show_view(self, view: View) -> None:
        self._change(lambda: self.rows.show(view))

    def show_empty(self, show: bool) -> None:
        self._change(lambda: self.rows.show_empty(show))

    def sort(self, order: Order) -> None:
        self._change(lambda: self.rows.sort(order))

    def next_difference(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) difference that is loaded; False when there is none."""
        return self._go_found(*differences.next_difference(self.rows, self.rows.cursor, step))

    def next_match(self, step: int) -> bool:
        return self._go_found(*differences.next_match(self.rows, self.rows.cursor, step))

    def open_row(self, index: int) -> None:
        """Open a row; where its children are not known, `loading…` stands there and they are asked for."""
        self._apply(self.rows.expand(index))
        self.ask_for_unread(range(index, index + 1 + self.rows[index].visible))

    def close_row(self, index: int) -> None:
        self._change(lambda: self.rows.collapse(index))

    def mark_status(self, status: Status) -> None:
        self._mark(lambda _: self.rows.mark_status(status))

    def mark_pattern(self, pattern: str) -> None:
        self._mark(self.rows.mark_pattern, pattern)

    def mark(self, pairs: Iterable[Pair]) -> None:
        """Mark loaded pairs, shown or not."""
        self.rows.marks.add(pairs)
        self._marked(range(len(self.rows)))

    def clear_marks(self) -> None:
        self._marked(self.rows.clear_marks())

    def drop_range(self) -> bool:
        """Give up a range that was begun; False when there is none."""
        if self.rows.anchor is None:
            return False
        self.rows.anchor = None
        self._marked(range(len(self.rows)))
        return True

    def action_move(self, step: int) -> None:
        self.goto(self.rows.cursor + step)

    def action_page(self, step: int) -> None:
        self.goto(self.rows.cursor + step * max(1, self._page - 1))

    def action_top(self) -> None:
        self.goto(0)

    def action_bottom(self) -> None:
        self.goto(len(self.rows) - 1)

    def action_sibling(self, step: int) -> None:
        if len(self.rows) and (index := self.rows.sibling(self.rows.cursor, step)) is not None:
            self.goto(index)

    def action_open(self) -> None:
        """Expand; on what is open already, go to its first child; on a leaf, open it."""
        row = self.rows.current
        if row is None:
            return
        if row.expanded:
            self.goto(self.rows.cursor + 1)
        else:
            self.action_open_or_close()

    def action_open_or_close(self) -> None:
        row = self.rows.current
        if row is None:
            return
        if row.is_leaf:
            self.post_message(self.Opened(self, row))
        elif row.expanded:
            self.close_row(self.rows.cursor)
        else:
            self.open_row(self.rows.cursor)

    def action_close(self) -> None:
        row = self.rows.current
        if row is None:
            return
        if row.expanded:
            self.close_row(self.rows.cursor)
        elif (parent := self.rows.parent(self.rows.cursor)) is not None:
            self.goto(parent)
        else:
            self.post_message(self.UpRequested(self))

    def action_collapse_to(self, level: int) -> None:
        self._change(lambda: self.rows.collapse_to(_LEVELS[level]))

    def action_mark(self) -> None:
        """Mark and move down; while a range is drawn, mark the range."""
        if self.rows.anchor is not None:
            self.action_range()
            return
        if len(self.rows):
            self._mark(self.rows.toggle_mark)
            self.goto(self.rows.cursor + 1)

    def action_range(self) -> None:
        """Begin a range at the cursor, or mark the one that was begun."""
        if not len(self.rows):
            return
        anchor, cursor = self.rows.anchor, self.rows.cursor
        if anchor is None:
            self.rows.anchor = cursor
            self._marked(range(cursor, cursor + 1))
        else:
            self.rows.anchor = None
            self._marked(self.rows.mark_range(anchor, cursor))

    def action_ask_pattern(self) -> None:
        self.post_message(self.PatternRequested(self))

    def action_invert(self) -> None:
        self._mark(self.rows.invert_siblings)

    def action_mark_siblings(self) -> None:
        self._mark(self.rows.mark_siblings)

    def on_click(self, event: events.Click) -> None:
        inside = event.get_content_offset(self)
        if inside is not None and (index := self._top + inside.y) < len(self.rows):
            self.goto(index)
            if event.chain == 2:
                self.action_open_or_close()

    def on_focus(self) -> None:
        self._refresh_rows(self.rows.cursor, self.rows.cursor + 1)

    def on_blur(self) -> None:
        self._refresh_rows(self.rows.cursor, self.rows.cursor + 1)

    def on_resize(self) -> None:
        self._length = -1
        self._resized()
        self._keep_cursor_in_sight()

    # how it is done

    @property
    def _top(self) -> int:
        return int(self.scroll_offset.y)

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def _both(self) -> tuple[PairTree, ...]:
        return (self,) if self.peer is None else (self, self.peer)

    def _change(self, change: Callable[[], range]) -> None:
        before = self.rows.current
        self._apply(change())
        for tree in self._both():
            tree._keep_cursor_in_sight()
        self._moved_from(before)

    def _apply(self, changed: range) -> None:
        if changed:
            self.rows_changed(changed.start, changed.stop)

    def _mark(self, mark: Callable[..., range], *arguments: str) -> None:
        if len(self.rows):
            self._marked(mark(self.rows.cursor, *arguments))

    def _marked(self, changed: range) -> None:
        if changed:
            self.rows_changed(changed.start, changed.stop)
            self.post_message(self.MarksChanged(self))

    def _go_found(self, index: int | None, changed: range) -> bool:
        self._apply(changed)
        self.ask_for_unread(range(changed.start, len(self.rows)))
        if index is not None:
            self.goto(index)
        return index is not None

    def ask_for_unread(self, within: range | None = None) -> None:
        """Have what is open and not known read: nothing is asked for twice."""
        for row in self.rows.unread(range(len(self.rows)) if within is None else within):
            self.post_message(self.ExpandRequested(self, row))

    def _moved_from(self, before: Row | None) -> None:
        now = self.rows.current
        if now is not before:
            self.post_message(self.Moved(self, now))

    def _follow(self, old: int) -> None:
        """Show a cursor that moved, in both trees: nobody answers a message with a move of his own."""
        new = self.rows.cursor
        first, last = sorted((old, new))
        lines = range(first, last + 1) if self.rows.anchor is not None else None
        for tree in self._both():
            if tree._keep_cursor_in_sight():
                continue
            if lines is not None:
                tree._refresh_rows(lines.start, lines.stop)
            elif old != new:
                tree._refresh_rows(old, old + 1)
                tree._refresh_rows(new, new + 1)

    def _keep_cursor_in_sight(self) -> bool:
        """Scroll so that the cursor stands in the middle, if it is out of sight; True if it was."""
        cursor, top, page = self.rows.cursor, self._top, self._page
        if top <= cursor < top + page:
            return False
        return self._scroll_rows(cursor - page // 2)

    def _scroll_rows(self, top: int) -> bool:
        top = max(0, min(top, len(self.rows) - self._page))
        if top == self._top:
            return False
        self.scroll_to(y=top, animate=False, force=True)
        return True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.peer is not None and round(self.peer.scroll_y) != round(new_value):
            self.peer.scroll_to(y=new_value, animate=False, force=True)

    def _refresh_rows(self, first: int, stop: int) -> None:
        """Draw rows anew, as far as they are seen."""
        top = max(first, self._top) - self._top
        end = min(stop - self._top, self.size.height)
        if top < end:
            self.refresh(Region(0, top, self.size.width, end - top))

    def _resized(self) -> None:
        """Tell the scrolling how many rows there are, without the layout a new `virtual_size` would cost."""
        if self._length == len(self.rows):
            return
        self._length = len(self.rows)
        self.set_reactive(Widget.virtual_size, Size(self.size.width, self._length))
        if self._top > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
