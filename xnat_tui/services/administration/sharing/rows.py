"""Where items are shared, as rows to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import Projects
from xnat_tui.services.administration.sharing.shares import Sharing
from xnat_tui.services.reading.reader import Reader


def rows(place: Place, projects: Projects) -> Sequence[dict[str, str]]:
    """The table that XNAT shows: owner first, then shares."""
    return [
        {
            "location": str(place.location),
            "label": one.label,
            "ID": one.project,
            "Name": one.name,
            "role": role,
        }
        for one, role in (
            (projects.owner, "owner"),
            *((share, "shared") for share in projects.shares),
        )
    ]


def shared_rows(service: Sharing, place: Place) -> list[dict[str, str]]:
    """The rows of an item; of a project, those of its subjects and sessions that are shared.

    XNAT lists the shares of one item at a time, so a project costs a request for each.
    Raises what listing raises.
    """
    if place.kind is not Kind.PROJECT:
        return list(rows(place, service.projects_of(place)))
    subjects = _children(service.reader, place, Kind.SUBJECT)
    sessions = [one for subject in subjects for one in _children(service.reader, subject, Kind.EXPERIMENT)]
    found: list[dict[str, str]] = []
    for one in (*subjects, *sessions):
        projects = service.projects_of(one)
        found += rows(one, projects) if projects.shares else []
    return found


def _children(reader: Reader, place: Place, kind: Kind) -> list[Place]:
    listing = reader.below(place, kind)
    if listing.error is not None:
        raise listing.error
    return [place.child(item) for item in listing.items]
