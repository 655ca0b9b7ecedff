"""CSV tables that people give with `--table`, or get: read strictly, so that no row is misread in silence."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import UsageError
from xnat_tui.model import written
from xnat_tui.paths import create_private

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column → text, stripped of blanks that were typed around it, leading zeros kept."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """The text of a column; "" where the table has no such column."""
        return self.cells.get(column, "")

    def error(self, column: str, message: str) -> UsageError:
        """What is wrong with one cell."""
        where = f"{self.file}, line {self.line}, column {column}"
        return UsageError(f"{where}: {message}", "Correct that cell; nothing was sent.")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table as it was read: columns as this program spells them, rows without the empty ones."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read(
    path: Path,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    accepts: Callable[[str], bool] = lambda _: False,
    key: Sequence[str] = (),
    raw: bool = False,
) -> CsvTable:
    """Read a table in UTF-8 (a byte-order mark is fine) with commas, semicolons or tabs between cells.

    What `write` did to a cell is undone: the `'` before a formula goes, `␊` and `<U+000A>` become the
    character that they stand for. `raw` takes every cell as it stands, blanks included.
    Columns may stand in any order and in any case; `accepts` allows further ones. Two rows that agree in
    all columns of `key` are an error. Raises UsageError naming file, line and column.
    """
    name = path.name
    records = _records(_text(path), name, required, raw)
    if not records:
        raise UsageError(f"{name} is empty.", f"Its first line names the columns: {', '.join(required)}.")
    columns = _columns(name, records[0][1], required, optional, accepts)
    rows = []
    for line, cells in records[1:]:
        if not any(cells):
            continue
        if len(cells) != len(columns):
            raise UsageError(
                f"{name}, line {line}: {len(cells)} cells where {len(columns)} columns are named.",
                'A cell that holds the separator needs quotes: "a, b".',
            )
        row = Row(name, line, dict(zip(columns, cells, strict=True)))
        for column in required:
            if not row[column]:
                raise row.error(column, "nothing stands there.")
        rows.append(row)
    _refuse_duplicates(rows, key)
    return CsvTable(columns, tuple(rows))


def write(columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, raw: bool = False) -> str:
    """A table as text that `read` reads again, blanks at the ends of a cell and all; a `raw` one as `raw`."""
    found = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return written.csv_lines(found if raw else ([_cell(one) for one in row] for row in found))


def _cell(text: str) -> str:
    return written.outer_blanks(written.cell(text))


def save(path: Path, content: str | bytes, *, readable: bool = False) -> None:
    """Write a new file, for this user only unless `readable`: such tables hold birth dates and labels.

    Raises UsageError where one exists or it cannot be written.
    """
    try:
        create_private(path, content, readable=readable)
    except FileExistsError:
        raise UsageError(f"{path} exists already.", "Name another file, or remove it first.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Look at its rights.") from None
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
    raise UsageError(f"{path.name}, line {line}: no text in UTF-8.", 'Save the table as "CSV UTF-8".')


def _records(text: str, name: str, required: Sequence[str], raw: bool) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=_delimiter(text, required),
        strict=True,
        skipinitialspace=not raw,
    )
    try:
        for cells in reader:
            found.append(
                (reader.line_num, cells if raw else [written.cell_text(cell.strip()) for cell in cells])
            )
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: {error}.", "Correct that line.") from None
    return found


def _delimiter(text: str, required: Sequence[str]) -> str:
    """The one by which the first line names most of the required columns, then most columns."""
    first = text.partition("\n")[0]

    def score(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
        return sum(column.lower() in cells for column in required), len(cells)

    return max(_DELIMITERS, key=score)


def _columns(
    name: str,
    header: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str],
    accepts: Callable[[str], bool],
) -> tuple[str, ...]:
    known = {column.lower(): column for column in (*required, *optional)}
    columns: list[str] = []
    for cell in header:
        column = known.get(cell.lower(), cell)
        if column.lower() not in known and not accepts(column):
            near = difflib.get_close_matches(cell.lower(), known, n=1)
            hint = f"Did you mean {known[near[0]]}?" if near else f"It can have: {', '.join(known.values())}."
            raise UsageError(f"{name}, line 1: a column {cell!r} is not known.", hint)
        if column in columns:
            raise UsageError(
                f"{name}, line 1: the column {column} stands there twice.", "Remove one of them."
            )
        columns.append(column)
    if missing := [column for column in required if column not in columns]:
        raise UsageError(
            f"{name}, line 1: the column {missing[0]} is missing.", f"Found: {', '.join(header)}."
        )
    return tuple(columns)


def _refuse_duplicates(rows: Sequence[Row], key: Sequence[str]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        values = tuple(row[column] for column in key)
        if key and values in seen:
            named = " / ".join(value for value in values if value)
            error = row.error(key[0], f"{named} stands in line {seen[values]} already.")
            raise UsageError(error.message, "Leave one of the two lines.")
        seen[values] = row.line
