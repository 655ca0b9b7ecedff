"""A user's own table of what series are: `--bids-map FILE.csv`. It decides where it says something.

One row a rule, the first that fits decides: `scan` is a glob for the scan's type or series description,
`suffix` what the images are (`bold`, or `func/bold` where one suffix has several data types), `entities`
what their names hold (`task-forest_acq-hires`). An entity may have a column of its own. Without a header,
the columns are these three. A row with neither suffix nor entities leaves the series without a BIDS name.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NoReturn

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Item
from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.bids_series import Series, finished, stated_entities, what_it_is

COLUMNS = ("scan", "suffix", "entities")
_SPELLINGS = {
    **dict.fromkeys(("scan", "glob", "pattern", "series", "type", "scan_type", "description"), "scan"),
    **dict.fromkeys(("scan_description", "series_description"), "scan"),
    "suffix": "suffix",
    "datatype": "datatype",
    "data_type": "datatype",
    "entities": "entities",
}
_SEPARATORS = re.compile(r"[_\s,;]+")


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says of the series that one of the globs fits."""

    globs: tuple[str, ...]
    datatype: str = ""
    suffix: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    line: int = 0
    """Of the file, from 1."""

    def __str__(self) -> str:
        return f"line {self.line}, {' or '.join(self.globs)}"

    def fits(self, scan: Item) -> bool:
        """A text is matched as it is before it is a glob."""
        texts = (scan.fields.get("type", ""), scan.fields.get("series_description", ""))
        return any(
            text and (text == glob or fnmatchcase(text, glob)) for text in texts for glob in self.globs
        )


@dataclass(frozen=True, slots=True)
class SeriesMap:
    """The rows of a table, in its order; none where the user has no table."""

    rows: tuple[Row, ...] = ()

    def idle(self, scans: Sequence[Item]) -> list[tuple[Row, bool]]:
        """Rows that decide on none of these scans, and whether an earlier row is the reason."""
        deciding = {id(next((row for row in self.rows if row.fits(scan)), None)) for scan in scans}
        return [(row, any(row.fits(scan) for scan in scans)) for row in self.rows if id(row) not in deciding]

    def what_it_is(self, scan: Item) -> Series:
        """What the table says, and what the scan itself says where the table does not."""
        row = next((row for row in self.rows if row.fits(scan)), None)
        if row is None:
            return what_it_is(scan)
        if not row.suffix and not row.entities:
            return Series(reason="the table gives it no name")
        texts = [text for name in ("series_description", "type") if (text := scan.fields.get(name, ""))]
        stated: dict[str, str] = {}
        for text in texts:
            stated = stated_entities(text) | stated
        if row.suffix:
            return finished(row.datatype, row.suffix, stated | row.entities, texts)
        guessed = what_it_is(scan)
        sort = (guessed.datatype, guessed.suffix)
        if not guessed.datatype:
            return guessed
        return finished(*sort, guessed.entities | row.entities, texts)


