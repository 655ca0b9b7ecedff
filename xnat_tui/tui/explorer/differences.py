"""Going from difference to difference, or from match to match, through what is loaded."""

from __future__ import annotations

from collections.abc import Callable

from xnat_tui.tui.explorer.filter import is_difference
from xnat_tui.tui.explorer.row import Row
from xnat_tui.tui.explorer.rows import Rows

Found = tuple[int | None, range]
"""Where it is, if anywhere, and the rows whose lines changed because something was opened on the way."""

Test = Callable[[Row], bool]


def next_difference(rows: Rows, index: int, step: int) -> Found:
    """The next (1) or previous (-1) row that differs or could not be read, opening what is loaded.

    Also stops on a closed pair that has differences below which are not loaded.
    """

    def stops(row: Row) -> bool:
        unknown = row.pair.children is None and row.pair.differing_below > 0
        return is_difference(row.pair) or unknown

    def holds(row: Row) -> bool:
        return bool(row.pair.children) and row.pair.differing_below > 0

    return _seek(rows, index, step, stops, holds)


def next_match(rows: Rows, index: int, step: int) -> Found:
    """The next or previous row that the filter found by itself, not for what it holds."""
    narrowing = rows.narrowing
    return _seek(
        rows, index, step, lambda row: narrowing.finds(row.pair), lambda row: row.pair in narrowing.holding
    )


def _seek(rows: Rows, index: int, step: int, stops: Test, holds: Test) -> Found:
    first = len(rows)
    at = index
    if step > 0 and at < len(rows) and _enter(rows, at, holds):
        first = at
    at += step
    while 0 <= at < len(rows):
        row = rows[at]
        if step < 0 and _enter(rows, at, holds):
            first = min(first, at)
            at += rows[at].visible
            continue
        if row.message is None and stops(row):
            return at, range(first, len(rows))
        if step > 0 and _enter(rows, at, holds):
            first = min(first, at)
        at += step
    return None, range(first, len(rows))


def _enter(rows: Rows, index: int, holds: Test) -> bool:
    row = rows[index]
    if row.is_leaf or row.expanded or not holds(row):
        return False
    rows.expand(index)
    return True
