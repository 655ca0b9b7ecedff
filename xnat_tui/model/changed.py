"""What was written, as whoever shows or remembers something has to hear it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.model.location import Location


class What(StrEnum):
    """What about a place is no longer what it was. The values are the words of the journal."""

    ITEMS = "items"
    """Something in it was made, renamed, moved, deleted, shared or is no longer shared; or its own fields."""
    FILES = "files"
    """Resources or files at or below it."""
    USERS = "users"
    """Who may do what in a project."""
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
