"""Sharing subjects, sessions and assessors into other projects, relabelling, unsharing, giving away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    NotAllowed,
    NotFound,
    Refused,
    ServerError,
    Unclear,
    XnatTuiError,
)
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.history import Area
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import Projects, label_refusal
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.services.tables import CsvTable, Row
from xnat_tui.xnat.actions import sharing as gateway
from xnat_tui.xnat.actions.sharing import projects_of
from xnat_tui.xnat.http.access import own_access

SHAREABLE = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR)
TABLE_REQUIRED = ("subject", "source", "destination")
TABLE_OPTIONAL = ("session", "label")
_ORDER = {kind: number for number, kind in enumerate(SHAREABLE)}


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to share; `label` "" for its own."""

    place: Place
    project: str
    label: str = ""


@dataclass(slots=True)
class _Step:
    """What a planned change does."""

    place: Place
    uri: str
    project: str
    label: str = ""
    assessors: tuple[str, ...] = ()
    done: bool = False


class Sharing:
    """Shares of one server's items. Plans read; only `do` writes, and reads back.

    A new plan replaces the one before.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._steps: dict[tuple[str, str], _Step] = {}
        self._projects: dict[str, Projects] = {}
        self._labels: dict[tuple[str, bool], dict[str, str] | None] = {}

    def projects_of(self, place: Place) -> Projects:
        """Where an item is, and under which labels. Raises NotFound for what cannot be shared."""
        item = _shareable(place)
        if item.uri not in self._projects:
            self._projects[item.uri] = projects_of(self.reader.connection, item.uri)
        return self._projects[item.uri]

    def access(self) -> Mapping[str, str] | None:
        """What the user may do in each project, in words; None where the server does not tell."""
        try:
            return own_access(self.reader.connection)
        except XnatTuiError:
            return None

    def plan_share(self, wishes: Iterable[Wish]) -> list[Change]:
        """Changes that bring items into projects: each item's subject first, then sessions, then assessors.

        What is shared there already under this label needs no change.
        """
        self._steps.clear()
        found: dict[tuple[str, str], Change] = {}
        for wish in sorted(wishes, key=lambda one: _ORDER.get(one.place.kind, 0)):
            change = self._share(wish, wanted=True)
            if change is None:
                continue
            changes = [change] if change.refusal else self._after_its_subject(wish, change, found)
            found |= {_key(one): one for one in changes}
        return list(found.values())

    def plan_table(self, server: Place, table: CsvTable) -> list[Change]:
        """Changes for a table of `subject`, `source`, `destination` and perhaps `session` and `label`.

        The label is the session's where one is named. A row that names nothing on the server is refused.
        Raises UsageError with its line for a label that XNAT refuses.
        """
        for row in table.rows:
            if row["label"] and (reason := label_refusal(row["label"])):
                raise row.error("label", reason)
        wishes, refused = self._table_wishes(server, table, "share")
        return [*self.plan_share(wishes), *refused]

    def plan_unshare_table(self, server: Place, table: CsvTable) -> list[Change]:
        """Changes that take what such a table names out of its destinations; labels do not matter."""
        wishes, refused = self._table_wishes(server, table, "unshare")
        return [*self._unshare([(wish.place, wish.project) for wish in wishes]), *refused]

    def _table_wishes(self, server: Place, table: CsvTable, verb: str) -> tuple[list[Wish], list[Change]]:
        """What the rows wish for, each item and project once, and the rows that are refused."""
        wishes: dict[tuple[str, str], Wish] = {}
        refused: list[Change] = []
        for row in table.rows:
            project, reason = row["destination"], ""
            try:
                place = self._row_place(server, row)
            except NotFound as error:
                reason = error.message
            else:
                key = str(place.location), project
                reason = "another line says so of the same item." if key in wishes else ""
                wishes.setdefault(key, Wish(place, project, row["label"]))
            if reason:
                where = "/".join(part for part in (row["source"], row["subject"], row["session"]) if part)
                after, before = {"project": project}, dict[str, str]()
                if verb == "unshare":
                    after, before = before, after
                reason = f"line {row.line}: {reason}"
                refused.append(Change(f"{server.server}:{where}", verb, before, after, refusal=reason))
        return list(wishes.values()), refused

    def plan_unshare(self, places: Iterable[Place], project: str) -> list[Change]:
        """Changes that take items out of a project that does not own them; nothing is deleted.

        What hangs below goes first: assessors, sessions, then the subject.
        """
        return self._unshare([(place, project) for place in places])

    def _unshare(self, wanted: Iterable[tuple[Place, str]]) -> list[Change]:
        self._steps.clear()
        unique = {
            (_shareable(below).id, project): (below, project)
            for place, project in wanted
            for below in (place, *self._shared_below(place, project))
        }
        found = []
        for place, project in sorted(unique.values(), key=lambda one: -_ORDER[one[0].kind]):
            projects = self.projects_of(place)
            share = projects.share(project)
            refusal = ""
            if projects.owner.project == project:
                refusal = f"{project} owns it: that would not unshare but delete."
            elif share is None:
                refusal = f"it is not shared into {project}."
            before = {"project": project, "label": share.label if share else ""}
            change = Change(str(place.location), "unshare", before, refusal=refusal, project=project)
            found.append(self._plan(change, place, project))
        return found

    def plan_transfer(self, place: Place, project: str) -> list[Change]:
        """Changes that give a subject with its sessions, or one session, with all files to another project.

        A session's subject is shared there first: nobody there could open it otherwise. Needs the right to
        delete where it is and to create where it goes. Raises NotFound for assessors, which go with their
        session.
        """
        self._steps.clear()
        if _shareable(place).kind is Kind.ASSESSOR:
            raise NotFound(f"{place.location} is an assessor: it goes with its session.")
        places = [place, *self._sessions(place)] if place.kind is Kind.SUBJECT else [place]
        owner = self.projects_of(place).owner.project
        found = []
        for one in places:
            if one is not place and self.projects_of(one).owner.project != owner:
                continue
            found.append(self._transfer(one, project))
        if place.kind is Kind.EXPERIMENT and not found[0].refusal:
            found = self._after_its_subject(Wish(place, project), found[0])
        return found

    def about(self, change: Change) -> Place:
        """The item of a planned change."""
        return self._steps[_key(change)].place

    @kept(Area.SHARING)
    def do(self, change: Change) -> str:
        """Carry out one planned change and read it back: XNAT's answers to sharing tell little.

        Raises Conflict where a label is taken or what comes before it failed, Forbidden, NotFound.
        """
        step = self._steps[_key(change)]
        if any(not first.done for first in self._before(change, step)):
            raise Conflict("What comes before it failed.", "Solve that, then repeat.")
        failure: XnatTuiError | None = None
        try:
            self._send(change, step)
        except (Conflict, ServerError, Unclear) as error:
            failure = error
        item = _shareable(step.place)
        projects = projects_of(self.reader.connection, item.uri)
        self._projects[item.uri] = projects
        if not _holds(change, step, projects):
            raise not_so(
                failure, BadAnswer("The server accepted it, and nothing has changed.", "Check your rights.")
            )
        step.done = True
        self.reader.changed(Place(step.place.server, step.place.items[:1]))
        self.reader.changed(Location(step.place.server).child(Kind.PROJECT, step.project))
        return is_so(failure)

    def _before(self, change: Change, step: _Step) -> list[_Step]:
        """The steps that have to succeed first: what stands above, or below where something is taken out."""

        def stands_below(one: Place, other: Place) -> bool:
            return len(one.items) > len(other.items) and one.items[: len(other.items)] == other.items

        others = [one for one in self._steps.values() if one.project == step.project]
        if change.verb == "unshare":
            return [one for one in others if stands_below(one.place, step.place)]
        return [one for one in others if stands_below(step.place, one.place)]

    def _send(self, change: Change, step: _Step) -> None:
        connection = self.reader.connection
        if change.verb == "unshare":
            owner = projects_of(connection, _shareable(step.place).uri).owner.project
            if owner == step.project:
                raise Conflict(f"{step.project} owns it now: that would delete it.", "Nothing was sent.")
            gateway.delete_share(connection, step.uri, step.project)
        elif change.verb == "give away":
            gateway.put_owner(connection, step.uri, step.project, step.assessors)
        else:
            gateway.put_share(connection, step.uri, step.project, step.label)

    def _after_its_subject(
        self, wish: Wish, change: Change, planned: Collection[tuple[str, str]] = ()
    ) -> list[Change]:
        """A change after the shares of what stands above; refused where one of these is."""
        above = self._share_above(wish, planned)
        if refused := next((one for one in above if one.refusal), None):
            change = replace(change, refusal=f"{refused.location} comes first, and {refused.refusal}")
        return [*(one for one in above if not one.refusal), change]

    def _share_above(self, wish: Wish, planned: Collection[tuple[str, str]]) -> list[Change]:
        """What has to be shared before an item and is not yet, nor planned to be."""
        places = [wish.place.up_to(kind) for kind in SHAREABLE[: _ORDER[wish.place.kind]]]
        missing = [place for place in places if (str(place.location), wish.project) not in planned]
        changes = [self._share(Wish(place, wish.project), wanted=False) for place in missing]
        return [change for change in changes if change is not None]

    def _share(self, wish: Wish, *, wanted: bool) -> Change | None:
        item, projects = _shareable(wish.place), self.projects_of(wish.place)
        label = wish.label or projects.owner.label
        share = projects.share(wish.project)
        if projects.owner.project == wish.project:
            if not wanted:
                return None
            refusal = f"{wish.project} owns it."
        elif share is not None and (share.label == label or not wish.label):
            return None
        else:
            refusal = self._refuse(item, wish, label)
        before = {"label": share.label} if share is not None else {}
        after = {"project": wish.project, "label": label}
        change = Change(
            str(wish.place.location),
            "relabel" if share is not None else "share",
            before,
            after,
            note=self._note(wish, wanted=wanted),
            refusal=refusal,
            project=wish.project,
        )
        return self._plan(change, wish.place, wish.project, label=wish.label)

    def _note(self, wish: Wish, *, wanted: bool) -> str:
        notes = [] if wanted else ["comes first"]
        if self._labels.get((wish.project, wish.place.kind is Kind.SUBJECT), {}) is None:
            notes.append(f"the labels in {wish.project} could not be read: the server decides")
        return "; ".join(notes)

    def _refuse(self, item: Item, wish: Wish, label: str) -> str:
        there = self.reader.below(Place(wish.place.server), Kind.PROJECT)
        if there.error is None and wish.project not in {one.id for one in there.items}:
            return f"{self.reader.connection.user} sees no project {wish.project}."
        if wish.label and (reason := label_refusal(wish.label)):
            return reason
        taken = self._labels_in(wish.project, item.kind)
        if taken is None:
            return ""
        if taken.setdefault(label, item.id) != item.id:
            return f"{wish.project} has another {label} already."
        return ""

    def _transfer(self, place: Place, project: str) -> Change:
        item, projects = _shareable(place), self.projects_of(place)
        owner, share = projects.owner, projects.share(project)
        label = share.label if share is not None else owner.label
        refusal = f"{project} owns it already." if owner.project == project else ""
        if not refusal:
            refusal = self._refuse(item, Wish(place, project), label)
        assessors: tuple[str, ...] = ()
        if place.kind is Kind.EXPERIMENT:
            listing = self.reader.below(place, Kind.ASSESSOR)
            refusal = refusal or (listing.error.message if listing.error is not None else "")
            assessors = tuple(one.id for one in listing.items)
        change = Change(
            str(place.location),
            "give away",
            {"project": owner.project},
            {"project": project, "label": label},
            note="its files move; the old project keeps nothing",
            refusal=refusal,
            destroys=True,
            project=owner.project,
        )
        return self._plan(change, place, project, assessors=assessors)

    def _plan(
        self,
        change: Change,
        place: Place,
        project: str,
        *,
        label: str = "",
        assessors: tuple[str, ...] = (),
    ) -> Change:
        uri = "" if change.refusal else self._owner_uri(place)
        if not change.refusal:
            self._steps[_key(change)] = _Step(place, uri, project, label, assessors)
        return change

    def _owner_uri(self, place: Place) -> str:
        """The item's address through the project that owns it, by accession IDs."""
        item = _shareable(place)
        owner = self.projects_of(place.up_to(Kind.EXPERIMENT)).owner.project
        if place.kind is Kind.SUBJECT:
            return f"/data/projects/{owner}/subjects/{item.id}"
        session = place.of(Kind.EXPERIMENT)
        assert session is not None
        if place.kind is Kind.EXPERIMENT:
            return f"/data/experiments/{session.id}"
        subject = place.of(Kind.SUBJECT)
        assert subject is not None
        return f"/data/projects/{owner}/subjects/{subject.id}/experiments/{session.id}/assessors/{item.id}"

    def _labels_in(self, project: str, kind: Kind) -> dict[str, str] | None:
        """Labels taken in a project, those of this plan included; None where they cannot be read."""
        key = (project, kind is Kind.SUBJECT)
        if key not in self._labels:
            ask = gateway.subject_labels if kind is Kind.SUBJECT else gateway.experiment_labels
            try:
                self._labels[key] = ask(self.reader.connection, project)
            except (BadAnswer, NotAllowed, NotFound, Refused, ServerError):
                self._labels[key] = None
        return self._labels[key]

    def _sessions(self, subject: Place) -> list[Place]:
        listing = self.reader.below(subject, Kind.EXPERIMENT)
        if listing.error is not None:
            raise listing.error
        return [subject.child(item) for item in listing.items]

    def _shared_below(self, place: Place, project: str) -> list[Place]:
        """Sessions and assessors below a place that are shared into the project as well."""
        if place.kind is Kind.SUBJECT:
            sessions = self._sessions(place)
            below = [one for session in sessions for one in (session, *self._shared_below(session, project))]
        elif place.kind is Kind.EXPERIMENT:
            listing = self.reader.below(place, Kind.ASSESSOR)
            if listing.error is not None:
                raise listing.error
            below = [place.child(item) for item in listing.items]
        else:
            return []
        return [one for one in below if self.projects_of(one).share(project) is not None]

    def _row_place(self, server: Place, row: Row) -> Place:
        location = server.location.child(Kind.PROJECT, row["source"]).child(Kind.SUBJECT, row["subject"])
        if row["session"]:
            location = location.child(Kind.EXPERIMENT, row["session"])
        return find_one(self.reader, location)


def _shareable(place: Place) -> Item:
    if place.item is None or place.kind not in SHAREABLE:
        raise NotFound(
            f"{place.location} cannot be shared.", "Subjects, sessions and assessors can: name one of those."
        )
    return place.item


def _key(change: Change) -> tuple[str, str]:
    """A plan says at most one thing of an item and a project."""
    fields = change.before if change.verb == "unshare" else change.after
    return change.location, fields["project"]


def _holds(change: Change, step: _Step, projects: Projects) -> bool:
    """Whether the item is where the change wanted it."""
    share = projects.share(step.project)
    if change.verb == "unshare":
        return share is None and projects.owner.project != step.project
    if change.verb == "give away":
        return projects.owner.project == step.project
    return share is not None and (not step.label or share.label == step.label)
