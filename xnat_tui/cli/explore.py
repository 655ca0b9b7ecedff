"""Opening the explorer, which is what happens when no verb is given."""

from __future__ import annotations

import click

from xnat_tui.cli.explorer import open_explorer
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

DEMO_WANTED = 75
"""The explorer's exit code for a user who chose the demo, where no server is saved yet."""


@click.command(cls=Command)
@click.argument("source", type=LOCATION, required=False)
@click.argument("destination", type=LOCATION, required=False)
@click.option("--ascii", is_flag=True, help="Draw with plain characters.")
@pass_state
def explore(state: State, source: str | None, destination: str | None, ascii: bool) -> int:
    """Open the explorer on these locations, or on the two that it showed last."""
    from xnat_tui.services.last_places import last_places

    state.ascii = state.ascii or ascii
    if source is None and destination is None:
        source, destination = last_places(state.settings)
    code = open_explorer(state, source, destination)
    if code != DEMO_WANTED:
        return code
    from xnat_tui.cli.demo import demo

    return int(click.get_current_context().invoke(demo))
