"""What the catalogs of some places have on record: resources, their entries, bytes and digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from xnat_tui.model.entities import CHILD_KINDS, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader

MOST_RESOURCES = 500


@dataclass(frozen=True, slots=True)
class Digests:
    """How many of a resource's entries have one; a refresh with `checksum` makes the others."""

    known: int
    entries: int


def resources(reader: Reader, places: Iterable[Place], most: int = MOST_RESOURCES) -> Sequence[Place]:
    """The resources at and below sessions, scans and the like, and the own ones of subjects and projects.

    A project's or subject's sessions are not gone into: that is a request for each. Raises what a
    listing raises.
    """
    found = (one for place in places for one in _resources(reader, place))
    return list({one.item.uri: one for one in islice(found, most) if one.item is not None}.values())


def digests(reader: Reader, resource: Place) -> Digests:
    """One request, unless the files are known already. Raises XnatTuiError."""
    listing = reader.below(resource, Kind.FILE)
    if listing.error is not None:
        raise listing.error
    return Digests(sum(item.digest is not None for item in listing.items), len(listing.items))


def _resources(reader: Reader, place: Place) -> Iterator[Place]:
    if place.kind is Kind.FILE:
        yield place.parent
        return
    if place.kind is Kind.RESOURCE:
        yield place
        return
    whole = place.kind not in (Kind.SERVER, Kind.PROJECT, Kind.SUBJECT)
    for kind in CHILD_KINDS[place.kind] if whole else (Kind.RESOURCE,):
        listing = reader.below(place, kind)
        if listing.error is not None:
            raise listing.error
        for item in listing.items:
            yield from _resources(reader, place.child(item))
