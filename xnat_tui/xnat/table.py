"""XNAT's tables: `{"ResultSet": {"Result": [{column: text}, ...], "totalRecords": "n"}}`.

A listing of a big project is some 20 MB of JSON. It is decoded row by row, so that no other thread
stands still for longer than one row takes, and equal texts are kept once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xnat_tui.errors import BadAnswer

_GAP = re.compile(r"[ \t\r\n]*")
_HINT = "Reload; if it stays, ask the server's administrator to look at its log."


class Row:
    """One row: `row[column]` is its text, "" where the server sent NULL or no such column.

    XNAT writes asked-for long column names in lower case; the look-up therefore ignores case where
    the exact name is not there.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[str, ...]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, column: str) -> str:
        place = self._places.get(column)
        if place is None:
            place = self._places.get(column.lower())
        return "" if place is None else self._values[place]

    def pick(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Several cells at once, as `[]` finds them."""
        places, values = self._places, self._values
        return tuple([values[places[name]] if name in places else self[name] for name in columns])

    def __contains__(self, column: str) -> bool:
        return column in self._places or column.lower() in self._places

    def __repr__(self) -> str:
        return f"<Row of {len(self._values)} columns>"


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """`columns` as first seen, in order, and every row."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, str]]) -> Table:
        shapes = _Shapes()
        rows = tuple(shapes.row(list(record.items())) for record in records)
        return cls(shapes.columns(), rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Table of {len(self.rows)} rows, {len(self.columns)} columns>"


def parse_table(text: str, *needed: str, paged: bool = False) -> Table:
    """The table in a JSON answer.

    Raises BadAnswer where the body is empty (XNAT logs an SQL error and answers 200 without a body),
    where it is the document of an item (XNAT answers a wrong address with the parent item), where it is
    cut off or no table, where a row lacks a `needed` column, and where `totalRecords` tells another number
    of rows; a `paged` answer may.
    """
    if not text.strip():
        raise BadAnswer("The server answered the listing with nothing at all.", _HINT)
    walk = _Walk(text)
    rows: tuple[Row, ...] | None = None
    total: object = None
    for key in walk.members():
        if key == "items":
            raise BadAnswer("The server knows no such listing: it answered with an item.")
        if key != "ResultSet":
            walk.value()
            continue
        for inner in walk.members():
            if inner == "Result":
                if rows is not None:
                    raise _broken()
                rows = tuple(walk.rows())
            elif inner == "totalRecords":
                total = walk.value()
            else:
                walk.value()
    walk.end()
    if rows is None:
        raise BadAnswer("The server's answer holds no listing (no ResultSet).", _HINT)
    walk.shapes.require(needed)
    if not paged and isinstance(total, str | int) and str(total).isdecimal() and int(total) != len(rows):
        raise BadAnswer(f"The server announced {int(total)} rows and sent {len(rows)}.", _HINT)
    return Table(walk.shapes.columns(), rows)


class _Shapes:
    """Rows with the same columns share them; equal texts are one object."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict[str, int]] = {}
        self._texts: dict[str, str] = {}

    def row(self, pairs: Sequence[tuple[str, Any]]) -> Row:
        names, cells = zip(*pairs, strict=True) if pairs else ((), ())
        places = self._known.get(names)
        if places is None:
            places = self._known[names] = {name: place for place, name in enumerate(names)}
            for place, name in enumerate(names):
                places.setdefault(name.lower(), place)
        share = self._texts.setdefault
        try:
            plain = "".join(cells).isprintable()
        except TypeError:
            plain = False
        if plain:
            return Row(places, tuple(map(share, cells, cells)))
        return Row(
            places, tuple([share(v, v) if type(v) is str and v.isprintable() else _text(v) for v in cells])
        )

    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for names in self._known for name in names))

    def require(self, names: Iterable[str]) -> None:
        for name in names:
            if not all(name in places or name.lower() in places for places in self._known.values()):
                raise BadAnswer(f"The server's listing lacks the column {name}.", _HINT)


_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


def _text(value: object) -> str:
    """A cell that is no plain text; half a surrogate pair would break the first encoder that meets it.

    Bytes that are no UTF-8 are shown as `\\xe9`, so that two that differ stay different.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        shown = _ESCAPED_BYTE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", value)
        return shown.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(value, default=repr)


class _Walk:
    """Goes once through a JSON text, one value at a time."""

    def __init__(self, text: str) -> None:
        self.shapes = _Shapes()
        self._text = text
        self._at = 0
        self._plain = json.JSONDecoder(strict=False)
        self._row = json.JSONDecoder(strict=False, object_pairs_hook=self.shapes.row)

    def members(self) -> Iterator[str]:
        """The keys of the object that starts here; the caller consumes each value."""
        self._take("{")
        if self._next() == "}":
            self._take("}")
            return
        while True:
            key = self.value()
            self._take(":")
            yield str(key)
            if self._one_of(",}") == "}":
                return

    def end(self) -> None:
        """Raises BadAnswer where something follows the object: a listing and then a page about an error."""
        if self._next():
            raise _broken()

    def rows(self) -> Iterator[Row]:
        self._take("[")
        if self._next() == "]":
            self._take("]")
            return
        while True:
            row = self._decoded(self._row)
            if not isinstance(row, Row):
                raise _broken()
            yield row
            if self._one_of(",]") == "]":
                return

    def value(self) -> Any:
        return self._decoded(self._plain)

    def _decoded(self, decoder: json.JSONDecoder) -> Any:
        self._next()
        try:
            value, self._at = decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):  # its message and .doc would carry the whole listing
            pass
        else:
            return value
        raise _broken()

    def _next(self) -> str:
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at
        return self._text[self._at : self._at + 1]

    def _one_of(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            raise _broken()
        self._at += 1
        return found

    def _take(self, character: str) -> None:
        self._one_of(character)


def _broken() -> BadAnswer:
    return BadAnswer("The server's listing is cut off or no listing at all.", _HINT)
