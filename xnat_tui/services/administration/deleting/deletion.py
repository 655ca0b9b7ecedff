"""Subjects, sessions, scans, assessors and reconstructions deleted; what is shared in is only unshared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotFound,
    ServerError,
    Unclear,
    UsageError,
    XnatTuiError,
)
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.history import Area
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.administration.deleting.hanging import Hanging, hanging_on
from xnat_tui.services.administration.deleting.ownership import OWNED, Ownership, owner_of
from xnat_tui.services.administration.patience import Patience
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.administration.resources import plan_deletions
from xnat_tui.services.administration.sharing.shares import Sharing
from xnat_tui.services.administration.workflows import Workflows
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.actions import deleting as gateway
from xnat_tui.xnat.actions.sharing import projects_of

DELETABLE = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION)
_CONTENT = (Kind.RESOURCE, Kind.FILE)
_SELECTING = frozenset(",*/")
"""What in the ID of a scan XNAT may read as a choice of several (`docs/xnat-contract.md` 2.13)."""


@dataclass(frozen=True, slots=True)
class _Deletion:
    place: Place
    owner: str
    shares: tuple[str, ...]
    uri: str


@dataclass(slots=True)
class DeletionPlan:
    """Changes in the order in which they are made, and what is to be known of them."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Deletion:
    """Deletes on one server. Plans read; only `do` writes, and looks until it is clear what happened."""

    def __init__(self, reader: Reader, patience: Patience) -> None:
        self.reader = reader
        self.patience = patience
        self._workflows = Workflows(reader)
        self._planned: dict[str, _Deletion] = {}
        self._others: dict[tuple[str, str], Callable[[Change], str]] = {}

    def plan(self, places: Iterable[Place]) -> DeletionPlan:
        """What deleting these places does, with what hangs on each.

        What a project only shares is planned to be unshared there; what stands in another one that goes is
        left out. Raises UsageError for servers and projects.
        """
        wanted = list(dict.fromkeys(places))
        for place in wanted:
            if place.kind not in (*DELETABLE, *_CONTENT):
                raise UsageError(
                    f"{place.location} is a {place.kind}: those are not deleted from here.",
                    "Subjects, sessions, scans, assessors, reconstructions, resources and files are.",
                )
        plan = DeletionPlan()
        chosen = [one for one in wanted if not any(_in(one, other) for other in wanted)]
        plan.notes += [f"{one.location} goes with what it stands in" for one in wanted if one not in chosen]
        shared: dict[str, list[Place]] = {}
        for place in (one for one in chosen if one.kind in DELETABLE):
            owned = owner_of(self.reader, place)
            here = _project(place).id
            if place.kind in OWNED and owned.owner and owned.owner != here and here in owned.shares:
                shared.setdefault(here, []).append(place)
            else:
                plan.changes.append(self._change(place, owned))
        for project, those in shared.items():
            plan.changes += self._unshare(those, project)
        content = [one for one in chosen if one.kind in _CONTENT]
        if content:
            changes, do = plan_deletions(self.reader, content)
            plan.changes += self._by(changes, do)
        return plan

    def about(self, change: Change) -> Place:
        """The item of a planned deletion."""
        return self._planned[change.location].place

    def do(self, change: Change) -> str:
        """Delete, or end a share, and look until it is gone.

        Raises Conflict where another project owns it by now or it is in work, Forbidden for others than
        owners, Unclear where minutes of looking did not tell, Interrupted where the user stopped that.
        """
        other = self._others.get((change.location, change.verb))
        return other(change) if other is not None else self._delete(change)

    @kept(Area.DELETION)
    def _delete(self, change: Change) -> str:
        planned = self._planned[change.location]
        now = owner_of(self.reader, planned.place)
        if now.owner != planned.owner:
            raise Conflict(
                now.doubt or f"{now.owner} owns it now.", "Nothing was sent. Look at it, and plan again."
            )
        failure: XnatTuiError | None = None
        try:
            gateway.delete_item(self.reader.connection, planned.uri)
        except (Conflict, NotFound, ServerError, Unclear) as error:
            failure = error
        try:
            gone = self.patience.sees(
                lambda: self._is_gone(planned.place), failure, change.location, "deleting it"
            )
        except KeyboardInterrupt:
            raise Interrupted(
                "Stopped before the server told whether it is deleted.", "Look at it again later."
            ) from None
        finally:
            self._say(planned)
        if not gone:
            wrong = BadAnswer("The server accepted it, and it is still there.", "Check your rights.")
            raise not_so(failure, wrong)
        return is_so(failure)

    def _is_gone(self, place: Place) -> bool:
        """By its own address, and by the list that it stood in: a 404 alone may hide what is there."""
        item = place.item
        assert item is not None, "servers are not deleted"
        if place.kind in OWNED:
            try:
                projects_of(self.reader.connection, item.uri)
            except NotFound:
                pass
            else:
                return False
        self.reader.forget(place.parent)
        there = self.reader.below(place.parent, place.kind)
        if there.error is not None:
            raise there.error
        return all(one.id != item.id for one in there.items)

    def _say(self, planned: _Deletion) -> None:
        place = planned.place
        self.reader.changed(place.parent if place.kind is not Kind.SUBJECT else place.up_to(Kind.PROJECT))
        for project in planned.shares:
            self.reader.changed(Location(place.server).child(Kind.PROJECT, project))

    def _change(self, place: Place, owned: Ownership) -> Change:
        item, here = place.item, _project(place).id
        assert item is not None, "servers are refused"
        hanging = Hanging()
        refusal = _refuse(place, owned, here)
        notes: list[str] = []
        if not refusal:
            hanging = hanging_on(self.reader, place, owned)
            refusal = _refuse_hanging(hanging)
            notes = [*([] if refusal else [hanging.words()]), *self._running(place), *hanging.notes]
        where = str(place.location)
        if not refusal:
            shares = tuple(sorted(hanging.shares))
            self._planned[where] = _Deletion(place, owned.owner, shares, _uri(place, owned.owner))
        before = {"label": item.key} | ({} if refusal else hanging.fields())
        return Change(
            *(where, "delete", before),
            note="; ".join(notes),
            refusal=refusal,
            destroys=True,
            project=owned.owner or here,
        )

    def _running(self, place: Place) -> list[str]:
        """What works on it now: XNAT deletes it all the same, or refuses, as its version has it."""
        try:
            found = self._workflows.open_on(place)
        except XnatTuiError as error:
            return [f"open workflows could not be looked up ({error.message})"]
        return [f"{one.name or 'a workflow'} is {one.status} on {one.label or one.item}" for one in found]

    def _unshare(self, places: Sequence[Place], project: str) -> list[Change]:
        service = Sharing(self.reader)
        return self._by(service.plan_unshare(places, project), service.do)

    def _by(self, changes: Sequence[Change], do: Callable[[Change], str]) -> list[Change]:
        self._others |= {(change.location, change.verb): do for change in changes}
        return list(changes)


