"""The columns of a table: those that every item has, fields by XNAT's names, and fields of what is above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.model.location import relative_path
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import Cell

ALWAYS = ("project", "kind", "path")
"""In every row, asked for or not; the server, too, where there are several."""
_ABOVE = {
    "subject": Kind.SUBJECT,
    "session": Kind.EXPERIMENT,
    "scan": Kind.SCAN,
    "assessor": Kind.ASSESSOR,
    "reconstruction": Kind.RECONSTRUCTION,
    "resource": Kind.RESOURCE,
}
"""Columns that name the item of a kind on the way, and before a dot stand for its fields."""
_OF_KIND = {
    Kind.SUBJECT: ("subject",),
    Kind.EXPERIMENT: ("subject", "session"),
    Kind.SCAN: ("subject", "session", "scan"),
    Kind.ASSESSOR: ("subject", "session", "assessor"),
    Kind.RESOURCE: tuple(_ABOVE),
    Kind.FILE: tuple(_ABOVE),
}
_COUNTED = (Kind.SCAN, Kind.ASSESSOR, Kind.RESOURCE)
_USUAL = {
    Kind.SUBJECT: ("subject", "ID", "group", "gender", "handedness"),
    Kind.EXPERIMENT: ("subject", "session", "ID", "xsiType", "date", "modality"),
    Kind.SCAN: (
        "subject",
        "session",
        "scan",
        "type",
        "quality",
        "files",
        "bytes",
        "series_description",
        "xsiType",
    ),
    Kind.ASSESSOR: ("subject", "session", "assessor", "ID", "xsiType", "date", "validation/status"),
    Kind.RESOURCE: ("subject", "session", "scan", "assessor", "resource", "format", "files", "bytes"),
    Kind.FILE: ("subject", "session", "scan", "assessor", "resource", "label", "bytes", "digest"),
}
"""What is shown unless columns are chosen, as far as it is there."""


def usual(kind: Kind, available: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table of which none were chosen; all that are usual where there are no rows."""
    return ("project", *(name for name in _USUAL[kind] if name in available or not available))


def available(kind: Kind, places: Iterable[Place]) -> tuple[str, ...]:
    """Every column that these items can have: what all have, their own fields, and `subject.gender` and the
    like of those above them."""
    own: dict[str, None] = {}
    above: dict[str, None] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()  # rows of one listing share the tuple of names
    holders = {of: name for name, of in _ABOVE.items()}
    for place in places:
        for item in place.items:
            prefix = holders.get(item.kind, "") if item is not place.item else "="
            if not prefix or (prefix, item.fields.names) in seen:
                continue
            seen.add((prefix, item.fields.names))
            if prefix == "=":
                own.update(dict.fromkeys(item.fields.names))
            else:
                above.update(dict.fromkeys(f"{prefix}.{name}" for name in item.fields.names))
    return tuple(dict.fromkeys((*_common(kind), *sorted(own), *sorted(above))))


def _common(kind: Kind) -> tuple[str, ...]:
    sizes: tuple[str, ...] = ("files", "bytes") if kind in _COUNTED else ()
    if kind is Kind.FILE:
        sizes = ("bytes", "digest")
    sided = ("side",) if kind in (Kind.RESOURCE, Kind.FILE) else ()
    typed = ("xsiType",) if kind not in (Kind.RESOURCE, Kind.FILE) else ()
    names = ("label",) if kind is Kind.FILE else ("label", "ID")
    return (
        "server",
        "project",
        *_OF_KIND[kind],
        *names,
        *typed,
        *sided,
        *sizes,
        "shared_from",
        "kind",
        "path",
        "location",
    )


def cell_of(name: str) -> Callable[[Place], Cell]:
    """What stands in a column, of a place. None is what nobody answered."""
    if name in _COMMON:
        return _COMMON[name]
    if name in _ABOVE:
        return lambda place: _label(place.of(_ABOVE[name]))
    prefix, dot, field = name.partition(".")
    holder = _ABOVE.get(prefix) if dot else None

    def cell(place: Place) -> Cell:
        item = place.item
        assert item is not None, "a server is no row"
        if holder is None or name in item.fields:  # a custom variable may be called so, too
            return _field(item.fields, name)
        above = place.of(holder)
        return "" if above is None else _field(above.fields, field)

    return cell


def _field(fields: Fields, name: str) -> str | None:
    found = fields.get(name)
    return "" if found is None and fields.knows(name) else found


def _label(item: Item | None) -> str:
    return "" if item is None else item.key or item.id


def _shared_from(place: Place) -> Cell:
    """The owner, "" of what is the project's own, None where the owner is not told."""
    shared = [item.shared_from for item in place.items if item.shared_from is not None]
    return "" if not shared else shared[-1] or None


def _item(place: Place) -> Item:
    item = place.item
    assert item is not None, "a server is no row"
    return item


_COMMON: Mapping[str, Callable[[Place], Cell]] = {
    "server": lambda place: place.server,
    "project": lambda place: _label(place.of(Kind.PROJECT)),
    "label": lambda place: _label(place.item),
    "ID": lambda place: _item(place).id,
    "xsiType": lambda place: _item(place).type or None,
    "side": lambda place: _item(place).side,
    "files": lambda place: _item(place).files,
    "bytes": lambda place: _item(place).bytes,
    "digest": lambda place: _item(place).digest,
    "shared_from": _shared_from,
    "kind": lambda place: str(place.kind),
    "path": lambda place: relative_path(place.location.steps),
    "location": lambda place: str(place.location),
}
