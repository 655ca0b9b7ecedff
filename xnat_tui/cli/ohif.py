"""`ohif`: the viewer's metadata."""

from __future__ import annotations

import click

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError


@click.group(cls=Group)
def ohif() -> None:
    """Maintain what the OHIF viewer knows of sessions."""


@ohif.command()
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@write_options
@pass_state
def rebuild(state: State, locations: tuple[str, ...], consent: Consent) -> int:
    """Rebuild the viewer's metadata of sessions, or of all sessions of a subject or project."""

    with state.workspace() as workspace:
        places = list(workspace.find(*[workspace.location(text) for text in locations]))
        servers = {place.server for place in places}
        if len(servers) != 1:
            raise UsageError("Name locations of one server at a time.")
        (name,) = servers
        panel = workspace.viewer(name)
        return carry_out(
            state,
            panel.plan_rebuild(places),
            panel.do,
            consent,
            server=workspace.server(name),
            notes=("The viewer reads every file of a session: this takes up to minutes for each.",),
        )