def read_map(path: Path) -> SeriesMap:
    """Raises UsageError, with the file's line and column, for what is no such table."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name a CSV file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no UTF-8 text.", "Save it as CSV in UTF-8.") from None
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text.partition("\n")[0], ",;\t")
    except csv.Error:
        dialect = "excel"
    return _Table(path, text, dialect).read()


class _Table:
    def __init__(self, path: Path, text: str, dialect: type[csv.Dialect] | str) -> None:
        self.path = path
        self._reader = csv.reader(io.StringIO(text, newline=""), dialect)
        self._columns: list[str] = []

    def read(self) -> SeriesMap:
        rows: list[Row] = []
        try:
            for cells in self._reader:
                values = [cell.strip() for cell in cells]
                if not any(values) or values[0].startswith("#"):
                    continue
                if not self._columns:
                    self._columns = self._header(values)
                    if self._columns:
                        continue
                    self._columns = list(COLUMNS)
                rows.append(self._row(values))
        except csv.Error as error:
            self._refuse(1, f"this is no CSV: {error}")
        if not rows:
            raise UsageError(f"{self.path} has no row.", f"Its columns are {', '.join(COLUMNS)}.")
        return SeriesMap(tuple(rows))

    def _header(self, values: Sequence[str]) -> list[str]:
        """The columns' names in our spelling; [] for a row that is no header."""
        entities = bids_schema.long_names()
        names = [
            _SPELLINGS.get(word := value.casefold().replace(" ", "_"), entities.get(word, ""))
            for value in values
        ]
        if "scan" not in names or not {"suffix", "entities", *entities.values()} & set(names):
            return []
        for column, (name, value) in enumerate(zip(names, values, strict=True), 1):
            if not name:
                self._refuse(column, f"{value!r} is no column of this table")
            if name in names[: column - 1] and name != "scan":
                self._refuse(column, f"{value!r} is there twice")
        return names

    def _row(self, values: Sequence[str]) -> Row:
        if len(values) > len(self._columns):
            self._refuse(len(self._columns) + 1, "there are more cells than columns")
        cells: dict[str, tuple[int, str]] = {}
        globs: list[str] = []
        for column, (name, value) in enumerate(zip(self._columns, values, strict=False), 1):
            if name == "scan" and value:
                globs.append(value)
            elif value:
                cells[name] = (column, value)
        if not globs:
            self._refuse(self._columns.index("scan") + 1, "no scan type or description is given")
        datatype, suffix = self._sort(cells)
        entities = self._entities(cells)
        if suffix:
            rule = bids_schema.rules()[datatype, suffix]
            for name, (column, _) in entities.items():
                if name not in rule.allowed:
                    self._refuse(column, f"the name of a {datatype}/{suffix} has no {_short(name)}-")
        given = {name: value for name, (_, value) in entities.items()}
        return Row(tuple(globs), datatype, suffix, given, self._reader.line_num)

    def _sort(self, cells: dict[str, tuple[int, str]]) -> tuple[str, str]:
        column, text = cells.get("suffix", (0, ""))
        datatype, slash, suffix = text.rpartition("/")
        if "datatype" in cells:
            where, named = cells["datatype"]
            if named not in bids_schema.datatypes():
                self._refuse(where, f"{named!r} is no data type of images in BIDS")
            if not suffix or (slash and datatype != named):
                self._refuse(where, "a data type goes with the suffix beside it")
            datatype = named
        if not suffix:
            return "", ""
        sorts = bids_schema.datatypes_of(suffix)
        if not sorts:
            self._refuse(column, f"{suffix!r} is no suffix of images in BIDS")
        if datatype and datatype not in sorts:
            self._refuse(column, f"a {suffix} goes to {' or '.join(sorts)}, not to {datatype!r}")
        if not datatype and len(sorts) > 1:
            self._refuse(column, f"say which: {' or '.join(f'{one}/{suffix}' for one in sorts)}")
        return datatype or sorts[0], suffix

    def _entities(self, cells: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
        """Value and column by long name."""
        known = bids_schema.long_names()
        found: dict[str, tuple[int, str]] = {}
        for name, (column, text) in cells.items():
            if name in known.values():
                pairs = [(name, text.removeprefix(f"{_short(name)}-"))]
            elif name == "entities":
                pairs = [self._pair(column, part) for part in _SEPARATORS.split(text) if part]
            else:
                continue
            for entity, value in pairs:
                if entity in ("subject", "session"):
                    self._refuse(column, "subjects and sessions are named by their labels")
                if entity in found:
                    self._refuse(column, f"{_short(entity)}- is given twice")
                if not bids_schema.fits(entity, value):
                    self._refuse(column, f"{_short(entity)}- cannot be {value!r}")
                found[entity] = (column, value)
        return found

    def _pair(self, column: int, part: str) -> tuple[str, str]:
        name, sign, value = part.partition("-") if "-" in part else part.partition("=")
        entity = bids_schema.long_names().get(name, "")
        if not sign or not entity:
            self._refuse(column, f"{part!r} is no entity of BIDS; write them as task-rest_acq-hires")
        return entity, value

    def _refuse(self, column: int, why: str) -> NoReturn:
        raise UsageError(f"{self.path}, line {self._reader.line_num}, column {column}: {why}.")


def _short(entity: str) -> str:
    return bids_schema.short_names()[entity]
