"""`project`: what a project is called, who sees it, where its DICOM goes; and making one."""

from __future__ import annotations

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.errors import UsageError

_LOCATION = click.argument("location", type=LOCATION, metavar="LOC")


@click.group(cls=Group)
def project() -> None:
    """Show and set a project's title and settings, and make projects.

    NAME is name (the title), secondary_ID, description, keywords, pi_firstname, pi_lastname, accessibility
    (public, protected, private) or prearchive_code (0 manual, 4 archive, 5 overwrite).
    """


@project.command()
@_LOCATION
@pass_state
def show(state: State, location: str) -> None:
    """Print the settings of a project."""
    with state.workspace() as workspace:
        service = workspace.project_settings(location)
        values = service.values()
    if state.output.wants_json:
        report_rows(state, [], [{"ID": service.project, **values}])
    else:
        state.output.table(["field", "value"], list(values.items()), fold="value")


@project.command("set")
@_LOCATION
@click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE...")
@write_options
@pass_state
def set_(state: State, location: str, assignments: tuple[str, ...], consent: Consent) -> int:
    """Set fields of a project, each planned and read back by itself."""
    from xnat_tui.services.administration.demographics import checked_assignments
    from xnat_tui.services.administration.project_settings import checked

    values = checked(checked_assignments(assignments))
    with state.workspace() as workspace:
        service = workspace.project_settings(location)
        server = workspace.server(service.place.server)
        return carry_out(state, service.plan_set(values), service.do, consent, server=server)


@project.command()
@_LOCATION
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE...]")
@write_options
@pass_state
def create(state: State, location: str, assignments: tuple[str, ...], consent: Consent) -> int:
    """Make project LOC, private where nothing else is said."""
    from xnat_tui.model.entities import Kind
    from xnat_tui.services.administration.demographics import checked_assignments
    from xnat_tui.services.administration.project_settings import checked

    values = checked(checked_assignments(assignments))
    with state.workspace() as workspace:
        where = workspace.location(location)
        if where.kind is not Kind.PROJECT or where.has_glob:
            raise UsageError(f"{location} names no project.", "Write for example lab:NEW.")
        service = workspace.project_creation(where.server)
        changes = service.plan(where.name, values)
        server = workspace.server(where.server)
        return carry_out(state, changes, service.do, consent, server=server)
