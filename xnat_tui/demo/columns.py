"""Columns of the list engine: from a schema path to the value of an item, or of its children."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from xnat_tui.demo.archive import (
    Derived,
    Experiment,
    Item,
    Resource,
    Scan,
    Subject,
    timestamp,
)
from xnat_tui.demo.datatypes import (
    EXPERIMENT,
    IMAGE_ASSESSOR,
    IMAGE_SCAN,
    IMAGE_SESSION,
    PROJECT,
    RECONSTRUCTION,
    SUBJECT,
    DataTypes,
)
from xnat_tui.demo.shortcuts import field_name
from xnat_tui.demo.site import Site, owner_of

Getter = Callable[[Any], str]
Step = tuple[str, str]
"""One multi-valued join: its name and, for typed ones, the type that the children must have."""


class UnknownColumn(Exception):
    """A path whose type the site does not know: XNAT logs an SQL error and answers nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``key`` in the answer, the joins that lead to its holder, and the holder's value."""

    key: str
    steps: tuple[Step, ...]
    get: Getter
    name: str
    """The path within the holder, lower case, which tells dates and numbers from text."""


_VARIABLE = re.compile(r"fields/field\[@?name=([^\]]+)\]/field", re.IGNORECASE)
_LISTS: tuple[tuple[str, str], ...] = (
    ("scans/scan/", "scans"),
    ("assessors/assessor/", "assessors"),
    ("reconstructions/reconstructedimage/", "reconstructions"),
    ("experiments/experiment/", "experiments"),
    ("sharing/share/", "shares"),
    ("fields/field/", "variables"),
    ("resources/resource/", "resources"),
    ("in/file/", "in"),
    ("out/file/", "out"),
    ("file/", "resources"),
)


def children(types: DataTypes, holder: Any, step: Step) -> Iterable[Any]:
    """The rows that a join adds to a holder."""
    name, wanted = step
    found: Iterable[Any]
    if name == "shares":
        return list(holder.shares.items())
    if name == "variables":
        return list(holder.variables.items())
    if name in ("in", "out"):
        found = getattr(holder, f"{name}_resources", ())
    elif name == "resources":
        found = holder.resources
    else:
        found = getattr(holder, name, {}).values()
    if wanted:
        return [one for one in found if types.is_a(one.xsi_type, wanted)]
    return found


def resolve(site: Site, path: str, root: str, key: str, sessions: str = "") -> Column:
    """The column of a full path in a list with this root type.

    ``sessions`` is the session type through which a subject's scans are reached.
    """
    type_name, _, rest = path.partition("/")
    known = site.types.get(type_name)
    if known is None:
        raise UnknownColumn(path)
    steps, up = _from_root(site.types, known.name, root, sessions or IMAGE_SESSION)
    variable = _VARIABLE.fullmatch(rest)
    if variable is not None and not steps:
        return Column(key, steps, lambda item: item.variables.get(variable[1], ""), "fields/field/field")
    lowered = rest.lower()
    matched = True
    while matched:
        matched = False
        for prefix, name in _LISTS:
            if lowered.startswith(prefix):
                steps = (*steps, (name, ""))
                rest, lowered, matched = rest[len(prefix) :], lowered[len(prefix) :], True
                break
    last = steps[-1][0] if steps else ""
    if last == "shares":
        return Column(key, steps, _pair_part(lowered == "label"), lowered)
    if last == "variables":
        return Column(key, steps, _pair_part(lowered == "field"), lowered)
    name = field_name(rest)
    getter = _getter(site, name)
    if up is not None and not steps:
        getter = _above(up, getter)
    return Column(key, steps, getter, name.lower())


def _from_root(
    types: DataTypes, type_name: str, root: str, sessions: str
) -> tuple[tuple[Step, ...], Callable[[Any], Item | None] | None]:
    if types.is_a(type_name, root) or types.is_a(root, type_name):
        return (), None
    if type_name == PROJECT:
        return (), None
    if type_name == SUBJECT:
        return (), _subject_of
    scan = types.is_a(type_name, IMAGE_SCAN)
    assessor = types.is_a(type_name, IMAGE_ASSESSOR)
    below: tuple[Step, ...] = ()
    if scan:
        below = (("scans", "" if type_name == IMAGE_SCAN else type_name),)
    elif assessor:
        below = (("assessors", type_name),)
    elif type_name == RECONSTRUCTION:
        below = (("reconstructions", ""),)
    if root == SUBJECT:
        session = sessions if below else type_name
        return (("experiments", session), *below), None
    if below:
        return below, None
    if types.is_a(type_name, EXPERIMENT):
        return (), _session_of
    raise UnknownColumn(type_name)


