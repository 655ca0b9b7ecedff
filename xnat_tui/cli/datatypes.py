"""`datatypes`: which data types a source uses and a destination lacks."""

from __future__ import annotations

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.filters import Filters


@click.command(cls=Command)
@click.argument("source", type=LOCATION)
@click.argument("destination", type=LOCATION)
@filter_options
@pass_state
def datatypes(state: State, source: str, destination: str, filters: Filters) -> int:
    """List the data types that SOURCE uses and whether DESTINATION has them; exit 1 where it lacks one."""
    from xnat_tui.services.comparing.datatypes import Availability
    from xnat_tui.services.comparing.datatypes import datatypes as ask

    with state.workspace() as workspace:
        place = workspace.find_one(source)
        there = workspace.connection(workspace.location(destination).server)
        found = ask(workspace.reader(place.server), place, there, filters)
        user = there.user
    if state.output.wants_json:
        items = [
            {"type": row.type, "kind": row.kind, "count": row.count, "status": str(row.status)}
            for row in found.used
        ]
        failed = [{"path": path, "error": error.message, "hint": error.hint} for path, error in found.unread]
        state.output.document({"items": items, "failed": failed})
    else:
        rows = [(row.type or "(none)", row.kind, str(row.count), str(row.status)) for row in found.used]
        state.output.table(("type", "kind", "count", "status"), rows, right=("count",))
    for path, error in found.unread:
        hint = f" hint: {error.hint}" if error.hint else ""
        state.output.warning(f"! {path}: {error.message}{hint}")
    if any(row.status is Availability.NOT_SET_UP for row in found.used):
        state.output.note('"not set up": the schema is there; an administrator has to set the type up.')
    state.output.note(f"As seen by {user} on the destination.")
    if found.missing:
        return ExitCode.DIFFERENCES
    return ExitCode.DONE if found.certain else ExitCode.FAILED
