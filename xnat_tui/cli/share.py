"""`share`: where items are shared, sharing them, ending that, and giving them away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.files import file_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError
from xnat_tui.model.display import counted

if TYPE_CHECKING:
    from xnat_tui.model.place import Place
    from xnat_tui.services.tables import CsvTable
    from xnat_tui.services.workspace import Workspace

_LOCATION = click.argument("location", type=LOCATION, metavar="LOC")
_INTO = click.option("--into", required=True, metavar="PROJECT", help="The other project's ID.")


_TABLE = click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Columns subject, source, destination, and perhaps session, label; LOC is then the server.",
)


@click.group(cls=Group)
def share() -> None:
    """Share subjects, sessions and assessors into other projects of the same server.

    No files are copied: the other project shows the same item.
    """


@share.command("list")
@_LOCATION
@click.option("--into", default="", metavar="PROJECT", help="Only what is shared into this project.")
@click.option("--label", default="", metavar="GLOB", help="Only shares that have such a label there.")
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write the shares to a new table that `share add` and `share remove` read.",
)
@file_options
@pass_state
def list_(
    state: State, location: str, into: str, label: str, table: Path | None, raw: bool, readable: bool
) -> None:
    """List the owner of each item at LOC, and the projects it is shared into.

    Of a project, those of its subjects and sessions that are shared.
    """
    from xnat_tui.services import tables
    from xnat_tui.services.administration.sharing.rows import shared_rows
    from xnat_tui.services.administration.sharing.share_tables import share_table

    with state.workspace() as workspace:
        places = list(workspace.find(location))
        service = workspace.sharing(places[0].server)
        rows = [row for place in places for row in shared_rows(service, place)]
    found = _meant(rows, into, label)
    if table is not None:
        text, count = share_table(found, raw=raw)
        tables.save(table, text, readable=readable)
        state.output.note(f"{counted(count, 'share')} written to {table}.")
    if table is None or state.output.wants_json:
        report_rows(state, ["location", "ID", "label", "role"], found)


def _meant(rows: Sequence[dict[str, str]], into: str, label: str) -> list[dict[str, str]]:
    """Asked for a project or a label, an owner's row tells nothing."""
    from xnat_tui.model.naming import meant

    if not into and not label:
        return list(rows)
    found = [row for row in rows if row["role"] == "shared" and into in ("", row["ID"])]
    return meant(label, found, lambda row: (row["label"],)) if label else found


@share.command()
@_LOCATION
@click.option("--into", default="", metavar="PROJECT", help="The other project's ID.")
@click.option("--label", default="", help="The label there; its own without this.")
@_TABLE
@write_options
@pass_state
def add(state: State, location: str, into: str, label: str, table: Path | None, consent: Consent) -> int:
    """Share the items at LOC, each after its subject; give a share another label.

    A label in a table is the session's where a session is named, else the subject's.
    """
    from xnat_tui.model.sharing import label_refusal
    from xnat_tui.services.administration.sharing.shares import Wish

    if (table is None) != bool(into) or (table is not None and label):
        raise click.UsageError("Give --into PROJECT with or without --label, or --table FILE.csv.")
    if label and (reason := label_refusal(label)):
        raise UsageError(reason)
    with state.workspace() as workspace:
        if table is not None:
            server, read = _read_table(workspace, location, table)
            service = workspace.sharing(server.server)
            changes, name = service.plan_table(server, read), server.server
        else:
            places = list(workspace.find(location))
            if label and len(places) > 1:
                raise click.UsageError(f"{location} names {len(places)} items: they cannot all be {label!r}.")
            name = places[0].server
            service = workspace.sharing(name)
            changes = service.plan_share(Wish(place, into, label) for place in places)
        return carry_out(state, changes, service.do, consent, server=workspace.server(name))


@share.command()
@_LOCATION
@click.option("--into", default="", metavar="PROJECT", help="The other project's ID.")
@_TABLE
@write_options
@pass_state
def remove(state: State, location: str, into: str, table: Path | None, consent: Consent) -> int:
    """Take the items at LOC out of a project that does not own them. Nothing is ever deleted by this.

    Of a table the labels do not matter.
    """

    if (table is None) != bool(into):
        raise click.UsageError("Give --into PROJECT, or --table FILE.csv.")
    with state.workspace() as workspace:
        if table is not None:
            server, read = _read_table(workspace, location, table)
            service = workspace.sharing(server.server)
            changes, name = service.plan_unshare_table(server, read), server.server
        else:
            places = list(workspace.find(location))
            name = places[0].server
            service = workspace.sharing(name)
            changes = service.plan_unshare(places, into)
        return carry_out(state, changes, service.do, consent, server=workspace.server(name))


def _read_table(workspace: Workspace, location: str, table: Path) -> tuple[Place, CsvTable]:
    from xnat_tui.services import tables
    from xnat_tui.services.administration.sharing.shares import TABLE_OPTIONAL, TABLE_REQUIRED

    key = ("subject", "source", "destination", "session")
    read = tables.read(table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=key)
    server = workspace.find_one(location)
    if server.items:
        raise click.UsageError(f"With --table, LOC is the server: {server.server}:")
    return server, read


@share.command()
@_LOCATION
@_INTO
@write_options
@pass_state
def transfer(state: State, location: str, into: str, consent: Consent) -> int:
    """Give a subject with its sessions, or a session, away to another project, with all files.

    The old project keeps nothing; its ID has to be typed, or given with --confirm.
    """

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.sharing(place.server)
        changes = service.plan_transfer(place, into)
        return carry_out(state, changes, service.do, consent, server=workspace.server(place.server))
