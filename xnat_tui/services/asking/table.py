"""A table: what every question answers with, whatever its rows are made of."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import methodcaller
from typing import Any, Generic, TypeVar

from xnat_tui.errors import UsageError, XnatTuiError
from xnat_tui.model.location import Location, relative_path
from xnat_tui.services.asking.sorting import directions, ordered

E = TypeVar("E")
Cell = str | int | None
"""Text, "" where the server says that there is none; None where it does not answer."""
UNANSWERED = "!"


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that a server did not answer, at or below a place."""

    location: Location
    error: str

    @classmethod
    def of(cls, location: Location, error: XnatTuiError) -> Unread:
        """A listing that failed, with what can be done about it."""
        hint = f" hint: {error.hint}" if error.hint else ""
        return cls(location, f"{error.message}{hint}")

    @property
    def path(self) -> str:
        """The place in XNAT's own words."""
        return relative_path(self.location.steps)


@dataclass(frozen=True, eq=False)
class Table(Generic[E]):
    """One row for each entry, as one user sees it; `pandas.DataFrame(table.rows)` takes it as it is.

    A cell is worked out when it is looked at: a table of 100,000 rows is not larger for the columns that
    nobody chose.
    """

    columns: tuple[str, ...]
    entries: Sequence[E]
    """What the rows are of, in order; of an archive's items, their places."""
    known: tuple[str, ...]
    """Every column that can be chosen."""
    cell_of: Callable[[str], Callable[[E], Cell]]
    """Gives what stands in a column, by its name."""
    within: Callable[[E], Location]
    """Which place answers for a row: what is not told is said of that, and not of each row."""
    always: tuple[str, ...] = ()
    """Columns that are there whatever is chosen."""
    unread: tuple[Unread, ...] = ()
    """Places that a server did not answer for: rows may be missing there."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Who asked, by server: their rights shaped the answers."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """How many it took, by server."""

    @classmethod
    def of_rows(cls, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> Table[Mapping[str, Cell]]:
        """A table of rows that are there already, each with all of these columns."""
        return Table(
            tuple(columns),
            rows,
            tuple(columns),
            lambda name: methodcaller("get", name),
            lambda _: Location(""),
        )

    # choosing

    def chosen(self, columns: Iterable[str]) -> Table[E]:
        """With these columns, before those that are always there. Raises UsageError for one that is not
        known, with the nearest names."""
        named = tuple(dict.fromkeys(columns))
        self._check(named)
        return replace(self, columns=tuple(dict.fromkeys((*named, *self.always)))) if named else self

    def sorted(self, by: Iterable[str]) -> Table[E]:
        """By these columns, the first one first; `-name` turns one round. Numbers go by their value and
        before texts; what is empty, then what is not answered, stands at the end. Raises
        UsageError as `chosen`."""
        ways = directions(by, self.known)
        self._check(name for name, _ in ways)
        return replace(
            self, entries=ordered(self.entries, [(self.cell_of(name), down) for name, down in ways])
        )

    def of(self, entries: Sequence[E]) -> Table[E]:
        """The same of some of its entries."""
        return replace(self, entries=entries)

    def _check(self, names: Iterable[str]) -> None:
        if self.unread or not self.entries:  # nobody knows which columns there would be
            return
        known = set(self.known)
        for name in names:
            if name not in known:
                raise UsageError(f"There is no column {name!r} here.", _nearest(name, self.known))

    # telling

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def rows(self) -> list[dict[str, Cell]]:
        """A mapping for each entry, by column."""
        cells = {name: self.cell_of(name) for name in self.columns}
        return [{name: cell(entry) for name, cell in cells.items()} for entry in self.entries]

    @cached_property
    def unreadable(self) -> tuple[Unread, ...]:
        """What could not be read, and each column that is not told of some rows, with how many."""
        return (*self.unread, *self._not_told())

    def _not_told(self) -> Iterable[Unread]:
        missing: dict[str, Counter[Location]] = {name: Counter() for name in self.columns}
        every: Counter[Location] = Counter()
        for entry, row in zip(self.entries, self.rows, strict=True):
            where = self.within(entry)
            every[where] += 1
            for name, cell in row.items():
                if cell is None:
                    missing[name][where] += 1
        for name, counts in missing.items():
            for where, count in counts.items():
                yield Unread(where, f"{name} is not told of {count} of {every[where]} rows.")

    @property
    def seen_by(self) -> str:
        """The user; of several, each with the server."""
        if len(set(self.users.values())) <= 1:
            return "".join([*self.users.values()][:1])
        return ", ".join(f"{server}: {user}" for server, user in self.users.items())

    def texts(self, columns: Sequence[str] = ()) -> list[list[str]]:
        """The cells of these columns, or of all that are shown; `!` where the server does not answer."""
        return [[text_of(row[name]) for name in columns or self.columns] for row in self.rows]

    def document(self) -> dict[str, Any]:
        """What `--json` prints: `columns rows unreadable as requests`."""
        return {"columns": list(self.columns), "rows": self.rows, **self.about()}

    def about(self) -> dict[str, Any]:
        """What stands beside the rows: what is missing, who saw it, and what it took."""
        several = len(self.users) > 1
        return {
            "unreadable": [_told(one, several=several) for one in self.unreadable],
            "as": self.seen_by,
            "requests": dict(self.requests),
        }


def text_of(cell: Cell) -> str:
    """A cell as it is read."""
    return UNANSWERED if cell is None else str(cell)


def _told(one: Unread, *, several: bool) -> dict[str, str]:
    told = {"path": one.path, "error": one.error}
    return {"server": one.location.server, **told} if several else told


def _nearest(name: str, known: Sequence[str]) -> str:
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3)
    meant = " or ".join(by_lower[one] for one in near)
    return f"Did you mean {meant}?" if near else "--list-columns tells those that are there."
