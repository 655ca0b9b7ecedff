"""How an item of the source meets the destination: created under which names, compared, shared, retyped."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_tui.errors import Conflict
from xnat_tui.model.display import listed
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import Rules
from xnat_tui.model.options import OnExisting, Shared
from xnat_tui.model.pairing import Depth, FieldDifference
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action
from xnat_tui.model.work import ItemShare, ProjectCopy
from xnat_tui.services.reading.listed import is_listed
from xnat_tui.services.transfers.copying.planning.context import Context, Draft
from xnat_tui.services.transfers.copying.planning.forms import forms_differ
from xnat_tui.services.transfers.copying.planning.projects import change_words, differing_settings
from xnat_tui.services.transfers.copying.planning.spots import Held, Spot

_RULES = Rules(depth=Depth.LABELS)
_LISTED = Rules(depth=Depth.LABELS, is_listed=is_listed)
"""What comparing and verifying count by themselves."""
_NEVER_UPDATED = ("studyProtocol", "alias", "publications")
"""Beginnings of the names of a project's fields that only a new project gets."""
_NAMED = 5
"""Fields that a reason names at most."""
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


def existing(draft: Draft, place: Place, spot: Spot) -> Spot:
    """The step for an item that stands there already: compared, and updated where that is wanted.

    Raises Conflict where it is of another type there.
    """
    context, item, there = draft.context, place.item, spot.item
    assert item is not None
    assert there is not None
    if spot.item is not None and item.type and there.type and item.type != there.type:
        raise Conflict(f"There it is a {there.type}, here a {item.type}; a type cannot be changed.")
    if item.kind is Kind.EXPERIMENT and context.options.skip_existing_sessions:
        draft.step(Action.SKIP, place, spot, "the session exists")
        return spot
    settings = differing_settings(draft, place, spot) if item.kind is Kind.PROJECT else {}
    if context.options.on_existing is OnExisting.SKIP:
        draft.step(Action.SKIP, place, spot, f"exists{_stays(context, place, spot)}")
        draft.unread_fields += item.kind is not Kind.PROJECT
        return spot
    fields = _differing(context, place, spot)
    differing = [change_words(name, *values) for name, values in settings.items()]
    differing += [one.name for one in fields]
    if forms_differ(context, place, spot):
        differing.append("custom forms")
    if not differing and context.options.on_existing is OnExisting.UPDATE:
        draft.step(Action.SKIP, place, spot, "the same")
        return spot
    work = ProjectCopy(settings={name: after for name, (_, after) in settings.items()}) if settings else None
    reason = listed(differing, _NAMED) or "sent again"
    step = draft.step(Action.UPDATE, place, spot, reason, work, replaces=True, details=fields)
    return spot.made_by(step)


def _stays(context: Context, place: Place, spot: Spot) -> str:
    """Which of its own fields a comparison will call different, as this leaves them alone: a project's by its
    documents, others' only as far as the lists at hand tell them on both sides."""
    item, there = place.item, spot.place
    assert item is not None
    if there is None or there.item is None:
        return ""
    source, other = item.fields, there.item.fields
    if item.kind is Kind.PROJECT:
        source, other = context.source.document(place).fields, context.there.reader.document(there).fields
    known = item.kind is Kind.PROJECT
    found = [
        one.name
        for one in _LISTED.differences(item.kind, source, other, item.type)
        if known or (one.name in source.names and one.name in other.names)
    ]
    if not found:
        return ""
    return f"; {listed(found, _NAMED)} {'differs and stays' if len(found) == 1 else 'differ and stay'}"


def _differing(context: Context, place: Place, spot: Spot) -> list[FieldDifference]:
    item, there = place.item, spot.place
    assert item is not None
    assert there is not None
    if item.kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT):
        source = context.source.document(place).fields
        other = context.there.reader.document(there).fields
    else:
        assert there.item is not None
        source, other = item.fields, there.item.fields
    found = _RULES.differences(item.kind, source, other)
    left = _NEVER_UPDATED if item.kind is Kind.PROJECT else ()
    return [one for one in found if one.source and not one.name.startswith(left)]


def shared(draft: Draft, place: Place, spot: Spot, above: Spot | None) -> Spot | None:
    """What is only shown in the source project: left out, or shown there too from its owner."""
    context, item = draft.context, place.item
    assert item is not None
    owner = item.shared_from or "another project"
    assessor = item.kind is Kind.ASSESSOR
    if context.options.shared is not Shared.SHARE or (spot.item is not None and not assessor):
        there = spot.item is not None and not assessor  # one that can be read there need not be shown
        if there:
            draft.step(Action.SKIP, place, spot, f"shared in from {owner}; exists")
            return spot
        draft.leave(place, spot, f"shared in from {owner}")
        return None
    document = context.source.document(place)
    project = item.shared_from or document.fields.get("project", "")
    label = document.fields.get("label", "") or item.key
    if assessor:
        here = place.of(Kind.PROJECT)
        if here is not None and here.id not in {share.project for share in document.shares}:
            draft.leave(place, spot, f"it belongs to {owner} and is not shared into {here.id}")
            return None
        if _shown_already(context, spot):
            draft.step(Action.SKIP, place, spot, f"shared in from {owner}; exists")
            return None
        held = _assessor_there(context, above, project, label)
    else:
        held = context.there.holdings.find(project, item.kind, label) if project else None
    if held is None:
        draft.leave(place, spot, f"shared in from {owner}, which does not have it at the destination")
        return None
    work = ItemShare(held.id, project, spot.label)
    step = draft.step(Action.CREATE, place, spot, f"shared from {project}", work)
    if item.kind is Kind.EXPERIMENT:
        spot = context.there.showing(spot, held)
    return spot.made_by(step)


def _shown_already(context: Context, spot: Spot) -> bool:
    """Whether the project there owns an assessor of this label, or has it shared in: not each that can be
    read at its session is."""
    if spot.item is None or spot.place is None:
        return False
    if spot.item.shared_from is None:
        return True
    shares = context.there.reader.document(spot.place).shares
    return spot.lineage.project in {share.project for share in shares}


def _assessor_there(context: Context, above: Spot | None, owner: str, label: str) -> Held | None:
    """The owner's assessor of this label, at the session there that the assessor's own was matched with."""
    if above is None or above.place is None:
        return None
    listing = context.there.reader.below(above.place, Kind.ASSESSOR)
    if listing.error is not None:
        raise listing.error
    found = (one for one in listing.items if one.shared_from == owner and label == one.key)
    item = next(found, None)
    return Held(item.id, item.type) if item is not None else None


def scan_type(context: Context, place: Place, item: Item) -> str:
    """With `fix_scan_types`, a type that says nothing becomes the one of the scan's own modality."""
    if not context.options.fix_scan_types or item.type not in GENERIC_SCANS:
        return item.type
    session = place.of(Kind.EXPERIMENT)
    modality = item.fields.get("modality", "")
    if not modality and session is not None and session.type != "xnat:petmrSessionData":
        modality = session.type.partition(":")[2].removesuffix("SessionData").upper()
    return SCAN_TYPE_BY_MODALITY.get(modality.upper(), "xnat:otherDicomScanData")
