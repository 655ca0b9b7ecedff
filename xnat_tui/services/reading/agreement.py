"""Whether a document tells the same of an item as the bulk answers did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from xnat_tui.model.entities import CHILD_KINDS, Item, Kind, Listing
from xnat_tui.model.judging import Rules
from xnat_tui.model.pairing import Depth
from xnat_tui.services.reading.listed import is_listed
from xnat_tui.services.reading.shown import key_below
from xnat_tui.xnat.documents.items import Document, describe
from xnat_tui.xnat.tables.joins import Join, resource_facts

_RULES = Rules(Depth.LABELS, is_listed=is_listed)


def unlike_fields(item: Item, document: Document) -> frozenset[str]:
    """The listed fields of an item that its document tells otherwise, and those that a listing which says
    to tell all of a kind leaves out."""
    return frozenset(one.name for one in _RULES.field_differences(item, describe(item, document)))


def unlike_listings(
    item: Item, document: Document, found: Mapping[str, Listing], project: str
) -> Iterator[Join]:
    """The joins below an item that its document tells otherwise, as far as `found` tells anything."""
    waiting = [item]
    while waiting:
        owner = waiting.pop()
        for kind in CHILD_KINDS[owner.kind]:
            key = key_below(owner, kind, project)
            if key not in found or key not in document.below:
                continue
            mine, told = found[key].items, document.below[key].items
            yield from _unlike(owner, kind, mine, told)
            if kind is not Kind.RESOURCE:
                waiting += mine


def _unlike(owner: Item, kind: Kind, mine: Iterable[Item], told: Iterable[Item]) -> Iterator[Join]:
    if kind is Kind.RESOURCE:
        one, other = ({(it.id, it.side, *resource_facts(it)) for it in items} for items in (mine, told))
        yield from (Join(owner.kind, "resources", side) for side in {facts[1] for facts in one ^ other})
        return
    here, there = ({(it.id, it.key, it.twin): it for it in items} for items in (mine, told))
    if here.keys() != there.keys():
        yield Join(owner.kind, kind.plural)
    for name in here.keys() & there.keys():
        listed, read = here[name], there[name]
        shared = (listed.shared_from is None) != (read.shared_from is None)
        if shared or _RULES.field_differences(listed, read):
            yield Join(owner.kind, kind.plural)
