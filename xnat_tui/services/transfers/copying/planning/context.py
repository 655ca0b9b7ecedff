"""What a copy is planned from, and the plan while it grows.

`Context` is fixed for a whole plan; functions take it, read through it, and give back what they found. What
they plan goes into a `Draft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, End, Finding, Lineage, Step
from xnat_tui.model.work import (
    AssessorCopy,
    ExperimentCopy,
    ProjectCopy,
    ReconstructionCopy,
    ScanCopy,
    SubjectCopy,
    Untouched,
    Work,
)
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.planning.spots import Destination, Spot
from xnat_tui.services.transfers.preflight import TypesThere
from xnat_tui.xnat.documents import writing

_ITEMS: dict[Kind, Work] = {
    Kind.PROJECT: ProjectCopy(),
    Kind.SUBJECT: SubjectCopy(),
    Kind.EXPERIMENT: ExperimentCopy(),
    Kind.SCAN: ScanCopy(),
    Kind.ASSESSOR: AssessorCopy(),
    Kind.RECONSTRUCTION: ReconstructionCopy(),
}


class LastSessions:
    """The documents of sessions, the last one of each server: scans and assessors follow their session."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, etree._Element]] = {}

    def document(self, reader: Reader, session: Item) -> etree._Element:
        """Raises XnatTuiError where it cannot be read."""
        server = reader.connection.server.name
        kept = self._read.get(server)
        if kept is None or kept[0] != session.uri:
            kept = self._read[server] = session.uri, writing.read_item(reader.connection, session.uri)
        return kept[1]


@dataclass(frozen=True, slots=True)
class Context:
    """Both servers, what was asked for, and what the destination knows."""

    source: Reader
    there: Destination
    options: CopyOptions
    filters: Filters
    types: TypesThere
    names_projects: bool = False
    """Whether paths have to name the project too."""
    sessions: LastSessions = field(default_factory=LastSessions)

    def path(self, place: Place) -> str:
        """A place of the source as a step calls it."""
        if place.kind is Kind.PROJECT and place.item is not None:
            return f"{Kind.PROJECT.plural}/{self.there.label(place.item)}"  # as it will be called
        return place.path_below(Place(place.server, () if self.names_projects else place.items[:1]))


@dataclass(slots=True)
class Draft:
    """Steps and findings so far, and what a plan says of them as a whole. Only added to."""

    context: Context
    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    missing_types: list[str] = field(default_factory=list)
    target_projects: list[str] = field(default_factory=list)
    created_projects: set[str] = field(default_factory=set)
    details: dict[int, tuple[FieldDifference, ...]] = field(default_factory=dict)
    """By step, what is replaced or left there though it is otherwise."""
    unread_fields: int = 0
    """Items that exist there and are skipped for that, their fields not compared."""

    def step(
        self,
        action: Action,
        place: Place,
        spot: Spot | None,
        reason: str = "",
        work: Work | None = None,
        *,
        uri: str = "",
        there: Item | None = None,
        needs: tuple[int, ...] | None = None,
        files: int = 0,
        size: int = 0,
        stays_behind: bool = False,
        unread: bool = False,
        replaces: bool = False,
        details: Sequence[FieldDifference] = (),
    ) -> int:
        """Add a step for an item of the source; its number. Without `work` the item itself is copied."""
        item = place.item
        assert item is not None
        there = there or (spot.item if spot else None)
        step = Step(
            number=len(self.steps) + 1,
            action=action,
            work=work or (Untouched() if action is Action.CONFLICT else _ITEMS.get(item.kind, Untouched())),
            path=self.context.path(place),
            kind=item.kind,
            source=End(place.server, item.uri, item.id, item.type),
            target=End(
                self.context.there.target.server,
                uri or (spot.uri if spot else ""),
                there.id if there else "",
                item.type,
            ),
            files=files,
            bytes=size,
            reason=reason,
            needs=(spot.needs if spot else ()) if needs is None else needs,
            session=spot.session if spot else "",
            lineage=spot.lineage if spot else Lineage(),
            stays_behind=stays_behind,
            unread=unread,
            replaces=replaces,
        )
        self.steps.append(step)
        if details:
            self.details[step.number] = tuple(details)
        return step.number

    def leave(self, place: Place, spot: Spot | None, reason: str) -> None:
        """Skip what the destination does not have."""
        self.step(Action.SKIP, place, spot, reason, stays_behind=True)

    def conflict(self, place: Place, spot: Spot | None, reason: str, *, unread: bool = False) -> None:
        """Leave alone what must not be touched, or is not known."""
        self.step(Action.CONFLICT, place, spot, reason, unread=unread)

    def refuse(self, place: Place, spot: Spot | None, error: XnatTuiError) -> None:
        """Leave alone what this error stands against: unless it is a conflict, something was not read."""
        self.conflict(place, spot, error.message, unread=not isinstance(error, Conflict))
