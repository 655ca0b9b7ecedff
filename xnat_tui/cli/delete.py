"""`delete`: subjects, sessions, scans, assessors, reconstructions, resources and files, for good."""

from __future__ import annotations

import click

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state


@click.command(cls=Command)
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@click.option("--glob", "globs", is_flag=True, help="Let shell globs in LOC mean all that they match.")
@write_options
@pass_state
def delete(state: State, locations: tuple[str, ...], globs: bool, consent: Consent) -> int:
    """Delete what stands at LOC, with all that hangs on it. The project's ID has to be typed.

    Subjects, sessions, scans, assessors, reconstructions, resources, files. What a project only shares is
    taken out of it, and stays where it is owned. Whose owner cannot be proved is left alone. Nothing of this
    can be taken back.
    """
    with state.workspace() as workspace:
        places = list(workspace.find(*locations, globs=globs))
        if len({place.server for place in places}) > 1:
            raise click.UsageError("These are on several servers: do one after the other.")
        server = places[0].server
        service = workspace.deletion(server, told=lambda text: state.output.note(f"{text} (ctrl+c stops)"))
        plan = service.plan(places)
        return carry_out(
            state, plan.changes, service.do, consent, server=workspace.server(server), notes=plan.notes
        )
