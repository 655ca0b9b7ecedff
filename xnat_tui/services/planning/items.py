"""How an item of the source meets the destination: created under which names, compared, shared, retyped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xnat_tui.errors import Conflict
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import Rules
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, OnExisting
from xnat_tui.services.planning.forms import forms_differ
from xnat_tui.services.planning.spots import Spot

if TYPE_CHECKING:
    from xnat_tui.services.planning.walk import Walk

_RULES = Rules(depth=Depth.LABELS)
GENERIC_SCANS = frozenset({"", "xnat:imageScanData", "xnat:otherDicomScanData"})
SCAN_TYPE_BY_MODALITY: Mapping[str, str] = {
    **{
        word: f"xnat:{word.lower()}ScanData"
        for word in ("MR", "CT", "US", "CR", "DX", "XA", "NM", "MG", "SC")
    },
    **{word: f"xnat:{word.lower()}ScanData" for word in ("SR", "RT", "OPT", "OP", "SM", "RF", "MEG", "EEG")},
    "PT": "xnat:petScanData",
    "PET": "xnat:petScanData",
}


def existing(walk: Walk, place: Place, spot: Spot) -> Spot:
    item, there = place.item, spot.item
    assert item is not None
    assert there is not None
    if spot.item is not None and item.type and there.type and item.type != there.type:
        raise Conflict(f"There it is a {there.type}, here a {item.type}; a type cannot be changed.")
    if item.kind is Kind.EXPERIMENT and walk.policy.skip_existing_sessions:
        walk.step(Action.SKIP, place, spot, "the session exists")
        return spot
    if walk.policy.on_existing is OnExisting.SKIP:
        walk.step(Action.SKIP, place, spot, "exists")
        return spot
    differing = _differing(walk, place, spot)
    if forms_differ(walk, place, spot):
        differing.append("custom forms")
    if not differing and walk.policy.on_existing is OnExisting.UPDATE:
        walk.step(Action.SKIP, place, spot, "the same")
        return spot
    shown = ", ".join(differing[:4]) + (" ..." if len(differing) > 4 else "")
    data = {"replaces": "fields"}
    return spot.made_by(walk.step(Action.UPDATE, place, spot, shown or "sent again", data))


def _differing(walk: Walk, place: Place, spot: Spot) -> list[str]:
    item, there = place.item, spot.place
    assert item is not None
    assert there is not None
    if item.kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT):
        source = walk.source.document(place).fields
        other = walk.there.reader.document(there).fields
    else:
        assert there.item is not None
        source, other = item.fields, there.item.fields
    found = _RULES.differences(item.kind, source, other)
    return [difference.name for difference in found if difference.source]


def shared(walk: Walk, place: Place, spot: Spot) -> Spot | None:
    item = place.item
    assert item is not None
    owner = item.shared_from or "another project"
    if spot.item is not None:
        walk.step(Action.SKIP, place, spot, f"shared in from {owner}; exists")
        return spot
    if walk.policy.shared != "share":
        walk.skip(place, spot, f"shared in from {owner}")
        return None
    document = walk.source.document(place)
    project = item.shared_from or document.fields.get("project", "")
    label = document.fields.get("label", "") or item.key
    held = walk.there.holdings.find(project, item.kind, label) if project else None
    if held is None:
        walk.skip(place, spot, f"shared in from {owner}, which does not have it at the destination")
        return None
    data = {"shared": held.id, "owner": project}
    reason = f"shared from {project}"
    if item.kind is Kind.EXPERIMENT:
        reason += ", without its assessors"  # each is shared by itself, under a label of its own
    step = walk.step(Action.CREATE, place, spot, reason, data, task="share")
    return spot.made_by(step)


def scan_type(walk: Walk, place: Place, item: Item) -> str:
    """With `fix_scan_types`, a type that says nothing becomes the one of the scan's own modality."""
    if not walk.policy.fix_scan_types or item.type not in GENERIC_SCANS:
        return item.type
    session = place.of(Kind.EXPERIMENT)
    modality = item.fields.get("modality", "")
    if not modality and session is not None and session.type != "xnat:petmrSessionData":
        modality = session.type.partition(":")[2].removesuffix("SessionData").upper()
    return SCAN_TYPE_BY_MODALITY.get(modality.upper(), "xnat:otherDicomScanData")
