"""What the values of filters name: found out once, on what stands at the places that a verb is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from xnat_tui.model.entities import CHILD_KINDS, Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.naming import is_glob, literal
from xnat_tui.model.place import Place
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader

_KINDS = {
    "subject": Kind.SUBJECT,
    "session": Kind.EXPERIMENT,
    "type": Kind.EXPERIMENT,
    "modality": Kind.EXPERIMENT,
    "scan": Kind.SCAN,
    "scan_type": Kind.SCAN,
    "resource": Kind.RESOURCE,
}
"""What the values of each filter, and of its `exclude_` twin, are names of."""
_WAY: Mapping[Kind, frozenset[Kind]] = {
    Kind.SUBJECT: frozenset({Kind.PROJECT, Kind.SUBJECT}),
    Kind.EXPERIMENT: frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT}),
    Kind.SCAN: frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN}),
    Kind.RESOURCE: frozenset(Kind) - {Kind.SERVER, Kind.FILE},
}
"""What has to be listed to know all items of a kind."""
_FEW = 25
"""Up to so many subjects are asked one by one, as a limited copy does; above it the project as a whole."""


def settled(
    filters: Filters, reader: Reader, places: Iterable[Place], *, kinds: Iterable[Kind] = frozenset(Kind)
) -> Filters:
    """The filters with every value that is the name of something there standing for that alone.

    A value without a wildcard asks nothing. For others what stands at the places is listed first, in bulk;
    of `kinds` only, where the verb looks at no others. What cannot be read names nothing, and is told when
    its turn comes.
    """
    places = list(places)
    for level in ({Kind.SUBJECT}, {Kind.EXPERIMENT, Kind.SCAN, Kind.RESOURCE}):
        filters = _settled(filters, reader, places, level & set(kinds))
    return filters


def _settled(filters: Filters, reader: Reader, places: list[Place], kinds: set[Kind]) -> Filters:
    open_values = {
        name: values
        for name in _fields()
        if _kind(name) in kinds and any(map(is_glob, values := getattr(filters, name)))
    }
    wanted = {_kind(name) for name in open_values}
    if not wanted:
        return filters
    found = [item for place in places for item in _items(reader, place, wanted, filters)]
    changed: dict[str, Any] = {}
    for name, values in open_values.items():
        there = [item for item in found if item.kind is _kind(name)]
        changed[name] = tuple(literal(value) if _names(name, value, there) else value for value in values)
    return replace(filters, **changed)


def _fields() -> Iterator[str]:
    for name in _KINDS:
        yield name
        yield f"exclude_{name}"


def _kind(name: str) -> Kind:
    return _KINDS[name.removeprefix("exclude_")]


def _names(name: str, value: str, items: Iterable[Item]) -> bool:
    """Whether an item is called so, in the words that this filter goes by."""
    if not is_glob(value):
        return False
    exactly = replace(NO_FILTERS, **{name.removeprefix("exclude_"): (literal(value),)})  # type: ignore[arg-type]
    return any(exactly.keeps(item) for item in items)


def _items(reader: Reader, place: Place, wanted: set[Kind], filters: Filters) -> Iterator[Item]:
    """Items of these kinds at and below a place, as far as they can be read."""
    yield from (item for item in place.items if item.kind in wanted)
    way = frozenset[Kind]().union(*(_WAY[kind] for kind in wanted))
    few = filters.limit_subjects if wanted != {Kind.SUBJECT} and not filters.selects_sessions else None
    with ThreadPoolExecutor(max(2, reader.connection.server.connections), "names") as pool:
        waiting = [place]
        while waiting:
            here = waiting.pop()
            if here.kind is Kind.PROJECT and wanted != {Kind.SUBJECT} and (few is None or few > _FEW):
                read_project(reader, here, pool, sessions_below=bool(wanted & {Kind.SCAN, Kind.RESOURCE}))
            for kind in CHILD_KINDS[here.kind]:
                if kind not in way:
                    continue
                items = reader.below(here, kind).items
                if kind is Kind.SUBJECT and few is not None:
                    items = tuple(item for item in items if filters.keeps(item))[:few]
                yield from items if kind in wanted else ()
                waiting += [here.child(item) for item in items if kind is not Kind.RESOURCE]
