"""Which project owns an item, proved before anything is deleted."""

from __future__ import annotations

from dataclasses import dataclass, field

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.actions.sharing import projects_of

OWNED = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR)
"""Kinds that a project owns, and others may share; scans and reconstructions are their session's."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """`owner` is "" where it could not be proved, and `doubt` says why."""

    owner: str = ""
    shares: tuple[str, ...] = field(default_factory=tuple)
    doubt: str = ""


def owner_of(reader: Reader, place: Place) -> Ownership:
    """The owner of what stands at a place, by the item's table of projects and by its document.

    Of a scan or a reconstruction that of its session. Neither answer alone is believed
    (`docs/xnat-contract.md` 3.3).
    """
    owned = place if place.kind in OWNED else place.up_to(Kind.EXPERIMENT)
    item = owned.item
    assert item is not None, "servers are not deleted"
    try:
        projects = projects_of(reader.connection, item.uri)
        told = reader.document(owned).fields.get("project", "")
    except XnatTuiError as error:
        return Ownership(doubt=f"which project owns it could not be read: {error.message}")
    first = projects.owner.project
    if told != first:
        return Ownership(
            doubt=f"its table of projects says that {first} owns it, its document {told or 'none'}."
        )
    return Ownership(first, tuple(one.project for one in projects.shares))
