"""Moving: copied, proved by digests and every field, and only then deleted where it was.

Nothing of it has to be remembered: the same call again finds what is copied already, proves it anew, and goes
on. An item that is not proved stays, whatever became of its copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from xnat_tui.errors import BadAnswer, UsageError, XnatTuiError
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.judging import NEUTRAL_FIELDS
from xnat_tui.model.location import Location, Step
from xnat_tui.model.options import CopyOptions, OnExisting
from xnat_tui.model.pairing import Depth
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.services.administration.deleting.deletion import DELETABLE, Deletion
from xnat_tui.services.administration.deleting.ownership import OWNED
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader

PlanCopy = Callable[[Place, CopyOptions], Plan]
_CARRIED = "accession IDs are given anew there; shares, the history of workflows and dates are not carried"


@dataclass(slots=True)
class MovePlan:
    """What is deleted once it is proved; `places` are what has to be copied for it."""

    changes: list[Change] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Moving:
    """Moves from one server to a server or project. `fresh` gives readers that remember nothing; `plan_copy`
    plans the copy of one place to the destination."""

    def __init__(
        self, deletion: Deletion, fresh: Callable[[str], Reader], destination: Location, plan_copy: PlanCopy
    ) -> None:
        if destination.steps and destination.kind is not Kind.PROJECT:
            raise UsageError(
                f"{destination} is a {destination.kind}: things are moved to a server or a project.",
                "Name NAME: or NAME:PROJECT; subjects and sessions keep their labels.",
            )
        self._deletion = deletion
        self._fresh = fresh
        self.destination = destination
        self._plan_copy = plan_copy
        self._places: dict[str, Place] = {}

    def plan(self, places: Iterable[Place]) -> MovePlan:
        """What moving these places deletes in the end; what may not be deleted is refused, and not copied.

        Raises UsageError for what cannot be deleted from here.
        """
        wanted = list(dict.fromkeys(places))
        for place in wanted:
            if place.kind not in DELETABLE:
                raise UsageError(
                    f"{place.location} is a {place.kind}: those are not moved from here.",
                    "Subjects, sessions, scans, assessors and reconstructions are.",
                )
        planned = self._deletion.plan(wanted)
        plan = MovePlan(notes=[*planned.notes, _CARRIED])
        found = {str(place.location): place for place in wanted}
        for change in planned.changes:
            goes = found.get(change.location)
            refusal = change.refusal
            if not refusal and (change.verb != "delete" or goes is None):
                refusal = f"it is only shared into {change.project}: who owns it can move it."
            elif not refusal and goes is not None and self.target(goes) == goes.location:
                refusal = "it is there already."
            plan.changes.append(replace(change, refusal=refusal))
            if not refusal and goes is not None:
                self._places[change.location] = goes
                plan.places.append(goes)
        return plan

    def target(self, place: Place) -> Location:
        """Where an item stands when it is moved: under its labels, in the project that was named or in one of
        the same ID."""
        first, *rest = place.location.steps
        project = self.destination.steps or (Step(Kind.PROJECT, first.name),)
        return Location(self.destination.server, (*project, *rest))

    def do(self, change: Change) -> str:
        """Prove that all of an item is there now, and delete it. The proof is in the history before that.

        Raises BadAnswer where it is not proved, and what deleting raises; it stays then.
        """
        proof = self.proof(self._places[change.location])
        note = self._deletion.do(replace(change, after=proof))
        words = f"{proof['moved to']}, {proof['proved by digest']} proved by digest"
        return f"{words}. {note}" if note else words

    def proof(self, place: Place) -> Mapping[str, str]:
        """Where an item's copy is, and what that rests on. Raises BadAnswer where anything of it is missing,
        differs, or cannot be read on either side, or a file has no digest."""
        target = self.target(place)
        try:
            there = find_one(self._fresh(target.server), target)
            if _may_be_one(place, there):
                raise _unproved("what stands there may be this very item, under another name of its server.")
            sides = (Side(self._fresh(place.server), place), Side(self._fresh(target.server), there))
            comparison = Comparison(*sides, depth=Depth.DIGESTS, fields="all", neutral=NEUTRAL_FIELDS)
            comparison.run()
            again = self._plan_copy(place, CopyOptions(on_existing=OnExisting.UPDATE))
        except _Unproved:
            raise
        except XnatTuiError as error:
            raise _unproved(error.message) from None
        counts = comparison.summary()
        wrong = {
            "differ": counts.differs,
            "are only here": counts.only_source,
            "could not be read": counts.unreadable,
            "have no digest on one side": counts.unverified,
            "were not compared": counts.unread,
        }
        if told := [f"{count} {words}" for words, count in wrong.items() if count]:
            raise _unproved(f"of its items and files {', '.join(told)}.")
        left = [step for step in again.steps if step.writes or step.left_alone or step.unread]
        if left:
            raise _unproved(f"{counted(len(left), 'step')} of a copy would be left: {left[0].path}.")
        files = sum(pair.kind is Kind.FILE for pair in items_of(comparison.root))
        return {"moved to": str(target), "proved by digest": counted(files, "file")}


class _Unproved(BadAnswer):
    """Something stays where it is."""


def _may_be_one(place: Place, other: Place) -> bool:
    """Whether two places may be one item: one accession ID, and no two dates of making tell them apart.

    Two addresses may lead to one server, and a project may show what another one owns. The same ID alone is
    common: many sites count alike.
    """
    owned = [[item for item in one.items if item.kind in OWNED][-1] for one in (place, other)]
    dates = {item.fields.get("insert_date", "") for item in owned}
    return owned[0].id == owned[1].id and (len(dates) == 1 or "" in dates)


def _unproved(reason: str) -> BadAnswer:
    return _Unproved(
        f"It is not proved, and stays: {reason}",
        "Compare both with: xnat-tui verify SOURCE DESTINATION; then give the same move again.",
    )
