"""What bulk answers show of one item and of what stands below it: the evidence that proofs start from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from xnat_tui.model.entities import CHILD_KINDS, Item, Kind, Listing
from xnat_tui.services.reading.listed import VARIABLES
from xnat_tui.xnat.documents.items import assessors_key, place, place_below
from xnat_tui.xnat.tables.bulk_sessions import PARAMETERS
from xnat_tui.xnat.tables.joins import Column, Facts, Join, resource_facts

SIDES: Mapping[Kind, tuple[str, ...]] = {
    Kind.ASSESSOR: ("", "in", "out"),
    Kind.RECONSTRUCTION: ("in", "out"),
}
_KINDS_BELOW = {
    kind: tuple(one for one in below if one is not Kind.EXPERIMENT) for kind, below in CHILD_KINDS.items()
}
"""Experiments do not belong to the levels of a subject here: they are proved by themselves."""
_HAVING_TYPES = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
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


class Root(NamedTuple):
    """A type of which a project has items: subjects, experiments, or assessors in these."""

    kind: Kind
    type: str


class FieldsOf(NamedTuple):
    """Items whose lists have the same columns: their kind, the type of scans with parameters, the names."""

    kind: Kind
    scan_type: str
    names: tuple[str, ...]


class Survey:
    """What `found` shows of subjects, or of experiments and everything below them: one pass over all of it.

    There are few kinds of items, however many there are: most of 72,000 subjects share what is kept here.
    """

    def __init__(
        self, items: Iterable[Item], found: Mapping[str, Listing], project: str, filled: set[Column]
    ) -> None:
        """`filled` are the columns that ever had a text at this server, and grows."""
        self.groups: dict[Holdings, list[str]] = {}
        """Accession IDs of items by what they show."""
        self.holders: defaultdict[Root, dict[str, str]] = defaultdict(dict)
        """Which item has what: types → accession IDs of items and assessors → accession IDs of items."""
        self._blank: dict[FieldsOf, list[tuple[int, Column]]] = {}
        """Which fields have had no text so far, by their places in the lists."""
        self._holdings: dict[tuple[object, ...], Holdings] = {}
        for item in items:
            self.groups.setdefault(self._survey(item, found, project), []).append(item.id)
        blank = {names: {column for _, column in left} for names, left in self._blank.items()}
        for names, without in blank.items():
            filled |= set(_columns(names)) - without
        self.blank = set[Column]().union(*blank.values()) - filled
        """The columns without a text at any item, here or ever before."""

    def _survey(self, item: Item, found: Mapping[str, Listing], project: str) -> Holdings:
        most: dict[Join, int] = {}
        whole = True
        for owner, listings in levels(item, found, project):
            kind, type_, fields = owner.kind, owner.type, owner.fields
            parameters = type_ if type_ in PARAMETERS else ""
            names = FieldsOf(kind, parameters, fields.names)
            blank = self._blank.get(names)
            if blank is None:
                blank = self._blank[names] = list(enumerate(_columns(names)))
            if blank:
                texts = fields.values()
                blank[:] = [one for one in blank if not texts[one[0]]]
            if kind in _HAVING_TYPES:
                self.holders[Root(kind, type_)][owner.id] = item.id
            whole &= len(listings) == len(_KINDS_BELOW[kind])
            if (variables := _variables(fields.names, fields.exhaustive)) is not None:
                _most(most, Join(kind, "variables"), variables)
            if parameters:
                _most(most, Join(Kind.SCAN, "parameters", type_), 1)
            for below, listing in listings:
                if below is Kind.RESOURCE:
                    for side in SIDES.get(kind, ("",)):
                        count = sum(child.side == side for child in listing.items)
                        _most(most, Join(kind, "resources", side), count)
                elif below in _JOINED:
                    _most(most, Join(kind, below.plural), len(listing.items))
        key = (whole, *most.items())
        known = self._holdings.get(key)
        if known is None:
            known = self._holdings[key] = Holdings(
                frozenset(most),
                frozenset(join for join, count in most.items() if count),
                frozenset(join for join, count in most.items() if count > 1),
                whole,
            )
        return known


def _columns(fields: FieldsOf) -> list[Column]:
    parameters = PARAMETERS.get(fields.scan_type, ())
    return [
        Column(fields.kind, name, fields.scan_type if name in parameters else "") for name in fields.names
    ]


@lru_cache(maxsize=4096)
def _variables(names: tuple[str, ...], exhaustive: tuple[str, ...]) -> int | None:
    """How many of these fields are custom variables; None where a list does not tell of any."""
    if VARIABLES not in names and not VARIABLES.startswith(exhaustive):
        return None
    return sum(name.startswith(VARIABLES) for name in names)


def _most(most: dict[Join, int], join: Join, count: int) -> None:
    """No matter how many there are: none, one, or several."""
    most[join] = max(most.get(join, 0), min(count, 2))


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
