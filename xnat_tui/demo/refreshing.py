"""Refreshing catalogs: what each option does, and which resources an address covers."""

from __future__ import annotations

from collections.abc import Collection

from xnat_tui.demo.addresses import located
from xnat_tui.demo.archive import Derived, Experiment, Resource
from xnat_tui.demo.calls import Call
from xnat_tui.demo.placement import everything, placed
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.rights import can_edit, edits_project
from xnat_tui.demo.site import Site
from xnat_tui.demo.targets import holders_of
from xnat_tui.demo.traces import record

APPEND, DELETE, CHECKSUM, POPULATE = "append", "delete", "checksum", "populateStats"
OPTIONS = (APPEND, DELETE, CHECKSUM, POPULATE)


def chosen_options(site: Site, named: Collection[str]) -> set[str]:
    """The options in effect: none named means all, checksums only if the site keeps them.

    So ``delete`` is on unless something else is named.
    """
    known = {option for option in OPTIONS if option.lower() in {name.lower() for name in named}}
    if known:
        return known
    return set(OPTIONS) if site.settings.checksums else set(OPTIONS) - {CHECKSUM}


def refresh(call: Call, address: str, options: Collection[str]) -> None:
    """Refresh what an address covers: 400 malformed, a file or not found, 403 without edit right."""
    there = located(call, address)
    if "file" in there.path:
        raise Refusal(400, f"Not a catalog: {address}")
    try:
        holder = holders_of(there)[0]
        resources = _covered(there)
    except Refusal as refusal:
        raise Refusal(400, f"Item not found: {address}") from refusal
    project = call.site.projects.get(there.path.get("project", ""))
    allowed = can_edit(call.site, call.user, holder)
    if not allowed and not (project is holder and edits_project(call.user, project)):
        raise Refusal(403, f"Insufficient privileges to edit {address}")
    for resource in resources:
        refresh_resource(call.site, resource, options)
    record(call, holder, "Catalog(s) Refreshed")


def refresh_resource(site: Site, resource: Resource, options: Collection[str]) -> None:
    """Bring one catalog in line with the disk; checksums are only computed where they are missing."""
    if APPEND in options:
        for entry in resource.stray:
            entry.size = entry.data.size
            resource.files.setdefault(entry.path, entry)
        resource.stray.clear()
    if DELETE in options:
        for path in [path for path, entry in resource.files.items() if entry.missing_on_disk]:
            del resource.files[path]
    if CHECKSUM in options and site.settings.checksums:
        for entry in resource.files.values():
            if not entry.digest and not entry.missing_on_disk:
                entry.digest = entry.data.md5
    if POPULATE in options:
        resource.populate_stats()


def _covered(call: Call) -> list[Resource]:
    """A session covers its scans and the ``out`` side of what was made of it; others only their own."""
    if "resource" in call.path:
        found = [place.resource for place in placed(call)]
        if not found:
            raise Refusal(404)
        return found
    resources = []
    for holder in holders_of(call):
        if isinstance(holder, Experiment):
            resources += [
                place.resource
                for place in everything(call, holder)
                if not isinstance(place.holder, Derived) or place.side == "out"
            ]
        elif isinstance(holder, Derived):
            resources += holder.out_resources
        else:
            resources += holder.resources
    return resources