def _subject_of(item: Any) -> Item | None:
    if isinstance(item, Experiment):
        return item.subject
    if isinstance(item, Scan | Derived):
        return item.session.subject
    return item if isinstance(item, Subject) else None


def _session_of(item: Any) -> Item | None:
    return item.session if isinstance(item, Scan | Derived) else None


def _above(up: Callable[[Any], Item | None], getter: Getter) -> Getter:
    def value(item: object) -> str:
        holder = up(item)
        return "" if holder is None else getter(holder)

    return value


def _pair_part(second: bool) -> Getter:
    def value(pair: tuple[str, str | None]) -> str:
        return (pair[1] if second else pair[0]) or ""

    return value


def _getter(site: Site, name: str) -> Getter:
    special = _SPECIAL.get(name.lower())
    if special is not None:
        return special
    if name.lower() == "meta/last_modified":
        blank = site.settings.last_modified_blank
        return lambda item: timestamp(item.last_modified or (None if blank else item.insert_date))

    def value(item: Any) -> str:
        if isinstance(item, Resource):
            return _resource_value(item, name)
        stored: dict[str, str] = item.fields
        return stored.get(name, "")

    return value


def _resource_value(resource: Resource, name: str) -> str:
    value = {
        "file_count": resource.file_count,
        "file_size": resource.file_size,
        "format": resource.format,
        "content": resource.content,
        "xnat_abstractresource_id": resource.id,
    }.get(name.lower())
    return "" if value is None else str(value)


def _subject_id(item: Any) -> str:
    subject = _subject_of(item)
    return subject.id if subject is not None else ""


def _session_id(item: Any) -> str:
    session = _session_of(item)
    return session.id if session is not None else ""


def _owner(item: Any) -> str:
    return owner_of(item) if isinstance(item, Item) else ""


_SPECIAL: dict[str, Getter] = {
    "id": lambda item: str(item.id),
    "label": lambda item: item.label,
    "project": _owner,
    "subject_id": _subject_id,
    "imagesession_id": _session_id,
    "image_session_id": _session_id,
    "extension_item/element_name": lambda item: item.xsi_type,
    "meta/insert_date": lambda item: timestamp(item.insert_date),
    "meta/insert_user": lambda item: item.insert_user,
    "meta/status": lambda item: item.status,
    "xnat_imagescandata_id": lambda item: str(item.pk),
    "xnat_reconstructedimagedata_id": lambda item: str(item.pk),
}


@dataclass(slots=True)
class Join:
    """A level of the tree of joins: the columns found here and the joins below it."""

    columns: list[tuple[int, Getter]] = field(default_factory=list)
    below: dict[Step, Join] = field(default_factory=dict)


def joins(columns: list[Column]) -> Join:
    root = Join()
    for place, column in enumerate(columns):
        level = root
        for step in column.steps:
            level = level.below.setdefault(step, Join())
        level.columns.append((place, column.get))
    return root


def joined_rows(types: DataTypes, join: Join, holder: object, width: int) -> list[list[str]]:
    """LEFT JOIN: one row per combination of children, blanks where a level has none."""
    rows = [[""] * width]
    for place, get in join.columns:
        rows[0][place] = get(holder)
    for step, below in join.below.items():
        found = [
            row for child in children(types, holder, step) for row in joined_rows(types, below, child, width)
        ]
        if not found:
            continue
        places = _places(below)
        combined = []
        for row in rows:
            for other in found:
                merged = list(row)
                for place in places:
                    merged[place] = other[place]
                combined.append(merged)
        rows = combined
    return rows


def _places(join: Join) -> list[int]:
    own = [place for place, _ in join.columns]
    return own + [place for below in join.below.values() for place in _places(below)]
