"""A table: what every question answers with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.written import csv_text

Cell = str | int | None
"""None is what the server does not answer, "" what is empty there."""
ALWAYS = ("path", "kind")
UNANSWERED = "!"


@dataclass(frozen=True, slots=True)
class Unread:
    """Something below which rows may be missing."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind of item. `rows` are mappings by column, which pandas and polars take as they are."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    known: tuple[str, ...] = ()
    """All columns that there are; `columns` are those that were chosen."""
    unreadable: tuple[Unread, ...] = ()
    seen_by: str = ""
    requests: Mapping[str, int] = field(default_factory=dict)
    """By server."""

    def chosen(self, columns: Iterable[str]) -> Table:
        """With these columns, beside those that are always there. Raises UsageError for one that is not
        known, with the nearest names."""
        named = [self._known(name) for name in columns]
        if not named:
            return self
        wanted = tuple(dict.fromkeys((*named, *(one for one in ALWAYS if one not in named))))
        return replace(self, columns=wanted)

    def sorted(self, by: Sequence[str]) -> Table:
        """By these columns, the first one first; `-name` turns one round. Numbers go by their value, what is
        empty or not answered stands at the end. Raises UsageError as `chosen`."""
        rows = list(self.rows)
        for name in reversed(by):
            column = self._known(name.removeprefix("-"))
            filled = [row for row in rows if row.get(column) not in ("", None)]
            rest = [row for row in rows if row.get(column) in ("", None)]
            filled.sort(key=lambda row: _order(row.get(column)), reverse=name.startswith("-"))
            rows = [*filled, *rest]
        return replace(self, rows=tuple(rows))

    def texts(self) -> list[list[str]]:
        """The cells of the chosen columns as texts, `!` where the server does not answer."""
        return [[_text(row.get(column, "")) for column in self.columns] for row in self.rows]

    def csv(self, *, raw: bool = False) -> str:
        """Safe to open in a spreadsheet, unless `raw`."""
        return csv_text([self.columns, *self.texts()], raw=raw)

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "columns": list(self.columns),
            "rows": [{column: row.get(column, "") for column in self.columns} for row in self.rows],
            "unreadable": [{"path": one.path, "error": one.error} for one in self.unreadable],
            "as": self.seen_by,
            "requests": dict(self.requests),
        }

    def _known(self, name: str) -> str:
        known = self.known or self.columns
        if name in known:
            return name
        near = difflib.get_close_matches(name, known, 3, 0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "--list-columns tells those that there are."
        raise UsageError(f"There is no column {name!r}.", hint)


def _order(cell: Cell) -> tuple[int, float, str]:
    try:
        return 0, float(cell or 0), ""
    except ValueError:
        return 1, 0.0, str(cell).casefold()


def _text(cell: Cell) -> str:
    return UNANSWERED if cell is None else str(cell)
