"""`show`: a tree on stdout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from xnat_tui.cli.exit_codes import ExitCode
from xnat_tui.cli.filters import filter_options
from xnat_tui.cli.help import Command
from xnat_tui.cli.locations import LOCATION
from xnat_tui.cli.state import State, pass_state
from xnat_tui.model.display import counted, short_size
from xnat_tui.model.entities import Item, Kind, type_word
from xnat_tui.model.filters import Filters, Tally
from xnat_tui.model.location import Location

if TYPE_CHECKING:
    from xnat_tui.services.browsing.census import Census
    from xnat_tui.services.browsing.show import Branch

_DEPTHS = ("projects", "subjects", "sessions", "scans", "resources", "files")


@click.command(cls=Command)
@click.argument("locations", nargs=-1, required=True, type=LOCATION, metavar="LOC...")
@click.option("--depth", type=click.Choice(_DEPTHS), help="How far down; by default a level or two.")
@filter_options
@pass_state
def show(state: State, locations: tuple[str, ...], depth: str | None, filters: Filters) -> int:
    """Print what stands at and below LOC, with counts and sizes as the server recorded them."""
    from xnat_tui.services.browsing.matching import check_matched
    from xnat_tui.services.browsing.naming import settled
    from xnat_tui.services.browsing.show import Branch, default_depth, depth_for, kinds_of, walk

    branches: list[Branch] = []
    with state.workspace() as workspace:
        wanted = [workspace.location(text) for text in locations]
        found: list[Branch] = []
        for place in workspace.find(
            *wanted, on_unreadable=lambda place, error: found.append(Branch(place, error=error))
        ):
            found.append(Branch(place))
        for one in found:
            if one.error is None:
                kinds = kinds_of(depth_for(depth or default_depth(one.place.kind), filters))
                filters = settled(filters, workspace.reader(one.place.server), [one.place], kinds=kinds)
        tally = Tally(filters)
        for one in found:
            place, down_to = one.place, depth_for(depth or default_depth(one.place.kind), filters)
            reader = workspace.reader(place.server)
            branches.append(one if one.error is not None else walk(reader, place, down_to, filters, tally))
    failed = [below for branch in branches for below in branch.walk() if below.error]
    if not failed:
        check_matched(tally, [branch.place for branch in branches], called=wanted)
    for branch in branches:
        branch.cut(depth or default_depth(branch.place.kind))
    root = _common(wanted, branches)
    if state.output.wants_json:
        items = [entry for branch in branches for entry in _entries(branch, root)]
        state.output.document({"location": str(root), "items": items})
    else:
        for branch in branches:
            for below in branch.walk():
                state.output.line(_line(below, len(branch.place.items)))
    for below in failed:
        assert below.error is not None
        hint = f" hint: {below.error.hint}" if below.error.hint else ""
        state.output.warning(f"! {below.place.location}: {below.error.message}{hint}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _common(wanted: list[Location], branches: list[Branch]) -> Location:
    """What paths are relative to: the one place that was named, or what several have in common."""
    from xnat_tui.services.browsing.find import names_exactly

    if len(wanted) == 1 and names_exactly(wanted[0], branches[0].place):
        return branches[0].place.location
    common = branches[0].place.location.parent
    for branch in branches:
        while not branch.place.location.starts_with(common):
            common = common.parent
    return common


def _entries(branch: Branch, root: Location) -> Iterable[dict[str, Any]]:
    from xnat_tui.model.location import relative_path

    for below in branch.walk():
        item = below.place.item
        if item is None:
            continue
        location = below.place.location
        entry = {
            "path": relative_path(location.steps[len(root.steps) :]),
            "kind": str(item.kind),
            "id": item.id,
            "label": item.key,
            "type": item.type,
            "files": below.files,
            "bytes": below.bytes,
            "shared_from": item.shared_from,
        }
        if item.kind is Kind.FILE:
            entry["digest"] = item.digest
        if below.census is not None:
            entry |= {"subjects": below.census.subjects, "experiments": below.census.experiments}
        if below.error is not None:
            entry["error"] = below.error.message
        yield entry


def _line(branch: Branch, above: int) -> str:
    item = branch.place.item
    if item is None:
        return f"{branch.place.server}:"
    depth = len(branch.place.items) - above
    counts = [
        *_owned(branch.census),
        "" if branch.files is None or item.kind is Kind.FILE else counted(branch.files, "file"),
        short_size(branch.bytes) if branch.bytes is not None else "",
    ]
    marks = [_name(item), *_about(item), *counts, "! not everything could be read" if branch.error else ""]
    return "  " * depth + "  ".join(mark for mark in marks if mark)


def _owned(census: Census | None) -> list[str]:
    """What a project owns; nothing is said where the server does not tell."""
    if census is None:
        return []
    told = (("subject", census.subjects), ("experiment", census.experiments))
    return [counted(number, noun) for noun, number in told if number is not None]


def _name(item: Item) -> str:
    side = f"{item.side}/" if item.side else ""
    return f"{side}{item.key}" if item.key else f"{side}(no label, {item.id})"


def _about(item: Item) -> list[str]:
    """What tells items of a kind apart: the type of a session, the series of a scan, the owner of a share."""
    about = []
    if item.kind in (Kind.EXPERIMENT, Kind.ASSESSOR):
        about = [type_word(item.type), item.fields.get("date", "")]
    elif item.kind is Kind.SCAN:
        about = [item.fields.get("type", "")]
    elif item.kind is Kind.PROJECT:
        about = [item.fields.get("name", "")]
    elif item.kind is Kind.RESOURCE:
        about = [item.type if item.type != item.key else ""]
    if item.shared_from is not None:
        about.append(f"shared in from {item.shared_from or 'another project'}")
    return about
