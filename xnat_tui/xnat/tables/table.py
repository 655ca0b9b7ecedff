"""XNAT's tables: `{"ResultSet": {"Result": [{column: text}, ...], "totalRecords": "n"}}`
(`docs/xnat-contract.md` 0.4).

A listing of a big project is some 60 MB of JSON. It is decoded while it arrives, a few rows at a time:
no other thread stands still for longer than those take, the text is never there as a whole, and equal
texts are kept once.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.http.retry import Settled

_BATCH = 64 * 1024
"""Bytes that are decoded at once: less than a millisecond's work."""
_GAP = re.compile(r"[ \t\r\n]*")
_HINT = "Reload; if it stays, ask the server's administrator to look at its log."


Cells = tuple[str, ...]
"""A row's texts, in the order of its table's columns."""


def says(cell: str) -> bool:
    """Whether a cell can be what a row must have: neither blank, nor something else than text or number."""
    return type(cell) is str and bool(cell.strip())


class Row:
    """One row: `row[column]` is its text, "" where the server sent NULL or no such column.

    XNAT writes asked-for long column names in lower case; the look-up therefore ignores case where
    the exact name is not there.
    """

    __slots__ = ("_places", "cells")

    def __init__(self, places: dict[str, int], cells: Cells) -> None:
        self._places = places
        self.cells = cells

    def __getitem__(self, column: str) -> str:
        place = self._places.get(column)
        if place is None:
            place = self._places.get(column.lower())
        return "" if place is None else self.cells[place]

    def required(self, *columns: str) -> str:
        """The first of these cells that says something: what a row must have, then where else it may stand.

        Raises BadAnswer naming the first where all are missing, blank, or neither text nor whole number.
        """
        for column in columns:
            if says(text := self[column]):
                return text
        raise BadAnswer(f"A row of the server's listing has no {columns[0]}.", _HINT)

    def __repr__(self) -> str:
        return f"<Row of {len(self.cells)} columns>"


class Table:
    """`columns` as first seen, in order; iterate it for its rows.

    `cells` has the same rows as bare tuples, one text for each column: what `picker` and `cell` take.
    """

    __slots__ = ("_places", "cells", "columns")

    def __init__(self, columns: tuple[str, ...], cells: Sequence[Cells]) -> None:
        self.columns = columns
        self.cells = cells
        self._places = _places(columns)

    def picker(self, columns: Sequence[str]) -> Callable[[Cells], tuple[str, ...]]:
        """What picks several cells of a row at once, as a row's `[]` finds them."""
        found = [self._place(name) for name in columns]
        if len(found) > 1 and None not in found:
            return itemgetter(*found)
        return lambda cells: tuple(["" if place is None else cells[place] for place in found])

    def cell(self, column: str) -> Callable[[Cells], str]:
        """What picks one cell of a row, as a row's `[]` finds it."""
        place = self._place(column)
        return itemgetter(place) if place is not None else lambda _cells: ""

    def _place(self, column: str) -> int | None:
        return self._places.get(column, self._places.get(column.lower()))

    def row(self, cells: Cells) -> Row:
        """A row of `cells`, to be looked into by name."""
        return Row(self._places, cells)

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        return f"<Table of {len(self)} rows, {len(self.columns)} columns>"


def parse_table(body: Iterable[bytes], *needed: str, paged: bool = False) -> Table:
    """The table in a JSON answer, given as the pieces in which it arrives; all of them are consumed.

    Raises BadAnswer where the body is empty (XNAT logs an SQL error and answers 200 without a body),
    where it is the document of an item (XNAT answers a wrong address with the parent item), where it is
    cut off or no table, where a row lacks a `needed` column, and where `totalRecords` tells another number
    of rows; a `paged` answer may.
    """
    walk = _Walk(body)
    if walk.blank():
        raise BadAnswer("The server answered the listing with nothing at all.", _HINT)
    rows: _Rows | None = None
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
                rows = _Rows()
                for records in walk.elements(rows.take):
                    rows.add(records)
            elif inner == "totalRecords":
                total = walk.value()
            else:
                walk.value()
    walk.end()
    if rows is None:
        raise BadAnswer("The server's answer holds no listing (no ResultSet).", _HINT)
    rows.require(needed)
    table = rows.table()
    told = _text(total).lstrip("0") or "0"
    if not paged and _text(total).isdecimal() and told != str(len(table)):
        raise BadAnswer(f"The server announced {told[:20]} rows and sent {len(table)}.", _HINT)
    return table


class _Odd(str):
    """A cell that was neither text nor a whole number, as its JSON: it can be shown and names nothing."""

    __slots__ = ()


