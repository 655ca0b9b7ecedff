"""Resources and their files: what is missing at the destination, what differs, what cannot go there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.judging import same_content
from xnat_tui.model.naming import RESOURCE_LABEL
from xnat_tui.model.options import OnExisting
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action
from xnat_tui.model.work import ResourceCopy
from xnat_tui.services.transfers.copying.planning.context import Context, Draft
from xnat_tui.services.transfers.copying.planning.spots import Spot
from xnat_tui.services.transfers.file_decisions import Decision, decide
from xnat_tui.xnat.tables import listing

_ATTRIBUTES = ("format", "content", "description", "tags")


def plan_resources(
    draft: Draft, owner: Place, spot: Spot, resources: Sequence[Item], *, only: str = ""
) -> None:
    """Steps for these resources of one owner, in conflict where one cannot go there; `only` restricts them to
    one file."""
    counts = Counter((item.side, item.key.casefold()) for item in resources)
    seen: set[tuple[str, str]] = set()
    for item in resources:
        place = owner.child(item)
        name = (item.side, item.key)
        try:
            if name in seen:
                raise Conflict(
                    "A second resource with this label; only one can be created through XNAT's REST."
                )
            if counts[item.side, item.key.casefold()] > 1 and name not in seen:
                _note_alike(resources, item)
            seen.add(name)
            _plan_one(draft, place, spot, only)
        except XnatTuiError as error:
            draft.refuse(place, spot, error)


def _note_alike(resources: Sequence[Item], item: Item) -> None:
    alike = [one for one in resources if one.side == item.side and one.key.casefold() == item.key.casefold()]
    first = alike[0]
    if first.key != item.key:
        raise Conflict(f"Its label differs only in case from {first.key}; one folder cannot hold both.")


def _plan_one(draft: Draft, place: Place, spot: Spot, only: str) -> None:
    item = place.item
    assert item is not None
    there = _existing(draft.context, item, spot)
    if there is None and not RESOURCE_LABEL.fullmatch(item.key):
        raise Conflict(
            "It has no label." if not item.key else "XNAT would store this label in another spelling.",
            "Create it at the destination in a browser.",
        )
    work = ResourceCopy(
        label=item.key,
        number=item.id,
        side=item.side,
        only=only,
        recorded=item.files,
        exists=there is not None,
        format=item.fields.get("format", ""),
        content=item.fields.get("content", ""),
        description=item.fields.get("description", ""),
        tags=item.fields.get("tags", ""),
    )
    uri = resource_uri(spot, item, there)
    if there is None:
        files, size = (item.files or 0, item.bytes or 0) if not only else (1, 0)
        reason = "" if item.files is not None else "the source has not counted its files"
        draft.step(Action.UPLOAD, place, spot, reason, work, uri=uri, files=files, size=size, there=None)
        return
    _plan_existing(draft, place, spot, there, uri, work)


def _plan_existing(draft: Draft, place: Place, spot: Spot, there: Item, uri: str, work: ResourceCopy) -> None:
    decision = _decide(draft.context, place, spot, there, work.only)
    for file in decision.refused:
        draft.step(
            Action.CONFLICT,
            place.child(file),
            spot,
            "there with other content; --on-existing update replaces it",
            uri=f"{uri}/files/{file.key}",
            size=file.bytes or 0,
            files=1,
            details=decision.contents([file]),
        )
    if not decision.sent:
        reason = "the same files" if decision.complete else "nothing to send"
        reason += _unchangeable(draft.context, place, there)
        size = sum(file.bytes or 0 for file in decision.complete)
        count = len(decision.complete)
        draft.step(Action.SKIP, place, spot, reason, work, uri=uri, there=there, files=count, size=size)
        return
    work = replace(work, refused=tuple(file.key for file in decision.refused))
    parts = [
        f"{len(files)} {word}"
        for word, files in (("missing", decision.missing), ("replaced", decision.replaced))
        if files
    ]
    size = sum(file.bytes or 0 for file in decision.sent)
    count = len(decision.sent)
    reason = ", ".join(parts) + _unchangeable(draft.context, place, there)
    draft.step(
        Action.UPLOAD,
        place,
        spot,
        reason,
        work,
        uri=uri,
        there=there,
        files=count,
        size=size,
        replaces=bool(decision.replaced),
        details=decision.contents(decision.replaced),
    )


def _unchangeable(context: Context, place: Place, there: Item) -> str:
    """What replacing cannot: XNAT's REST only sets a resource's attributes as it is made."""
    item = place.item
    if item is None or context.options.on_existing is OnExisting.SKIP:
        return ""
    named = [name for name in _ATTRIBUTES if name in item.fields and name in there.fields]
    differing = [name for name in named if item.fields[name] != there.fields[name]]
    if place.of(Kind.SCAN) and same_content(item.fields.get("content", ""), there.fields.get("content", "")):
        differing = [name for name in differing if name != "content"]
    return f"; its {', '.join(differing)} there cannot be changed" if differing else ""


def _decide(context: Context, place: Place, spot: Spot, there: Item, only: str) -> Decision:
    assert spot.place is not None
    resource = place.item
    assert resource is not None
    source = context.source.below(place, Kind.FILE)
    if source.error is not None and not source.items:
        raise source.error
    other = context.there.reader.below(spot.place.child(there), Kind.FILE)
    if other.error is not None:
        # a list there that falls short of its count is safe: what exists is never overwritten unseen
        other = listing.files(context.there.reader.connection, there)
    files = [file for file in source.items if not only or file.key == only]
    return decide(files, other.items, context.options.on_existing)


def _existing(context: Context, item: Item, spot: Spot) -> Item | None:
    if spot.place is None:
        return None
    listed = context.there.reader.below(spot.place, Kind.RESOURCE)
    if listed.error is not None:
        raise listed.error
    same = [one for one in listed.items if (one.side, one.key) == (item.side, item.key)]
    if len(same) > 1:
        raise Conflict("The destination has several resources with this label.", "Merge them there first.")
    alike = next((one for one in listed.items if _alike(one, item)), None)
    if not same and alike is not None:
        raise Conflict(f"{alike.key} stands there already and differs only in case.")
    return same[0] if same else None


def _alike(one: Item, other: Item) -> bool:
    return one.side == other.side and one.key != other.key and one.key.casefold() == other.key.casefold()


def resource_uri(spot: Spot, item: Item, there: Item | None) -> str:
    """An assessor's own resources are reached as those of an experiment, its out ones below it."""
    owner = spot.uri
    if item.side:
        owner = f"{owner}/{item.side}"
    elif spot.kind is Kind.ASSESSOR:
        owner = f"/data/projects/{spot.lineage.project}/experiments/{spot.uri.rpartition('/')[2]}"
    name = item.key if there is None or RESOURCE_LABEL.fullmatch(item.key) else there.id
    return f"{owner}/resources/{name}"
