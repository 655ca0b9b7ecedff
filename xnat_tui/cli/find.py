"""`find`: where something stands on a site, whatever project it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.location import relative_path

if TYPE_CHECKING:
    from xnat_tui.services.browsing.site_search import Found

_COLUMNS = ("project", "kind", "label", "id", "type", "date", "because", "value", "shared_into", "path")


@click.command(cls=Command)
@click.argument("server", type=LOCATION, metavar="SERVER")
@click.argument("text", metavar="TEXT")
@pass_state
def find(state: State, server: str, text: str) -> int:
    """Find projects, subjects and sessions by label, ID, DICOM patient ID or study UID, in every project that
    you see.

    Three questions to the server, however large it is. What is called exactly so comes first.
    """
    from xnat_tui.services.browsing.site_search import WHERE_LOOKED, search

    if not text.strip():
        raise UsageError("There is nothing to look for.", "Give a label, an ID or a part of one.")
    with state.workspace() as workspace:
        where = workspace.location(server)
        if where.steps:
            raise UsageError(f"{where} is no server: all of its projects are searched.", "Name it as NAME:")
        reader = workspace.reader(where.server)
        before = reader.connection.requests
        answer = search(reader, text.strip())
        requests, user = reader.connection.requests - before, reader.connection.user
    rows = [_row(one) for one in answer.found]
    unreadable = [{"path": what, "error": error.message} for what, error in answer.unreadable]
    if state.output.wants_json:
        state.output.document(
            {
                "columns": list(_COLUMNS),
                "rows": rows,
                "unreadable": unreadable,
                "as": user,
                "requests": {where.server: requests},
            }
        )
    elif rows:
        cells = [
            [str(one.address), row["kind"], row["id"], row["date"], _why(one)]
            for one, row in zip(answer.found, rows, strict=True)
        ]
        headers = ["LOCATION", "KIND", "ID", "DATE", "FOUND BY"]
        state.output.table(headers, cells, fold="FOUND BY")
    for one in unreadable:
        state.output.warning(f"! {one['path']} of {where.server}: {one['error']}")
    state.output.note(f"As seen by {user}. Looked at {WHERE_LOOKED}.")
    if unreadable:
        return ExitCode.FAILED
    if not rows and not state.output.wants_json:
        raise NotFound(f"{where.server} has nothing that is called {text!r}.", f"As seen by {user}.")
    return ExitCode.DONE if rows else ExitCode.NOT_FOUND


def _row(one: Found) -> dict[str, Any]:
    return {
        "project": one.project,
        "kind": str(one.kind),
        "label": one.label,
        "id": one.id,
        "type": one.type,
        "date": one.date,
        "because": one.because,
        "value": one.value,
        "shared_into": ",".join(one.shared_into),
        "path": relative_path(one.address.steps),
    }


def _why(one: Found) -> str:
    shared = f"; shared into {', '.join(one.shared_into)}" if one.shared_into else ""
    return f"{one.because} {one.value}{shared}"
