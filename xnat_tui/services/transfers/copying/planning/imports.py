"""Which DICOM goes through the destination's import service, instead of as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action
from xnat_tui.services.transfers.copying.planning.spots import Spot

if TYPE_CHECKING:
    from xnat_tui.services.transfers.copying.planning.walk import Walk

LABELS = frozenset({"DICOM", "secondary"})
"""How XNAT itself calls what its importer stores."""
OVERLAY = "overlay"
"""Steps with this datum add to what the importer made what people wrote at the source."""


def goes_by_import(item: Item) -> bool:
    return item.fields.get("format", "").upper() == "DICOM" or item.key in LABELS


def plan_import(walk: Walk, session: Place, above: Spot | None, kept_scans: Sequence[Item]) -> int | None:
    """One step that hands in all DICOM of a session's scans; None where there is none to hand in.

    The importer makes the session, so this stands before the session's own step. What an existing session
    lacks is found by SOP instance UIDs when the step runs: names may have changed on arrival.
    """
    wanted: list[Item] = []
    spot = walk.there.spot(_item(session), above)
    for scan in kept_scans:
        listing = walk.source.below(session.child(scan), Kind.RESOURCE)
        if listing.error is not None:
            continue  # the scan's own turn reports it
        found = [one for one in listing.items if goes_by_import(one) and walk.filters.keeps(one)]
        wanted += [] if _complete(walk, spot, scan, found) else found
    if not wanted:
        return None
    data = {"resources": json.dumps([[one.uri, one.files] for one in wanted])}
    return walk.step(
        Action.UPLOAD,
        session,
        spot,
        "through the import service, which may rewrite it",
        data,
        task="import",
        files=sum(one.files or 0 for one in wanted),
        size=sum(one.bytes or 0 for one in wanted),
    )


def _complete(walk: Walk, spot: Spot, scan: Item, resources: Sequence[Item]) -> bool:
    """Whether the destination's scan of the same series, or of the same ID, has as many DICOM files."""
    if spot.place is None or any(one.files is None for one in resources):
        return False
    scans = walk.there.reader.below(spot.place, Kind.SCAN).items
    uid = scan.fields.get("UID", "")
    same = [one for one in scans if uid and one.fields.get("UID", "") == uid]
    same = same or [one for one in scans if one.key == scan.key]
    held = [
        resource
        for one in same
        for resource in walk.there.reader.below(spot.place.child(one), Kind.RESOURCE).items
        if goes_by_import(resource)
    ]
    return bool(held) and sum(one.files or 0 for one in held) >= sum(one.files or 0 for one in resources)


def _item(place: Place) -> Item:
    assert place.item is not None, "a session is an item"
    return place.item
