"""`resources`: resources and their files at every level: listed, made empty, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xnat_tui.cli.changing import carry_out, report_rows
from xnat_tui.cli.confirm import Consent, write_options
from xnat_tui.cli.help import Group
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.entities import Kind

if TYPE_CHECKING:
    from xnat_tui.model.place import Place

_RESOURCE_COLUMNS = ("label", "file_count", "file_size", "format", "content")
_FILE_COLUMNS = ("Name", "Size", "digest")
_LOCATIONS = click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")


@click.group(cls=Group)
def resources() -> None:
    """List, make and delete resources and files of projects, subjects, sessions, scans and the like.

    Files go into a resource with: xnat-tui upload PATH... LOC/resources/LABEL
    """


@resources.command("list")
@click.argument("location", type=LOCATION, metavar="LOC")
@pass_state
def list_(state: State, location: str) -> None:
    """List the resources of the items at LOC, or the files of the resources at LOC."""
    with state.workspace() as workspace:
        places = list(workspace.find(location))
        reader = workspace.reader(places[0].server)
        found: list[Place] = []
        for place in places:
            kind = Kind.FILE if place.kind is Kind.RESOURCE else Kind.RESOURCE
            listing = reader.below(place, kind)
            if listing.error is not None:
                raise listing.error
            found += [place.child(item) for item in listing.items]
    rows = [_row(place) for place in found]
    files = places[0].kind is Kind.RESOURCE
    columns = _FILE_COLUMNS if files else _RESOURCE_COLUMNS
    more = ("location",) if len(places) > 1 else ()
    report_rows(state, [*more, *columns], rows, right=("file_count", "file_size", "Size"))
    if not rows:
        state.output.note("No files." if files else "No resources.")


@resources.command()
@click.argument("location", type=LOCATION, metavar="LOC/resources/LABEL")
@click.option("--format", "format_", default="", metavar="WORD", help="What kind of files: DICOM, NIFTI ...")
@click.option("--content", default="", metavar="WORD", help="What the files hold: RAW, T1_MASK ...")
@write_options
@pass_state
def create(state: State, location: str, format_: str, content: str, consent: Consent) -> int:
    """Make a new, empty resource. An upload makes a missing one by itself."""
    from xnat_tui.xnat.documents.writing import Attributes

    with state.workspace() as workspace:
        named = workspace.location(location)
        if named.kind is not Kind.RESOURCE or named.has_glob:
            raise click.UsageError("Name one new resource: LOC/resources/LABEL.")
        owner = workspace.find_one(named.parent)
        service = workspace.resources(owner)
        change = service.plan_create(named.name, Attributes(format_, content), named.steps[-1].side)
        return carry_out(state, [change], service.do, consent, server=workspace.server(owner.server))


@resources.command()
@_LOCATIONS
@click.option("--glob", "globs", is_flag=True, help="Let shell globs in LOC mean all that they match.")
@write_options
@pass_state
def delete(state: State, locations: tuple[str, ...], globs: bool, consent: Consent) -> int:
    """Delete resources with all of their files, or single files. The project's ID has to be typed.

    LOC names them exactly, unless --glob is given: .../resources/LABEL/files/FOLDER/* are a folder's files.
    """
    from xnat_tui.services.administration.resources import plan_deletions

    with state.workspace() as workspace:
        places = list(workspace.find(*locations, globs=globs))
        if len({place.server for place in places}) > 1:
            raise click.UsageError("These are on several servers: do one after the other.")
        changes, do = plan_deletions(workspace.reader(places[0].server), places)
        return carry_out(state, changes, do, consent, server=workspace.server(places[0].server))


def _row(place: Place) -> dict[str, str]:
    """Under the names of the server's listings; "" where it does not tell."""
    item = place.item
    assert item is not None, "rows are of items"
    size = "" if item.bytes is None else str(item.bytes)
    if place.kind is Kind.FILE:
        row = {"Name": item.key, "Size": size, "digest": item.digest or ""}
    else:
        row = {
            "label": item.key,
            "xnat_abstractresource_id": item.id,
            "file_count": "" if item.files is None else str(item.files),
            "file_size": size,
            "format": item.type,
            "content": item.fields.get("content", ""),
        }
    return {"location": str(place.location), **row}
