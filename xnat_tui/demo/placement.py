"""Resources and files with the place they hang at: what resource paths and lists work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xnat_tui.demo.archive import (
    Assessor,
    Derived,
    Experiment,
    FileEntry,
    Item,
    Reconstruction,
    Resource,
    Scan,
    Subject,
)
from xnat_tui.demo.calls import Call
from xnat_tui.demo.rights import can_read
from xnat_tui.demo.site import Site, owner_of
from xnat_tui.demo.targets import holders_of


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource, the item that holds it, and its side (``in``, ``out`` or "")."""

    resource: Resource
    holder: Item
    side: str = ""


def own_list(holder: Item, side: str) -> list[Resource]:
    """The list that a path's resources live in; "" is what hangs at the item itself."""
    if isinstance(holder, Derived) and side:
        return holder.in_resources if side == "in" else holder.out_resources
    return holder.resources


def side_of(call: Call, holder: Item) -> str:
    return call.path.get("side", "out") if isinstance(holder, Derived) and _below(call) else ""


def placed(call: Call) -> list[Placed]:
    """The resources that a list or file path addresses, chosen by its ``resource`` variable."""
    whole_session = "experiment" in call.path and not _below(call)
    every = whole_session and call.flag("all")
    found: list[Placed] = []
    for holder in holders_of(call):
        if every and isinstance(holder, Experiment):
            found += everything(call, holder)
        elif isinstance(holder, Derived) and not _below(call):
            found += _of_experiment(call, holder)
        else:
            side = side_of(call, holder)
            found += [Placed(one, holder, side) for one in own_list(holder, side)]
    if "resource" not in call.path:
        return found
    return _select(call, found, whole_session)


def _of_experiment(call: Call, assessor: Derived) -> list[Placed]:
    """An assessor addressed as an experiment: its list has what comes ``out`` of it.

    What stands at the assessor itself is still found by its number, and by a label that nothing else has.
    """
    out = [Placed(one, assessor) for one in assessor.out_resources]
    if "resource" not in call.path:
        return out
    keys = call.path["resource"].split(",")
    taken = {one.resource.label for one in out}
    own = [Placed(one, assessor) for one in assessor.resources]
    return out + [one for one in own if str(one.resource.id) in keys or one.resource.label not in taken]


def everything(call: Call, session: Experiment, *, inwards: bool = False) -> Iterator[Placed]:
    """Every resource of a session at every level, as far as the caller may read.

    XNAT's ``all=true`` never has what goes into assessors and reconstructions.
    """
    for one in session.resources:
        yield Placed(one, session)
    for scan in session.scans.values():
        for one in scan.resources:
            yield Placed(one, scan)
    derived: list[Derived] = [*session.reconstructions.values(), *session.assessors.values()]
    for holder in derived:
        if not can_read(call.site, call.user, holder):
            continue
        sides = (("out", holder.out_resources), ("in", holder.in_resources), ("", holder.resources))
        for side, group in sides:
            if side == "in" and not inwards:
                continue
            for one in group:
                yield Placed(one, holder, side)


def described(site: Site, holder: Item, everywhere: bool = False) -> tuple[str, str, str]:
    """``category``, ``cat_id`` and ``cat_desc`` of a resource's row; ``everywhere`` is ``all=true``.

    Subjects and projects have no ID there; ``all=true`` names neither the session nor an assessor's kind.
    """
    if isinstance(holder, Scan):
        return "scans", holder.id, holder.fields.get("type", "")
    if isinstance(holder, Reconstruction):
        return "reconstructions", holder.id, holder.fields.get("type", "")
    if isinstance(holder, Assessor):
        known = site.types.get(holder.xsi_type)
        kind = known.singular if known is not None and known.singular else holder.xsi_type
        return "assessors", holder.id, "" if everywhere else kind
    if isinstance(holder, Experiment):
        return ("resources", "", "") if everywhere else ("resources", holder.id, " ")
    return "resources", "", " "


def prefix(call: Call, holder: Item, side: str) -> str:
    """The address of a holder as ``URI`` columns show it: IDs, in the shape of the asked path."""
    if isinstance(holder, Scan | Reconstruction) or (isinstance(holder, Assessor) and _nested(call)):
        kind = type(holder).__name__.lower()
        tail = f"/{side}" if side else ""
        return f"{prefix(call, holder.session, '')}/{kind}s/{holder.id}{tail}"
    if isinstance(holder, Experiment | Assessor):
        if "project" in call.path and "subject" in call.path and isinstance(holder, Experiment):
            owner = f"/data/projects/{call.path['project']}/subjects/{holder.subject.id}"
            return f"{owner}/experiments/{holder.id}"
        return f"/data/experiments/{holder.id}"
    if isinstance(holder, Subject):
        if "project" in call.path:
            return f"/data/projects/{call.path['project']}/subjects/{holder.id}"
        return f"/data/subjects/{holder.id}"
    return f"/data/projects/{owner_of(holder)}"


def address(call: Call, place: Placed, entry: FileEntry) -> str:
    """The address of a file as ``URI`` columns show it, not percent-encoded."""
    return f"{prefix(call, place.holder, place.side)}/resources/{place.resource.id}/files/{entry.path}"


def entries(call: Call, places: list[Placed]) -> list[tuple[Placed, FileEntry]]:
    """Catalogued files whose own format and content pass the ``file_format`` and ``file_content`` filters."""
    formats = _wanted(call, "file_format")
    contents = _wanted(call, "file_content")
    return [
        (place, entry)
        for place in places
        for entry in place.resource.files.values()
        if (not formats or entry.format in formats)
        and (not contents or (entry.content or "NULL") in contents)
    ]


def _wanted(call: Call, name: str) -> set[str]:
    return {part for value in call.repeated.get(name, []) for part in value.split(",")}


def _below(call: Call) -> bool:
    return any(name in call.path for name in ("scan", "assessor", "reconstruction"))


def _nested(call: Call) -> bool:
    return "assessor" in call.path or call.flag("all")


def _select(call: Call, found: list[Placed], whole_session: bool) -> list[Placed]:
    chosen: list[Placed] = []
    for key in call.path["resource"].split(","):
        matching = [one for one in found if one.resource.label == key]
        if not matching and key.isdigit():
            pool = found
            if whole_session:
                sessions = [one for one in holders_of(call) if isinstance(one, Experiment)]
                pool = found + [place for one in sessions for place in everything(call, one, inwards=True)]
            matching = [one for one in pool if one.resource.id == int(key)][:1]
        chosen += matching
    return chosen
