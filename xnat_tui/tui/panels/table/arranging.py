"""Which rows of a table are shown, and in which order: worked out off the screen."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from xnat_tui.model.place import Place
from xnat_tui.services.asking.filtering import matching
from xnat_tui.services.asking.table import Table


def key_of(place: Place) -> Hashable:
    """What tells a row from all others, be it shared into two projects."""
    return place.server, tuple(item.uri for item in place.items)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for: which rows of a table, in which order, and the row of the cursor."""

    table: Table[Place]
    columns: tuple[str, ...]
    sort: str
    line: str
    held: Hashable


@dataclass(frozen=True, slots=True)
class Arranged:
    ordered: tuple[str, Table[Place]]
    """By what, and all rows in that order: another filter need not sort again."""
    shown: Table[Place]
    row: int


def arrange(
    wanted: Wanted, before: tuple[str, Table[Place]] | None, is_wanted: Callable[[], bool]
) -> Arranged:
    """Raises Interrupted once it is not wanted any more. `before` was worked out of the same table."""
    sort, table = wanted.sort, wanted.table
    ordered = before if before is not None and before[0] == sort else None
    if ordered is None:
        ordered = sort, table.sorted([sort]) if sort else table
    chosen = ordered[1].chosen(wanted.columns)
    shown = chosen.of(matching(chosen, wanted.line, is_wanted))
    held = wanted.held
    rows = (at for at, place in enumerate(shown.entries) if key_of(place) == held) if held else iter(())
    return Arranged(ordered, shown, next(rows, 0))
