"""`table`: one row for each item, with the columns that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.files import file_options
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted
from xnat_tui.model.filters import Filters

if TYPE_CHECKING:
    from xnat_tui.model.place import Place
    from xnat_tui.services.asking.table import Table, Unread

_TABLES = ("subjects", "sessions", "scans", "assessors", "resources", "files")
_IN_LOCATION = frozenset(
    ("server", "project", "subject", "session", "scan", "assessor", "resource", "label", "kind", "path")
)
"""Of the usual columns those that a row's address tells already."""
_FIGURES = ("files", "bytes")
_FILE = click.Path(dir_okay=False, path_type=Path)


def _names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """`A,B`, or the option several times."""
    return tuple(name.strip() for text in values for name in text.split(",") if name.strip())


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(_TABLES))
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@click.option(
    "--columns", multiple=True, callback=_names, metavar="A,B", help="These columns, in this order."
)
@click.option("--list-columns", is_flag=True, help="Print which columns these places have.")
@click.option("--sort", multiple=True, callback=_names, metavar="A,-B", help="By A, then by B downwards.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@click.option("--parquet", type=_FILE, metavar="FILE", help="Write a new Parquet file.")
@click.option("--xlsx", type=_FILE, metavar="FILE", help="Write a new workbook.")
@file_options
@filter_options
@pass_state
def table(
    state: State,
    kind: str,
    locations: tuple[str, ...],
    columns: tuple[str, ...],
    list_columns: bool,
    sort: tuple[str, ...],
    as_csv: bool,
    parquet: Path | None,
    xlsx: Path | None,
    raw: bool,
    readable: bool,
    filters: Filters,
) -> int:
    """Print one row for each item at and below LOC, from the server's bulk listings.

    Columns are called as XNAT calls its fields; `subject.gender` is a field of what stands above. What the
    server does not answer is `!`, never empty.
    """
    from xnat_tui.services.asking import writing

    files = {"parquet": parquet, "xlsx": xlsx}
    _check(state, as_csv=as_csv or raw, readable=readable, to_file=any(files.values()))
    for format, path in files.items():
        if path is not None:
            writing.check_file(path, format)
    with state.workspace() as workspace:
        found = workspace.table(kind, *locations, filters=filters)
    if list_columns:
        _say_columns(state, found)
        return ExitCode.FAILED if found.unread else ExitCode.DONE
    found = found.chosen(columns).sorted(sort)
    if state.output.wants_json:
        state.output.document(found.document())
    elif as_csv or raw:
        state.output.raw(writing.as_csv(found, raw=raw))
    elif parquet is None and xlsx is None:
        _print(state, found, columns)
    for write, path in ((writing.write_parquet, parquet), (writing.write_xlsx, xlsx)):
        if path is not None:
            write(found, path, readable=readable)
            state.output.note(f"{counted(len(found), 'row')} in {path}.")
    _say_unread(state, found.unreadable)
    state.output.note(f"{counted(len(found), kind.removesuffix('s'))}, as seen by {found.seen_by}.")
    return ExitCode.FAILED if found.unreadable else ExitCode.DONE


def _check(state: State, *, as_csv: bool, readable: bool, to_file: bool) -> None:
    if as_csv and state.output.wants_json:
        raise UsageError("--csv and --json are two forms of one table.", "Use one of them.")
    if readable and not to_file:
        raise UsageError("--readable is about a file that is written.", "Add --parquet or --xlsx.")


def _say_columns(state: State, found: Table[Place]) -> None:
    if state.output.wants_json:
        state.output.document({"columns": list(found.known), "rows": [], **found.of([]).about()})
    else:
        for name in found.known:
            state.output.line(name)
    _say_unread(state, found.unread)
    state.output.note(f"As seen by {found.seen_by}.")


def _say_unread(state: State, unread: Iterable[Unread]) -> None:
    for one in unread:
        state.output.warning(f"! {one.location}: {one.error}")


def _print(state: State, found: Table[Place], columns: Sequence[str]) -> None:
    """Each row begins with its address, as other verbs take it."""
    shown = columns or [name for name in found.columns if name not in _IN_LOCATION]
    cells = zip(found.entries, found.texts(shown), strict=True)
    rows = [[str(place.location), *texts] for place, texts in cells]
    state.output.table(["LOCATION", *shown], rows, right=[name for name in shown if name in _FIGURES])
