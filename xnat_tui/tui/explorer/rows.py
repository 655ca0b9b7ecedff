"""The rows of a pair tree: one flat list of what is shown, whatever draws it.

Opening or closing one pair costs what it adds or removes, however many rows stand around it.
Methods that change something return the range of rows whose lines are not what they were.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_tui.model.entities import Kind
from xnat_tui.model.naming import meant
from xnat_tui.model.pairing import Pair, Status
from xnat_tui.tui.explorer.figures import FigureCache
from xnat_tui.tui.explorer.filter import Narrowing, Needle, Order, View, in_order, scan_type
from xnat_tui.tui.explorer.marks import Marks, MarkTotals
from xnat_tui.tui.explorer.row import Message, Row, errors_of

__all__ = ["Message", "Row", "Rows"]

NOTHING = range(0)

_LEVELS = {
    Kind.SERVER: -1,
    Kind.PROJECT: 0,
    Kind.SUBJECT: 1,
    Kind.EXPERIMENT: 2,
    Kind.SCAN: 3,
    Kind.ASSESSOR: 3,
    Kind.RECONSTRUCTION: 3,
    Kind.RESOURCE: 4,
    Kind.FILE: 5,
}


class Rows:
    """What is shown below `root`, with its cursor and marks; two panes that are compared share one.

    The root itself has no row. Its children, like all others, are read from `Pair.children`; after
    they were attached, failed, judged or forgotten, call `refresh`.
    """

    def __init__(self, root: Pair, *, comparing: bool = False) -> None:
        self.root = root
        self.comparing = comparing
        self.marks = Marks()
        self.figures = FigureCache()
        self.narrowing = Narrowing()
        self.order = Order.LABEL
        self.cursor = 0
        self.moves = 0
        """How often the user has moved it: whoever would put it back looks whether that is still wanted."""
        self.anchor: int | None = None
        """Where a range of marks begins, while one is being drawn."""
        self.rows_created = 0
        self.loading_text: dict[Pair, str] = {}
        """What to say instead of `loading…` below a pair."""
        self._opened: set[Pair] = {root}
        self._shut: set[Pair] = set()
        self._asked: set[Pair] = set()
        self._children: dict[Pair, list[Pair]] = {}
        self._by_label: dict[Pair, tuple[list[Pair], list[Pair]]] = {}
        self._shown: dict[Pair, Row] = {}
        self._rows: list[Row] = []
        self._build()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def current(self) -> Row | None:
        """The row under the cursor; None while there are no rows."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row_of(self, pair: Pair) -> Row | None:
        return self._shown.get(pair)

    def index_of(self, pair: Pair) -> int | None:
        """Where a pair is shown; None where it is not."""
        row = self._shown.get(pair)
        return None if row is None else self._rows.index(row)

    def is_open(self, pair: Pair) -> bool:
        if pair in self._opened:
            return True
        return self.narrowing.reveals and pair in self.narrowing.holding and pair not in self._shut

    def unread(self, rows: range) -> list[Row]:
        """Opened rows with `loading` below them in this range: somebody has to load their children.

        Each is named once, until it is refreshed, or closed and opened again.
        """
        found = []
        for index in rows:
            row = self._rows[index]
            if row.message is Message.LOADING and row.pair not in self._asked:
                self._asked.add(row.pair)
                found.append(row.parent or Row(self.root, None, -1))
        return found

    # what is open

    def expand(self, index: int) -> range:
        """Open a row; `loading` stands below it until its children are there and `refresh` is called."""
        row = self._rows[index]
        if row.is_leaf or row.expanded:
            return NOTHING
        self._opened.add(row.pair)
        self._shut.discard(row.pair)
        self._insert(index, row)
        return range(index, len(self._rows))

    def collapse(self, index: int) -> range:
        row = self._rows[index]
        if not row.expanded:
            return NOTHING
        self._opened.discard(row.pair)
        self._asked.discard(row.pair)
        if self.narrowing.narrows:
            self._shut.add(row.pair)
        before = len(self._rows)
        self._remove(index, row)
        return range(index, before)

    def reveal(self, pair: Pair) -> range:
        """Open everything above a loaded pair, so that it is shown unless it is filtered away."""
        changed = NOTHING
        for above in reversed(list(pair.ancestors())):
            index = self.index_of(above)
            if index is not None and (opened := self.expand(index)):
                changed = opened if not changed else range(changed.start, opened.stop)
        return changed

    def collapse_to(self, kind: Kind) -> range:
        """Close everything of this kind's level and below it; nothing is opened."""
        level = _LEVELS[kind]
        self._opened = {
            pair
            for pair in self._opened
            if pair is self.root or _LEVELS[pair.kind] + 0.5 * (pair.group is not None) < level
        }
        self._shut |= self.narrowing.holding
        return self.rebuild()

    # what is known

    def refresh(self, *pairs: Pair) -> range:
        """Show what became of these pairs: children, errors or verdicts.

        Marks and opened rows are carried over to children of the same key, and what is gone loses
        its mark. With several pairs at once, the rows are worked out once.
        """
        for pair in pairs:
            self._asked.discard(pair)
            self.figures.forget(pair)
            self._inherit(pair)
            self.narrowing.resurvey(pair)
        if len(pairs) > 1 or any(pair is self.root for pair in pairs):
            return self.rebuild()
        return self._refresh_one(pairs[0]) if pairs else NOTHING

    def _refresh_one(self, pair: Pair) -> range:
        if any(self._misplaced(one) for one in (pair, *pair.ancestors())):
            return self.rebuild()
        index = self.index_of(pair)
        if index is None:
            return NOTHING
        row = self._rows[index]
        if not row.expanded:
            return range(index, index + 1)
        before = len(self._rows)
        with_cursor = index < self.cursor <= index + row.visible
        held, offset = self._held(), self.cursor
        self._remove(index, row)
        self._insert(index, row)
        if with_cursor:
            self._put_cursor(held, offset)
        return range(index, max(before, len(self._rows)))

    def _misplaced(self, pair: Pair) -> bool:
        """Whether a pair is shown and should not be, or the other way round."""
        if pair is self.root or pair.parent is None:
            return False
        above = self._shown.get(pair.parent)
        listed = pair.parent is self.root or (above is not None and above.expanded)
        return listed and self.narrowing.keeps(pair) != (pair in self._shown)

    def rebuild(self) -> range:
        """Work out all rows anew, the cursor staying on its pair or on the nearest one above it."""
        before = len(self._rows)
        held, offset = self._held(), self.cursor
        anchored = self._rows[self.anchor].pair if self.anchor is not None else None
        self._build()
        self._put_cursor(held, offset)
        self.anchor = self.index_of(anchored) if anchored is not None else None
        return range(max(before, len(self._rows)))

    # what is shown

    def filter(self, line: str) -> range:
        """Show only what the filter line means, among what is loaded; "" shows everything."""
        self.narrowing.line = line
        needle = Needle.parse(line)
        if needle == self.narrowing.needle:
            return NOTHING
        self.narrowing.needle = needle
        return self._narrow()

    def show(self, view: View) -> range:
        self.narrowing.view = view
        return self._narrow()

    def show_empty(self, show: bool) -> range:
        """Whether headings with nothing below them are shown."""
        self.narrowing.show_empty = show
        return self._narrow()

    def sort(self, order: Order) -> range:
        self.order = order
        return self.rebuild()

    def _narrow(self) -> range:
        self._shut.clear()
        self.narrowing.survey(self.root)
        return self.rebuild()

    def in_range(self, index: int) -> bool:
        """Whether a row belongs to the range of marks being drawn."""
        if self.anchor is None:
            return False
        return min(self.anchor, self.cursor) <= index <= max(self.anchor, self.cursor)

    # ways through

    def sibling(self, index: int, step: int) -> int | None:
        """The next (1) or previous (-1) row with the same parent; None at the end."""
        row = self._rows[index]
        if step > 0:
            following = index + row.visible + 1
            if following < len(self._rows) and self._rows[following].parent is row.parent:
                return following
            return None
        if index == 0 or self._rows[index - 1] is row.parent:
            return None
        before = self._rows[index - 1]
        while before.parent is not row.parent:
            assert before.parent is not None
            before = before.parent
        return index - 1 - before.visible

    def parent(self, index: int) -> int | None:
        above = self._rows[index].parent
        return None if above is None else self._rows.index(above, 0, index)

    # marks

    def toggle_mark(self, index: int) -> range:
        row = self._rows[index]
        if row.message is not None:
            return NOTHING
        first = self._marked_from(index)
        self.marks.toggle(row.pair)
        return range(first, index + row.visible + 1)

    def mark_range(self, first: int, last: int) -> range:
        """Mark all rows between two, both included."""
        first, last = sorted((first, last))
        between = range(first, last + 1)
        self.marks.add(self._rows[index].pair for index in between if not self._rows[index].message)
        return range(first, last + 1 + self._rows[last].visible)

    def mark_pattern(self, index: int, pattern: str) -> range:
        """Mark the row's siblings whose label, or a scan's type, is this, or else matches it as a glob."""
        self.marks.add(meant(pattern, self.siblings(index), _names))
        return self._family(index)

    def mark_status(self, status: Status) -> range:
        """Mark whatever has this verdict, wherever it stands; not what the filter hides."""
        found = self.root.found(status)
        self.marks.add(pair for pair in found if self._kept(pair))
        return range(len(self._rows))

    def _kept(self, pair: Pair) -> bool:
        """Whether the filter leaves it, and all that it stands in."""
        way = (one for one in (pair, *pair.ancestors()) if one is not self.root)
        return all(map(self.narrowing.keeps, way))

    def invert_siblings(self, index: int) -> range:
        first, family = self._marked_from(index), self._family(index)
        self.marks.invert(self.siblings(index))
        return range(min(first, family.start), family.stop)

    def mark_siblings(self, index: int) -> range:
        """Mark all siblings, or unmark them where all are marked already."""
        first, family = self._marked_from(index), self._family(index)
        siblings = self.siblings(index)
        if all(self.marks.covers(pair) for pair in siblings):
            self.marks.remove(siblings)
        else:
            self.marks.add(siblings)
        return range(min(first, family.start), family.stop)

    def clear_marks(self) -> range:
        self.marks.clear()
        return range(len(self._rows))

    def totals(self, *, destination: bool = False) -> MarkTotals:
        return self.marks.totals(lambda pair: self.figures.of(pair, destination))

    def siblings(self, index: int) -> list[Pair]:
        """The shown siblings of a row and itself; items and headings are not mixed."""
        pair = self._rows[index].pair
        grouped = pair.group is not None
        beside = pair.parent.children if pair.parent is not None else None
        kept = (one for one in beside or () if self.narrowing.keeps(one))
        return [one for one in kept if (one.group is not None) == grouped]

    def _marked_from(self, index: int) -> int:
        """The row by which a row is marked, above it or itself: unmarking this one takes that one's mark."""
        row = self._rows[index]
        while row.parent is not None:
            row = row.parent
            if row.pair in self.marks:
                return self._rows.index(row, 0, index)
        return index

    def _family(self, index: int) -> range:
        parent = self._rows[index].parent
        if parent is None:
            return range(len(self._rows))
        first = self._rows.index(parent, 0, index + 1)
        return range(first, first + parent.visible + 1)

    # the flat list

    def _build(self) -> None:
        self._shown.clear()
        self._rows = self._below(self.root, None)
        self.cursor = min(self.cursor, max(0, len(self._rows) - 1))

    def _below(self, pair: Pair, parent: Row | None) -> list[Row]:
        """Fresh rows for everything shown below a pair."""
        depth = parent.depth + 1 if parent is not None else 0
        found: list[Row] = []
        last: Row | None = None
        if any(errors_of(pair)):
            last = Row(pair, parent, depth, Message.ERROR)
            found.append(last)
        elif pair.children is None:
            last = Row(pair, parent, depth, Message.LOADING)
            found.append(last)
        children = self._ordered(pair)
        self.rows_created += len(children)
        opened, shown, reveals = self._opened, self._shown, self.narrowing.reveals
        for child in children:
            last = Row(child, parent, depth)
            shown[child] = last
            found.append(last)
            if (child in opened or (reveals and self.is_open(child))) and not last.is_leaf:
                below = self._below(child, last)
                last.expanded, last.visible = True, len(below)
                found += below
        if last is None:
            last = Row(pair, parent, depth, Message.HIDDEN if pair.children else Message.EMPTY)
            found.append(last)
        last.last = True
        return found

    def _ordered(self, pair: Pair) -> list[Pair]:
        """The children that are shown, sorted. Long lists are sorted by label only once."""
        children = pair.children
        if children is None:
            return []
        self._children[pair] = children
        known = self._by_label.get(pair)
        if self.order is Order.LABEL and known is not None and known[0] is children:
            ordered = known[1]
        else:
            ordered = in_order(children, self.order, lambda one: self.figures.of(one, one.source is None)[1])
            if self.order is Order.LABEL and len(children) > 1000:
                self._by_label[pair] = (children, ordered)
        keeps = self.narrowing.keeps
        return [child for child in ordered if keeps(child)]

    def _insert(self, index: int, row: Row) -> None:
        below = self._below(row.pair, row)
        self._rows[index + 1 : index + 1] = below
        row.expanded = True
        self._grow(row, len(below))
        if self.cursor > index:
            self.cursor += len(below)
        if self.anchor is not None and self.anchor > index:
            self.anchor += len(below)

    def _remove(self, index: int, row: Row) -> None:
        """Take away what is shown below a row; a cursor in there moves up to the row."""
        if self.cursor > index:
            self.cursor = max(index, self.cursor - row.visible)
        if self.anchor is not None and self.anchor > index:
            self.anchor = max(index, self.anchor - row.visible)
        gone = slice(index + 1, index + 1 + row.visible)
        for below in self._rows[gone]:
            if below.message is None:
                del self._shown[below.pair]
        del self._rows[gone]
        row.expanded = False
        self._grow(row, -row.visible)

    @staticmethod
    def _grow(row: Row, count: int) -> None:
        above: Row | None = row
        while above is not None:
            above.visible += count
            above = above.parent

    def _held(self) -> Pair | None:
        return self.current.pair if self.current is not None else None

    def _put_cursor(self, held: Pair | None, offset: int) -> None:
        """Back onto the same pair, its heir by key, or the nearest shown one above."""
        if held is not None:
            parent = held.parent
            heirs = [one for one in (parent.children or () if parent else ()) if _same_place(one, held)]
            for pair in (held, *heirs, *held.ancestors()):
                index = self.index_of(pair)
                if index is not None:
                    self.cursor = index
                    return
        self.cursor = max(0, min(offset, len(self._rows) - 1))

    def _inherit(self, pair: Pair) -> None:
        """Hand what the user did to former children on to those of the same key."""
        former, now = self._children.get(pair), pair.children
        if former is None or now is None or former is now:
            return
        heirs = {_place(child): child for child in now}
        renamed = {_identity(child): child for child in now}
        for old in former:
            new = heirs.get(_place(old)) or renamed.get(_identity(old))
            if new is old:
                continue
            if new is None:
                self.marks.drop_below(old)
                continue
            self.marks.move(old, new)
            if old in self._opened:
                self._opened.discard(old)
                self._opened.add(new)
            if old in self._children:
                self._children[new] = self._children.pop(old)
                self._inherit(new)


def _names(pair: Pair) -> tuple[str, ...]:
    return pair.key, scan_type(pair.source), scan_type(pair.destination)


def _place(pair: Pair) -> tuple[Kind, Kind | None, str, str]:
    item = pair.item
    return pair.kind, pair.group, pair.key, item.side if item is not None else ""


def _identity(pair: Pair) -> tuple[Kind, Kind | None, str]:
    """What an item keeps when it gets another label; its label, where it has no ID of its own."""
    item = pair.item
    return pair.kind, pair.group, (item.id if item is not None else "") or pair.key


def _same_place(one: Pair, other: Pair) -> bool:
    return _place(one) == _place(other)