def _refuse(place: Place, owned: Ownership, here: str) -> str:
    item = place.item
    assert item is not None, "servers are refused"
    if not owned.owner:
        return owned.doubt
    if owned.owner != here:
        what = "it" if place.kind in OWNED else "its session"
        return f"{owned.owner} owns {what}: delete it there."
    if item.twin:
        return "another one has the same ID: the server would choose."
    if place.kind not in OWNED and (_SELECTING.intersection(item.id) or item.id.upper() in ("ALL", "NULL")):
        return f"XNAT would read its ID, {item.id}, as a choice of several."
    return ""


def _refuse_hanging(hanging: Hanging) -> str:
    if hanging.unread:
        return f"what hangs on it could not be read: {hanging.unread[0]}"
    if hanging.foreign:
        return f"with it would go {hanging.foreign[0]}: that has to go, or move, first."
    return ""


def _uri(place: Place, owner: str) -> str:
    """By accession IDs, through the project that owns it: were it given away meanwhile, XNAT would not find
    it there, or only unshare it."""
    names = [f"{one.kind.plural}/{one.id}" for one in place.items[1:]]
    return "/".join((f"/data/projects/{owner}", *names))


def _project(place: Place) -> Item:
    project = place.of(Kind.PROJECT)
    assert project is not None, "servers are refused"
    return project


def _in(place: Place, other: Place) -> bool:
    """Whether a place stands below another."""
    return place != other and place.location.starts_with(other.location)
