"""`table`: one row for each subject, session, scan, assessor, resource or file."""

from __future__ import annotations

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.display import counted
from xnat_tui.model.filters import Filters

_KINDS = ("subjects", "sessions", "scans", "assessors", "resources", "files")
_FIGURES = frozenset({"files", "bytes"})


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@click.option("--columns", metavar="A,B", help="Only these, and what says which item it is.")
@click.option("--list-columns", is_flag=True, help="Tell the columns that there are, and no row.")
@click.option("--sort", metavar="A,-B", help="By these columns; with - from the largest.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@click.option("--raw", is_flag=True, help="CSV cells as they are, for programs.")
@filter_options
@pass_state
def table(
    state: State,
    kind: str,
    locations: tuple[str, ...],
    columns: str | None,
    list_columns: bool,
    sort: str | None,
    as_csv: bool,
    raw: bool,
    filters: Filters,
) -> int:
    """Print one row for each item of a kind at and below LOC, with its fields under XNAT's names.

    `!` is what the server does not answer, an empty cell what is empty there.
    """
    with state.workspace() as workspace:
        found = workspace.table(kind, *locations, filters=filters)
    found = found.chosen(_names(columns)).sorted(_names(sort))
    for one in found.unreadable:
        state.output.warning(f"! {one.path}: {one.error}")
    if list_columns:
        if state.output.wants_json:
            state.output.document({"columns": list(found.known), "as": found.seen_by})
        else:
            for name in found.known:
                state.output.line(name)
    elif state.output.wants_json:
        state.output.document(found.document())
    elif as_csv or raw:
        state.output.raw(found.csv(raw=raw))
    else:
        state.output.table(list(found.columns), found.texts(), right=_FIGURES)
    state.output.note(f"{counted(len(found.rows), kind.removesuffix('s'))}, as seen by {found.seen_by}.")
    return ExitCode.FAILED if found.unreadable else ExitCode.DONE


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
