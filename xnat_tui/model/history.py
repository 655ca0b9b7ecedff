"""What was changed through this program: one entry a change, with what stood there before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, Step


class Area(StrEnum):
    """Which service made a change and takes it back. The values are the words of the journal."""

    DEMOGRAPHICS = "demographics"
    RENAMING = "renaming"
    SHARING = "sharing"
    USERS = "users"
    DELETION = "deletion"
    ANONYMISATION = "anonymisation"
    MERGING = "merging"
    PROJECT = "project"


class Outcome(StrEnum):
    """What is known of a change. The values are the words of the journal."""

    BEGUN = "begun"
    """It was about to be sent; nobody came back to tell."""
    UNCLEAR = "unclear"
    """It was sent, and whether all of it stands was not seen."""
    DONE = "done"
    """It was read back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one item. `before` and `after` may be patient data: they belong on no log."""

    number: int
    at: float
    """Seconds since the epoch."""
    url: str
    """The server's address: names of servers are the user's to change."""
    user: str
    area: Area
    kind: Kind
    item: str
    """The accession ID of what was changed; a project's ID; "" for a server itself."""
    location: str
    """Its short form, by the names that it had before."""
    verb: str
    project: str
    before: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: Mapping[str, str] = field(default_factory=dict, repr=False)
    outcome: Outcome = Outcome.BEGUN
    undoes: int = 0
    """The entry that it takes back; 0 for none."""
    undone_by: int = 0
    """The last entry that took it back; 0 where none did."""

    @property
    def state(self) -> str:
        """What became of it, in a few words."""
        if self.undone_by:
            return f"undone by {self.undone_by}"
        if self.outcome is not Outcome.DONE:
            return "unclear"
        return f"undoes {self.undoes}" if self.undoes else "done"

    @property
    def moment(self) -> datetime:
        """When, in local time."""
        return datetime.fromtimestamp(self.at).astimezone()

    def is_at(self, where: Location) -> bool:
        """Whether it is about a place, or something below it, by its name before or after. The server's name
        is not looked at."""
        steps = _steps(Location.parse(self.location))
        ways = [steps]
        if self.area is Area.RENAMING and (label := self.after.get("label", "")):
            ways.append((*steps[:-1], (steps[-1][0], label)))
        if self.area is Area.MERGING and len(steps) > 1:
            ways.append((*steps[:-2], (Kind.SUBJECT, self.after["subject"]), steps[-1]))
        wanted = _steps(where)
        return any(way[: len(wanted)] == wanted for way in ways)


def _steps(where: Location) -> tuple[tuple[Kind, str], ...]:
    def plain(step: Step) -> tuple[Kind, str]:
        return step.kind, step.name

    return tuple(plain(step) for step in where.steps)
