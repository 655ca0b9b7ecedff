"""What bulk answers show of one item and of what stands below it: the evidence that proofs start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xnat_tui.model.entities import CHILD_KINDS, Item, Kind, Listing
from xnat_tui.services.comparing.listed import VARIABLES
from xnat_tui.xnat.bulk_sessions import PARAMETERS
from xnat_tui.xnat.documents import assessors_key, place, place_below
from xnat_tui.xnat.joins import Facts, Join, resource_facts

SIDES: Mapping[Kind, tuple[str, ...]] = {
    Kind.ASSESSOR: ("", "in", "out"),
    Kind.RECONSTRUCTION: ("in", "out"),
}
_KINDS_BELOW = {
    kind: tuple(one for one in below if one is not Kind.EXPERIMENT) for kind, below in CHILD_KINDS.items()
}
"""Experiments do not belong to the levels of a subject here: they are proved by themselves."""
_JOINED = frozenset({Kind.SCAN, Kind.RECONSTRUCTION, Kind.RESOURCE})
"""Kinds that are joined to their owners; assessors are items of a list of their own."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The joins that answers about an item rest on, those that show a child of it or of something in it, and
    those that show several of one."""

    told: frozenset[Join]
    shown: frozenset[Join]
    several: frozenset[Join]
    whole: bool
    """Whether answers tell all levels of it; of what they leave out the document is read."""


def holdings_of(item: Item, found: Mapping[str, Listing], project: str) -> Holdings:
    """What `found` shows of a subject, or of an experiment and everything below it."""
    most: Counter[Join] = Counter()
    whole = True
    for owner, listings in levels(item, found, project):
        whole &= len(listings) == len(_KINDS_BELOW[owner.kind])
        if owner.fields.knows(VARIABLES):
            variables = sum(name.startswith(VARIABLES) for name in owner.fields.names)
            _most(most, Join(owner.kind, "variables"), variables)
        if owner.type in PARAMETERS:
            _most(most, Join(Kind.SCAN, "parameters", owner.type), 1)
        for kind, listing in listings:
            if kind is Kind.RESOURCE:
                sides = Counter(child.side for child in listing.items)
                for side in SIDES.get(owner.kind, ("",)):
                    _most(most, Join(owner.kind, "resources", side), sides[side])
            elif kind in _JOINED:
                _most(most, Join(owner.kind, kind.plural), len(listing.items))
    return Holdings(
        frozenset(most),
        frozenset(join for join, count in most.items() if count),
        frozenset(join for join, count in most.items() if count > 1),
        whole,
    )


def _most(most: Counter[Join], join: Join, count: int) -> None:
    most[join] = max(most[join], count)


def resources_of(item: Item, found: Mapping[str, Listing], project: str) -> Iterator[tuple[str, Facts]]:
    """Number and facts of every resource at and below an experiment."""
    for _, listings in levels(item, found, project):
        for kind, listing in listings:
            if kind is Kind.RESOURCE:
                yield from ((child.id, resource_facts(child)) for child in listing.items)


def levels(
    item: Item, found: Mapping[str, Listing], project: str
) -> Iterator[tuple[Item, list[tuple[Kind, Listing]]]]:
    """An item and all in it but files, each with what `found` tells to stand below it."""
    waiting = [item]
    while waiting:
        owner = waiting.pop()
        listings: list[tuple[Kind, Listing]] = []
        for kind in _KINDS_BELOW[owner.kind]:
            key = key_below(owner, kind, project)
            if key in found:
                listings.append((kind, found[key]))
                if kind is not Kind.RESOURCE:
                    waiting += found[key].items
        yield owner, listings


def key_below(owner: Item, kind: Kind, project: str) -> str:
    """Where a reader remembers the children of an item, as this project knows them."""
    if kind is Kind.ASSESSOR and owner.kind is Kind.EXPERIMENT:
        return assessors_key(project, owner.uri)
    return place(owner.uri, kind) if kind is not Kind.RESOURCE else place_below(owner, kind)
