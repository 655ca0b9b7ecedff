"""`anon`: the script by which a site or a project rewrites the DICOM that it receives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.display import counted

if TYPE_CHECKING:
    from xnat_tui.model.changes import Change
    from xnat_tui.services.administration.anonymisation import Anonymisation

_LOCATION = click.argument("location", type=LOCATION, metavar="LOC")


@click.group(cls=Group)
def anon() -> None:
    """Show and set the anonymisation script of a site (LOC is a server) or of a project.

    The site's rewrites DICOM when it is received, the project's when it is archived. What is replaced is kept
    in the history, and `history undo` puts it back.
    """


@anon.command()
@_LOCATION
@pass_state
def show(state: State, location: str) -> None:
    """Print the script, and say whether it is in force."""
    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.anonymisation(place)
        found = service.script()
    if state.output.wants_json:
        row = {
            "location": str(place.location),
            "project": service.project,
            "enabled": found.enabled,
            "script": found.text,
        }
        state.output.document({"items": [row], "changed": [], "failed": []})
    elif found.text:
        state.output.raw(f"{found.text}\n")
    force = "in force" if found.enabled else "not in force"
    length = counted(len(found.text.splitlines()), "line") if found.text else "no text is shown"
    state.output.note(f"The script of {place.location} is {force}: {length}.")


@anon.command("set")
@_LOCATION
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE")
@write_options
@pass_state
def set_(state: State, location: str, file: str, consent: Consent) -> int:
    """Put the script in FILE (- is standard input) in force, in place of the one that is there."""
    from xnat_tui.services.administration.anonymisation import decoded, script_in

    text = decoded(sys.stdin.buffer.read()) if file == "-" else script_in(Path(file))
    return _change(state, location, consent, lambda service: service.plan_set(text))


@anon.command()
@_LOCATION
@write_options
@pass_state
def enable(state: State, location: str, consent: Consent) -> int:
    """Put the script that is there in force."""
    return _change(state, location, consent, lambda service: service.plan_enabled(True))


@anon.command()
@_LOCATION
@write_options
@pass_state
def disable(state: State, location: str, consent: Consent) -> int:
    """Switch the script off: DICOM is then stored as it was sent."""
    return _change(state, location, consent, lambda service: service.plan_enabled(False))


def _change(
    state: State, location: str, consent: Consent, plan: Callable[[Anonymisation], Sequence[Change]]
) -> int:
    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.anonymisation(place)
        server = workspace.server(place.server)
        return carry_out(state, plan(service), service.do, consent, server=server)
