"""`users`: who has access to a project."""

from __future__ import annotations

from dataclasses import asdict

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

_LOCATION = click.argument("location", type=LOCATION, metavar="LOC")
_LOGINS = click.argument("logins", nargs=-1, required=True, metavar="LOGIN...")


@click.group(cls=Group)
def users() -> None:
    """Show and set who has access to project LOC."""


@users.command("list")
@_LOCATION
@pass_state
def list_(state: State, location: str) -> None:
    """List the users of a project, their roles, and how open it is."""

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.users(place)
        members, accessibility = service.members(), service.accessibility()
    rows = []
    for member in members:
        row = asdict(member)
        rows.append({"GROUP_ID": row.pop("group"), "displayname": row.pop("title"), **row})
    report_rows(state, ["login", "displayname", "firstname", "lastname", "email"], rows)
    state.output.note(f"{place.location} is {accessibility}.")


@users.command()
@_LOCATION
@_LOGINS
@click.option(
    "--role",
    type=click.Choice(["owner", "member", "collaborator"]),
    default="collaborator",
    show_default=True,
    help="Owners may delete, members edit, collaborators read.",
)
@write_options
@pass_state
def add(state: State, location: str, logins: tuple[str, ...], role: str, consent: Consent) -> int:
    """Give users of the site a role; a user who has another one changes it. Nobody is ever invited."""
    from xnat_tui.model.sharing import Role

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.users(place)
        changes = service.plan_add(logins, Role(role))
        return carry_out(state, changes, service.do, consent, server=workspace.server(place.server))


@users.command()
@_LOCATION
@_LOGINS
@click.option(
    "--role", type=click.Choice(["owner", "member", "collaborator"]), help="Only this role; all without it."
)
@write_options
@pass_state
def remove(state: State, location: str, logins: tuple[str, ...], role: str | None, consent: Consent) -> int:
    """Take users their role. The last owner stays."""
    from xnat_tui.model.sharing import Role

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.users(place)
        changes = service.plan_remove(logins, Role(role) if role else None)
        return carry_out(state, changes, service.do, consent, server=workspace.server(place.server))


@users.command()
@_LOCATION
@click.argument("word", required=False, metavar="[public|protected|private]")
@write_options
@pass_state
def accessibility(state: State, location: str, word: str | None, consent: Consent) -> int:
    """Show or set who sees a project at all."""

    with state.workspace() as workspace:
        place = workspace.find_one(location)
        service = workspace.users(place)
        if word is None:
            row = {"ID": service.project.id, "accessibility": service.accessibility()}
            report_rows(state, ["ID", "accessibility"], [row])
            return 0
        changes = service.plan_accessibility(word)
        return carry_out(state, changes, service.do, consent, server=workspace.server(place.server))
