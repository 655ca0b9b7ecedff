"""A table as CSV, as a Parquet file or as a workbook; each says who saw it."""

from __future__ import annotations

import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model import written
from xnat_tui.services import tables
from xnat_tui.services.asking.table import Table

LIBRARIES = {"parquet": "pyarrow", "xlsx": "openpyxl"}
_MOST_ROWS = 1_048_575
"""Below its headings, a sheet has room for no more."""
_LONGEST = 32_767
"""Characters that a cell of a sheet holds."""


def check_file(path: Path, format: str) -> None:
    """Raises UsageError where a file could not be written, before a server is asked for what goes into it.

    `format` is "csv", "parquet" or "xlsx".
    """
    library = LIBRARIES.get(format)
    if library is not None and find_spec(library) is None:
        raise UsageError(
            f"Writing {path.name} needs {library}.", f"Install it with: pip install 'xnat-tui[{format}]'"
        )
    if path.exists():
        raise UsageError(f"{path} exists already.", "Name another file, or remove it first.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder is not there.", "Name another file.")


def check_name(path: Path) -> None:
    """As `check_file`, by the ending of a name. Raises UsageError for one that says no format."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet", ".xlsx"):
        raise UsageError(f"{path.name} says no format.", "End it with .csv, .xlsx or .parquet.")
    check_file(path, ending[1:])


def write(table: Table[Any], path: Path) -> None:
    """A new file, as the ending of its name says; only this user can read it. Raises UsageError."""
    check_name(path)
    ending = path.suffix.lower()
    if ending == ".parquet":
        write_parquet(table, path)
    elif ending == ".xlsx":
        write_xlsx(table, path)
    else:
        tables.save(path, as_csv(table))


def as_csv(table: Table[Any], *, raw: bool = False) -> str:
    """Columns and rows as `tables.write` writes them; `!` is what a server does not answer."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.texts()]
    return tables.write(table.columns, rows, raw=raw)


def write_parquet(table: Table[Any], path: Path, *, readable: bool = False) -> None:
    """A new Parquet file: counts as integers, everything else as text, null what a server does not answer.
    The file's metadata `xnat-tui` holds `as`, `unreadable` and `requests` as JSON. Raises UsageError."""
    import pyarrow
    from pyarrow import parquet

    counts = {"files", "bytes"}
    schema = pyarrow.schema(
        [(name, pyarrow.int64() if name in counts else pyarrow.string()) for name in table.columns],
        metadata={"xnat-tui": json.dumps(table.about())},
    )
    columns = {
        name: [_storable(row[name]) for row in table.rows] for name in table.columns
    }  # half a surrogate pair is no text there
    target = io.BytesIO()
    parquet.write_table(pyarrow.table(columns, schema=schema), target)
    tables.save(path, target.getvalue(), readable=readable)


def write_xlsx(table: Table[Any], path: Path, *, readable: bool = False) -> None:
    """A new workbook: the rows, and a sheet `about` with who saw them and what could not be read. Cells are
    text as in CSV, so that none is a formula; counts are numbers. Raises UsageError."""
    from openpyxl import Workbook

    if len(table.rows) > _MOST_ROWS:
        raise UsageError(f"A sheet has no room for {len(table.rows)} rows.", "Narrow it, or use --parquet.")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append([written.cell(name) for name in table.columns])
    for row in table.rows:
        cells = [row[name] for name in table.columns]
        sheet.append([one if isinstance(one, int) else _sheet_text(one) for one in cells])
    about = book.create_sheet("about")
    about.append(["as seen by", _sheet_text(table.seen_by)])
    for one in table.unreadable:
        about.append([f"! {_sheet_text(str(one.location))}", _sheet_text(one.error)])
    target = io.BytesIO()
    book.save(target)
    tables.save(path, target.getvalue(), readable=readable)


def _storable(cell: str | int | None) -> str | int | None:
    return cell.encode("utf-8", "backslashreplace").decode() if isinstance(cell, str) else cell


def _sheet_text(text: str | None) -> str:
    told = "!" if text is None else written.cell(text)
    if len(told) > _LONGEST:
        raise UsageError(
            "A text is too long for a cell of a sheet.", "Leave that column out, or use --parquet."
        )
    return told
