"""The fields that listings tell, and by which items are therefore judged: the same ones wherever they were
read, so that an item has one verdict by itself, within its session, and within its project."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from xnat_tui.model.entities import SESSION_WORDS, Item, Kind
from xnat_tui.xnat.tables.bulk_sessions import (
    ASSESSOR_COLUMNS,
    PARAMETERS,
    RECONSTRUCTION_FIELDS,
    SCAN_FIELDS,
    SESSION_FIELDS,
)
from xnat_tui.xnat.tables.listing import EXPERIMENT_COLUMNS, RESOURCE_FIELDS, SUBJECT_FIELDS

VARIABLES = "fields/"
"""How the names of custom variables begin."""
_HAVING_VARIABLES = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
_LISTED: Mapping[Kind, frozenset[str]] = {
    Kind.SUBJECT: frozenset(SUBJECT_FIELDS),
    Kind.EXPERIMENT: frozenset((*EXPERIMENT_COLUMNS, *SESSION_FIELDS)),
    Kind.SCAN: frozenset(SCAN_FIELDS),
    Kind.ASSESSOR: frozenset(ASSESSOR_COLUMNS),
    Kind.RECONSTRUCTION: frozenset(RECONSTRUCTION_FIELDS),
    Kind.RESOURCE: frozenset(RESOURCE_FIELDS),
}
"""Of other kinds every field counts: a project has a document, a file nothing but its row."""


def is_listed(kind: Kind, name: str, type_: str = "") -> bool:
    """Whether listings tell this field of items of a kind and xsi type."""
    names = _LISTED.get(kind)
    if names is None or name in names or name in PARAMETERS.get(type_, ()):
        return True
    return kind in _HAVING_VARIABLES and name.startswith(VARIABLES)


def tells_enough(item: Item) -> bool:
    """Whether a subject or experiment was read with every field that it is to be judged by."""
    imaging = item.kind is not Kind.EXPERIMENT or item.type in SESSION_WORDS
    return _tells_enough(item.kind, item.fields.names, item.fields.exhaustive, imaging)


@lru_cache(maxsize=1024)
def _tells_enough(kind: Kind, names: tuple[str, ...], exhaustive: tuple[str, ...], imaging: bool) -> bool:
    """Many items of a listing share their names; experiments that are no sessions have fewer fields."""
    wanted = _LISTED.get(kind, frozenset())
    if not imaging:
        wanted -= frozenset(SESSION_FIELDS)
    known = frozenset(names)
    return all(name in known or name.startswith(exhaustive) for name in (*wanted, VARIABLES))
