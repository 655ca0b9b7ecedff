"""Which DICOM goes through the destination's import service, instead of as files."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.transfers.copying.planning.context import Context
from xnat_tui.services.transfers.copying.planning.spots import Spot

LABELS = frozenset({"DICOM", "secondary"})
"""How XNAT itself calls what its importer stores."""


def goes_by_import(item: Item) -> bool:
    """Whether a scan's resource is DICOM, by its format or its label."""
    return item.fields.get("format", "").upper() == "DICOM" or item.key in LABELS


def to_be_imported(context: Context, session: Place, spot: Spot, kept_scans: Sequence[Item]) -> list[Item]:
    """The resources with DICOM of a session's scans that the destination does not have whole.

    What an existing session lacks is found by SOP instance UIDs when the step runs: names may have changed on
    arrival.
    """
    wanted: list[Item] = []
    for scan in kept_scans:
        listing = context.source.below(session.child(scan), Kind.RESOURCE)
        if listing.error is not None:
            continue  # the scan's own turn reports it
        found = [one for one in listing.items if goes_by_import(one) and context.filters.keeps(one)]
        wanted += [] if _complete(context, spot, scan, found) else found
    return wanted


def _complete(context: Context, spot: Spot, scan: Item, resources: Sequence[Item]) -> bool:
    """Whether the destination's scan of the same series, or of the same ID, has as many DICOM files."""
    if spot.place is None or any(one.files is None for one in resources):
        return False
    scans = context.there.reader.below(spot.place, Kind.SCAN).items
    uid = scan.fields.get("UID", "")
    same = [one for one in scans if uid and one.fields.get("UID", "") == uid]
    same = same or [one for one in scans if one.key == scan.key]
    held = [
        resource
        for one in same
        for resource in context.there.reader.below(spot.place.child(one), Kind.RESOURCE).items
        if goes_by_import(resource)
    ]
    return bool(held) and sum(one.files or 0 for one in held) >= sum(one.files or 0 for one in resources)
