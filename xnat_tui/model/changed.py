"""What was written, as whoever shows or remembers something has to hear it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.plan import Step


class What(StrEnum):
    """What about a place is no longer what it was. The values are the words of the journal."""

    ITEMS = "items"
    """Something in it was made, renamed, moved, deleted, shared or is no longer shared; or its own fields."""
    FILES = "files"
    """Resources or files at or below it."""
    USERS = "users"
    """Who may do what in a project."""
    SETTINGS = "settings"
    """What a project or a site does by itself, and no list of items shows."""
    WORKFLOWS = "workflows"
    PREARCHIVE = "prearchive"


@dataclass(frozen=True, slots=True)
class Changed:
    """Something at or below `where` was written, and read back where that can be done.

    Its steps name items by label or by accession ID, as the writer knew them.
    """

    where: Location
    what: What

    @property
    def server(self) -> str:
        return self.where.server


_FILES = (Kind.RESOURCE, Kind.FILE)
_PREARCHIVE = "/data/prearchive"


def changed_by(step: Step) -> Changed | None:
    """What a step makes untrue that has been run, in whole or in part; None of one that changes no server.

    An item that is made, or has its fields set, stands in a list of what holds it: all of that is named.
    """
    if not step.writes or not step.target.server:
        return None
    server, address = step.target.server, step.target.uri
    if address.startswith(_PREARCHIVE):
        return Changed(Location.of_uri(server, address.removeprefix(_PREARCHIVE)), What.PREARCHIVE)
    where = Location.of_uri(server, address)
    if where.kind in _FILES:
        while where.kind in _FILES:
            where = where.parent
        return Changed(where, What.FILES)
    return Changed(where.parent if where.kind is step.kind else where, What.ITEMS)