class _Shared(dict[str, str]):
    """Equal texts as one object."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


class _Rows:
    """Rows as tuples of cells in one order of columns."""

    def __init__(self) -> None:
        self._columns: tuple[str, ...] | None = None
        self._shapes: set[tuple[str, ...]] = set()
        """The columns that came together in a row."""
        self._cells: list[Cells] = []
        self._shared = _Shared().__getitem__
        self._decode: Callable[[str], Iterable[Cells] | None] | None = None

    def take(self, array: str) -> bool:
        """Add rows with the columns of those before and nothing but texts, in a third of `add`'s time.

        False where anything is different: another column, a number, bytes that are no UTF-8.
        """
        if self._decode is None:
            return False
        found = self._decode(array)
        if found is None:
            return False
        self._cells += [tuple(map(self._shared, cells)) for cells in found]
        return True

    def add(self, records: Iterable[Any]) -> None:
        for record in records:
            if type(record) is not dict:
                raise _broken()
            if tuple(record) != self._columns:
                record = self._in_order(record)
            cells: Iterable[str] = record.values()
            try:
                "".join(cells).encode()
            except (TypeError, UnicodeEncodeError):
                self._cells.append(tuple(map(_text, cells)))
            else:
                self._cells.append(tuple(map(self._shared, cells)))

    def _in_order(self, record: dict[str, Any]) -> dict[str, Any]:
        """A row with other columns than those before it; new ones come last."""
        self._shapes.add(tuple(record))
        self._columns = columns = tuple(dict.fromkeys((*(self._columns or ()), *record)))
        self._decode = _decoder(columns) if len(self._shapes) == 1 else None
        return {name: record.get(name, "") for name in columns}

    def require(self, names: Iterable[str]) -> None:
        there = [{column.lower() for column in shape} for shape in self._shapes]
        for name in names:
            if not all(name.lower() in columns for columns in there):
                raise Settled(f"The server's listing lacks the column {name}.", _HINT)

    def table(self) -> Table:
        columns = self._columns or ()
        width = len(columns)
        if len(self._shapes) > 1:
            self._cells = [cells + ("",) * (width - len(cells)) for cells in self._cells]
        return Table(columns, self._cells)


def _decoder(columns: Sequence[str]) -> Callable[[str], Iterable[Cells] | None] | None:
    """What decodes an array of rows with a text in each of these columns and no other; None for any other."""
    import msgspec  # with the first listing: the explorer has shown itself by then

    row = _row_type(tuple(columns))
    if row is None:
        return None
    decode = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]

    def decoded(array: str) -> Iterable[Cells] | None:
        try:
            return map(msgspec.structs.astuple, decode(array))
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None

    return decoded


@lru_cache(maxsize=64)
def _row_type(columns: tuple[str, ...]) -> type | None:
    """Kept: to make one takes longer than to read most listings, and only a search finds it when dropped."""
    import msgspec

    names = {f"cell_{place}": column for place, column in enumerate(columns)}
    try:
        return msgspec.defstruct(
            "Row", [(name, str) for name in names], rename=names, forbid_unknown_fields=True, gc=False
        )
    except ValueError:  # a quotation mark in a column's name
        return None


def _places(columns: Iterable[str]) -> dict[str, int]:
    """Where each column stands, under its name and, where no other has it, the name in lower case."""
    places = {name: place for place, name in enumerate(columns)}
    for name, place in list(places.items()):
        places.setdefault(name.lower(), place)
    return places


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
    shown = json.dumps(value, default=repr)
    return shown if type(value) is int else _Odd(shown)


class _Walk:
    """Goes once through a JSON text that arrives in pieces, one value at a time."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._texts = _decoded(body)
        self._text = ""
        """What has arrived and is not passed yet begins at `_at`."""
        self._at = 0
        self._torn = 0
        """Up to here, several elements could not be decoded together."""
        self._json = json.JSONDecoder(strict=False)

    def blank(self) -> bool:
        """Whether there is nothing but white space."""
        while not self._text.strip():
            if not self._more():
                return True
        return False

    def end(self) -> None:
        """Raises BadAnswer where something follows the object: a listing and then a page about an error."""
        if self._next():
            raise _broken()

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

    def elements(self, take: Callable[[str], bool]) -> Iterator[list[Any]]:
        """The elements of the array that starts here, many at a time.

        What has arrived whole is first offered to `take`, as an array that it may decode by itself.
        """
        self._take("[")
        if self._next() == "]":
            self._take("]")
            return
        while True:
            end = self._whole()
            if end and take(f"[{self._text[self._at : end]}]"):
                self._at = end + 1
                continue
            if end and (several := self._several(end)):
                yield several
                continue
            yield [self.value()]
            if self._one_of(",]") == "]":
                return

    def _whole(self) -> int:
        """Where elements end that have arrived whole and a comma after them; 0 where that cannot be told.

        The last `},` may stand inside a text, or behind the array: no such part is an array by itself.
        """
        end = self._text.rfind("},", self._at) + 1
        return end if end > max(self._at, self._torn) else 0

    def _several(self, end: int) -> list[Any]:
        try:
            found: list[Any] = self._json.decode(f"[{self._text[self._at : end]}]")
        except (ValueError, RecursionError):
            self._torn = end
            return []
        self._at = end + 1
        return found

    def value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):  # its message and .doc would carry the whole listing
                end = -1
            if 0 <= end < len(self._text):
                break
            if not self._more():  # a number at the end of what has arrived may go on
                break
        if end < 0:
            raise _broken()
        self._at = end
        return value

    def _next(self) -> str:
        """The next character that is no white space, "" at the end."""
        while True:
            gap = _GAP.match(self._text, self._at)
            self._at = gap.end() if gap else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _one_of(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            raise _broken()
        self._at += 1
        return found

    def _take(self, character: str) -> None:
        self._one_of(character)

    def _more(self) -> bool:
        """Let more text arrive, at least as much as waits: no value is then decoded over and over."""
        parts = [self._text[self._at :]]
        missing = max(_BATCH, len(parts[0]))
        for text in self._texts:
            parts.append(text)
            missing -= len(text)
            if missing <= 0:
                break
        self._text, self._at, self._torn = "".join(parts), 0, 0
        return len(parts) > 1


def _decoded(body: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    for piece in body:
        for start in range(0, len(piece), _BATCH):
            yield decoder.decode(piece[start : start + _BATCH])
    yield decoder.decode(b"", final=True)


def _broken() -> BadAnswer:
    return BadAnswer("The server's listing is cut off or no listing at all.", _HINT)
