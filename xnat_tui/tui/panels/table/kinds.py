"""Of what a table is, before anything else is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import Table
from xnat_tui.services.asking.tabulating import KINDS, can_hold
from xnat_tui.tui.panels.ask import Choice

_BELOW = {
    Kind.SERVER: "subjects",
    Kind.PROJECT: "sessions",
    Kind.SUBJECT: "sessions",
    Kind.EXPERIMENT: "scans",
    Kind.SCAN: "files",
    Kind.ASSESSOR: "files",
    Kind.RECONSTRUCTION: "files",
    Kind.RESOURCE: "files",
}


def first_kind(places: Sequence[Place]) -> str:
    """What stands below one place; of several of a kind, these themselves."""
    kinds = {place.kind for place in places}
    own = next((word for word, kind in KINDS.items() if kinds == {kind}), "")
    return own if own and len(places) > 1 else _BELOW.get(places[0].kind, "files")


def holder(places: Sequence[Place]) -> Place:
    """What holds all of these places, which are of one server."""
    first = places[0]
    for count in range(len(first.items) - 1, 0, -1):
        if all(place.items[:count] == first.items[:count] for place in places):
            return Place(first.server, first.items[:count])
    return Place(first.server)


def choices(places: Sequence[Place]) -> list[Choice]:
    """The kinds, those greyed of which nothing can stand at these places."""
    found = []
    for word in KINDS:
        beside = next((place for place in places if not can_hold(place, word)), None)
        refusal = f"No {word} stand at or below {beside.location}." if beside is not None else ""
        found.append(Choice(word, word, refusal, refusal))
    return found


def first_columns(table: Table[Place]) -> tuple[str, ...]:
    """The usual ones, without those that say the same of every row."""
    projects = {(place.server, place.items[0].uri) for place in table.entries}
    left_out = {"kind", "path"} | ({"project"} if len(projects) == 1 else set())
    return tuple(name for name in table.columns if name not in left_out)
