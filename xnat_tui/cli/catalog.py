"""`catalog`: resource catalogs refreshed, and what else XNAT can do again to archived sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from xnat_tui.cli.changing import carry_out
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state

if TYPE_CHECKING:
    from xnat_tui.model.changes import Change
    from xnat_tui.model.place import Place
    from xnat_tui.services.administration.maintenance import Maintenance

_LOCATIONS = click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")


@click.group(cls=Group)
def catalog() -> None:
    """Keep an archive's catalogs in order. A project's sessions are done one after the other."""


@catalog.command()
@_LOCATIONS
@click.option("--append", is_flag=True, help="Add files on disk that are missing from the catalog.")
@click.option("--checksum", is_flag=True, help="Compute missing digests; the server reads those files.")
@click.option("--delete", is_flag=True, help="Drop entries whose file is gone. Never done unasked.")
@click.option("--populate-stats", is_flag=True, help="Count files and bytes anew.")
@write_options
@pass_state
def refresh(
    state: State,
    locations: tuple[str, ...],
    append: bool,
    checksum: bool,
    delete: bool,
    populate_stats: bool,
    consent: Consent,
) -> int:
    """Bring catalogs in line with the disk: with the options named, else append, checksum and stats."""
    from xnat_tui.xnat.documents.catalogs import DEFAULT_OPTIONS

    flags = {"append": append, "checksum": checksum, "delete": delete, "populateStats": populate_stats}
    options = [name for name, wanted in flags.items() if wanted] or list(DEFAULT_OPTIONS)
    return _refresh(state, locations, options, consent)


@catalog.command()
@_LOCATIONS
@write_options
@pass_state
def recount(state: State, locations: tuple[str, ...], consent: Consent) -> int:
    """Count files and bytes anew, and nothing else."""
    return _refresh(state, locations, ["populateStats"], consent)


@catalog.command("pull-headers")
@_LOCATIONS
@write_options
@pass_state
def pull_headers(state: State, locations: tuple[str, ...], consent: Consent) -> int:
    """Read the fields of sessions and scans from their DICOM headers again."""
    from xnat_tui.services.administration.maintenance import PULL

    return _run(state, locations, lambda service, places: service.plan_step(places, PULL), consent)


@catalog.command("fix-scan-types")
@_LOCATIONS
@write_options
@pass_state
def fix_scan_types(state: State, locations: tuple[str, ...], consent: Consent) -> int:
    """Set scan types as the project's other scans of the same description have them."""
    from xnat_tui.services.administration.maintenance import FIX

    return _run(state, locations, lambda service, places: service.plan_step(places, FIX), consent)


@catalog.command("clear-caches")
@click.argument("location", type=LOCATION, metavar="SERVER")
@write_options
@pass_state
def clear_caches(state: State, location: str, consent: Consent) -> int:
    """Make the server forget its caches; its administrators may."""
    return _run(
        state,
        (location,),
        lambda service, places: [one for place in places for one in service.plan_clear_caches(place)],
        consent,
    )


def _refresh(state: State, locations: tuple[str, ...], options: list[str], consent: Consent) -> int:
    from xnat_tui.xnat.documents.catalogs import OPTIONS

    for name in OPTIONS:
        state.output.note(f"[{'x' if name in options else ' '}] {name:<14} {OPTIONS[name]}")
    return _run(state, locations, lambda service, places: service.plan_refresh(places, options), consent)


def _run(
    state: State,
    locations: tuple[str, ...],
    plan: Callable[[Maintenance, list[Place]], list[Change]],
    consent: Consent,
) -> int:

    with state.workspace() as workspace:
        places = list(workspace.find(*locations))
        if len({place.server for place in places}) > 1:
            raise click.UsageError("These are on several servers: do one after the other.")
        service = workspace.catalogs(places[0].server)
        changes = plan(service, places)
        server = workspace.server(places[0].server)
        return carry_out(state, changes, service.do, consent, server=server, notes=service.skipped)
