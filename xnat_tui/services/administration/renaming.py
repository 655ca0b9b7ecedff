"""Renaming subjects and sessions, with what stands in the way found before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    NotFound,
    ServerError,
    Unclear,
    XnatTuiError,
)
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.history import Area
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import label_refusal
from xnat_tui.model.workflow import Workflow
from xnat_tui.services.administration.patience import Patience, Told, Wait, answered
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.administration.rename_record import RenameRecord
from xnat_tui.services.administration.workflows import Workflows
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.tables import CsvTable
from xnat_tui.xnat.actions import renaming as gateway
from xnat_tui.xnat.actions import workflows as workflow_gateway
from xnat_tui.xnat.actions.sharing import experiment_labels, projects_of, subject_labels

TABLE_REQUIRED = ("subject", "new_label")
TABLE_OPTIONAL = ("session",)
GO_ON = "The same call goes on where this ended: what is renamed already is left as it is."


@dataclass(frozen=True, slots=True)
class Wish:
    """One item and its new label. `after` is an item whose renaming has to succeed first."""

    place: Place
    label: str
    after: str = ""


@dataclass(slots=True)
class RenamePlan:
    """Changes in order, dismissals before what they make possible; `blocking` are open AutoRuns."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blocking: list[Workflow] = field(default_factory=list)


class Renaming:
    """Renames on one server. Plans read; only `do` writes, and looks until it is clear what happened.

    `told` hears what is waited for while it looks. What a call left half done, the same call finishes: an
    item that is not there under its old label, and of which the `record` knows that it was to get its new
    one, is taken for renamed already.
    """

    def __init__(self, reader: Reader, *, wait: Wait, told: Told = lambda _text: None) -> None:
        self.reader = reader
        self.patience = Patience(wait, told)
        self._record = RenameRecord(reader.connection.url)
        self.workflows = Workflows(reader)
        self._planned: dict[str, tuple[Place, str]] = {}
        self._after: dict[str, str] = {}
        self._blocked: dict[str, set[str]] = {}
        self._done: set[str] = set()

    def plan_item(
        self, location: Location, label: str, *, with_sessions: bool = False, dismiss: bool = False
    ) -> RenamePlan:
        """A plan for one item, with a subject's sessions if they are to follow it.

        Raises NotFound where it stands under neither label.
        """
        place, former = self._standing(location, label)
        wishes, notes = self.wishes(place, label, with_sessions=with_sessions, former=former)
        plan = self.plan(wishes, dismiss=dismiss)
        plan.notes += ([_taken_for_done(former, place)] if former else []) + notes
        return plan

    def _standing(
        self, location: Location, label: str, renamed: Mapping[str, str] | None = None
    ) -> tuple[Place, str]:
        """The item at a location, or, where an earlier call renamed it, the one of the new label with the
        former label. `renamed` are new labels of subjects that the same call renames.

        Raises NotFound where it stands nowhere, or what stands there was never seen under the old label.
        """
        ways = [(location, "")]
        subject = location.step(Kind.SUBJECT)
        if location.kind is Kind.EXPERIMENT and subject is not None and subject.name in (renamed or {}):
            project = Location(location.server, location.steps[:1])
            above = project.child(Kind.SUBJECT, (renamed or {})[subject.name])
            ways.append((above.child(Kind.EXPERIMENT, location.name), subject.name))
        failure: NotFound | None = None
        for way, above_was in ways:
            for at in (way, way.parent.child(way.kind, label)):
                try:
                    place = find_one(self.reader, at)
                except NotFound as error:
                    failure = failure or error
                    continue
                former = "" if at is way else location.name
                if self._is_proved(place, former, above_was):
                    return place, former
                assert failure is not None, "the location itself is looked at first"
                raise NotFound(
                    failure.message,
                    f"{place.location} is there, and nothing shows that this renamed it: look which it is.",
                )
        assert failure is not None, "there is at least one way"
        raise failure

    def _is_proved(self, place: Place, former: str, subject_was: str) -> bool:
        """Whether the record knows an item, and its subject, under the labels that they had."""
        assert place.item is not None, "a server has no label"
        if former and not self._record.has(place.item, former):
            return False
        subject = place.of(Kind.SUBJECT)
        return not subject_was or (subject is not None and self._record.has(subject, subject_was))

    def wishes(
        self, place: Place, label: str, *, with_sessions: bool = False, former: str = ""
    ) -> tuple[list[Wish], list[str]]:
        """An item's new label, with those of a subject's sessions, and which sessions keep theirs.

        A session follows its subject where its label begins with the subject's, or with its `former` one
        where the subject is renamed already. Raises what listing its sessions raises.
        """
        found, notes = [] if former else [Wish(place, label)], []
        if with_sessions and place.kind is Kind.SUBJECT:
            assert place.item is not None
            old = former or place.item.key
            listing = self.reader.below(place, Kind.EXPERIMENT)
            if listing.error is not None:
                raise listing.error
            for item in listing.items:
                rest = item.key.removeprefix(old)
                if former and _follows(item.key.removeprefix(label), item.key):
                    continue  # an earlier call did it
                if not _follows(rest, item.key):
                    notes.append(f"{item.key} keeps its label: it does not begin with {old}")
                else:
                    after = "" if former else str(place.location)
                    found.append(Wish(place.child(item), f"{label}{rest}", after))
        return found, notes

    def plan_table(self, project: Place, table: CsvTable, *, dismiss: bool = False) -> RenamePlan:
        """A plan for rows of `subject`, `new_label` and perhaps `session`, which is then what is renamed.

        A row that names nothing is refused. Raises UsageError with its line for a label that XNAT refuses.
        """
        wishes, refused, notes = [], [], []
        lines: dict[str, int] = {}
        renamed = {row["subject"]: row["new_label"] for row in table.rows if not row["session"]}
        for row in table.rows:
            if reason := label_refusal(row["new_label"]):
                raise row.error("new_label", reason)
        for row in table.rows:
            location = project.location.child(Kind.SUBJECT, row["subject"])
            if row["session"]:
                location = location.child(Kind.EXPERIMENT, row["session"])
            reason = ""
            try:
                place, former = self._standing(location, row["new_label"], renamed)
            except NotFound as error:
                reason = error.message
            else:
                if former:
                    notes.append(f"line {row.line}: {_taken_for_done(former, place)}")
                    continue
                line = lines.setdefault(str(place.location), row.line)
                if line == row.line:
                    wishes.append(Wish(place, row["new_label"]))
                else:
                    reason = f"line {line} renames the same item."
            if reason:
                change = Change(str(location), "rename", after={"label": row["new_label"]})
                refused.append(replace(change, refusal=f"line {row.line}: {reason}"))
        plan = self.plan(wishes, dismiss=dismiss)
        plan.changes += refused
        plan.notes += notes
        return plan

    def plan(self, wishes: Iterable[Wish], *, dismiss: bool = False) -> RenamePlan:
        """What renaming needs: labels checked against all others, open workflows looked up.

        An open AutoRun blocks its item; with `dismiss` ending it is part of the plan. Any other open
        workflow refuses the rename.
        """
        wishes = list(wishes)
        plan = RenamePlan()
        for by_project in _by_project(wishes).values():
            self._plan_project(by_project, plan, dismiss)
        if any(change.verb == "rename" and not change.refusal for change in plan.changes):
            plan.notes += self.anonymisation()
        return plan

    def do(self, change: Change) -> str:
        """Dismiss, or rename and look until the old or the new label is seen to stand.

        Raises Conflict where the label was taken or the item is in work, Unclear where minutes of looking
        did not tell, Interrupted where the user stopped the looking.
        """
        if change.verb == "dismiss":
            note = self.workflows.do(change)
            self._blocked[change.location].discard(change.after["workflow_id"])
            return note
        if self._blocked.get(change.location):
            raise Conflict("AutoRun still blocks it: it could not be dismissed.", "Ask who started it.")
        return self._rename_planned(change)

    def about(self, change: Change) -> Place:
        """The subject or session of a planned change."""
        return self._planned[change.location][0]

    @kept(Area.RENAMING)
    def _rename_planned(self, change: Change) -> str:
        first = self._after.get(change.location, "")
        if first and first not in self._done:
            raise Conflict("Its subject was not renamed.", "Rename that first.")
        (place, uri), label = self._planned[change.location], change.after["label"]
        failure: XnatTuiError | None = None
        assert place.item is not None, "only items are planned"
        self._record.keep(place.item, label)
        try:
            try:
                gateway.put_label(self.reader.connection, uri, label)
            except (Conflict, ServerError, Unclear) as error:
                failure = error
            if not self.patience.sees(
                lambda: gateway.current_label(self.reader.connection, uri) == label,
                failure,
                change.location,
                f"renaming it to {label}",
            ):
                raise failure or BadAnswer(
                    "The server accepted the new label and still shows the old one.",
                    "Only the owner's project can rename it; look again later.",
                )
        except KeyboardInterrupt:
            raise _stopped() from None
        finally:
            self.reader.changed(place.up_to(Kind.PROJECT))
        self._done.add(change.location)
        return f"The server answered {answered(failure)}; read back, and it is renamed." if failure else ""

    def _plan_project(self, wishes: Sequence[Wish], plan: RenamePlan, dismiss: bool) -> None:
        project = wishes[0].place.up_to(Kind.PROJECT)
        assert project.item is not None
        taken = self.labels(project.item, wishes)
        running, unknown = self.open_workflows(project)
        if unknown:
            plan.notes.append(unknown)
        for wish in wishes:
            item = wish.place.item
            assert item is not None
            change = self._rename(wish, taken)
            if change is None:
                continue
            blocking = [] if change.refusal else running.get(item.id, [])
            dismissals = [self.workflows.dismissal(wish.place, one) for one in blocking if one.is_autorun]
            change = _refused_by(change, blocking, dismissals, dismiss)
            plan.blocking += [one for one in blocking if one.is_autorun]
            self._blocked[change.location] = set()
            if dismiss and not change.refusal:
                plan.changes += dismissals
                self._blocked[change.location] = {one.after["workflow_id"] for one in dismissals}
            if not change.refusal:
                labels = taken[wish.place.kind]
                labels.pop(item.key, None)
                labels[wish.label] = item.id
            plan.changes.append(change)

    def _rename(self, wish: Wish, taken: Mapping[Kind, dict[str, str]]) -> Change | None:
        item, place = wish.place.item, wish.place
        if item is None or place.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            raise NotFound(f"{place.location} cannot be renamed.", "Subjects and sessions can.")
        if item.key == wish.label:
            return None
        project = place.of(Kind.PROJECT)
        assert project is not None
        holder = taken[place.kind].get(wish.label, item.id)
        refusal = label_refusal(wish.label)
        if not refusal and holder != item.id:
            refusal = f"{project.id} has another {wish.label} already."
        owner = projects_of(self.reader.connection, item.uri).owner.project
        if not refusal and owner != project.id:
            refusal = f"it is only shared in from {owner}: rename it there, or relabel the share."
        location = str(place.location)
        self._after.pop(location, None)
        if wish.after:
            self._after[location] = wish.after
        self._planned[location] = (place, _uri(owner, item))
        twins = [one for one in taken[place.kind] if one != item.key and one.lower() == wish.label.lower()]
        note = f"differs from {twins[0]} by case only" if twins and not refusal else ""
        return Change(
            location,
            "rename",
            {"label": item.key},
            {"label": wish.label},
            note=note,
            refusal=refusal,
            project=project.id,
        )

    def labels(self, project: Item, wishes: Sequence[Wish]) -> dict[Kind, dict[str, str]]:
        """Label → accession ID of what a project shows, of the kinds that are to be renamed."""
        kinds = {wish.place.kind for wish in wishes}
        connection = self.reader.connection
        return {
            Kind.SUBJECT: subject_labels(connection, project.id) if Kind.SUBJECT in kinds else {},
            Kind.EXPERIMENT: experiment_labels(connection, project.id) if Kind.EXPERIMENT in kinds else {},
        }

    def open_workflows(self, project: Place) -> tuple[dict[str, list[Workflow]], str]:
        """Open workflows by item, in one request; or a note that they could not be looked up."""
        try:
            found = self.workflows.open_on(project)
        except (BadAnswer, Forbidden) as error:
            return (
                {},
                f"open workflows could not be looked up ({error.message}); the server refuses if one blocks",
            )
        running: dict[str, list[Workflow]] = {}
        for one in found:
            running.setdefault(one.item, []).append(one)
        if "" in running:
            return running, "an open workflow whose item is not told may block one; the server then refuses"
        return running, ""

    def anonymisation(self) -> list[str]:
        """What a rename, or another subject, makes of the files, as far as this user is told."""
        on = workflow_gateway.anonymises_on_rename(self.reader.connection)
        if on is None:
            return ["whether renaming runs the project's anonymisation again is not known to this user"]
        return ["renaming runs the project's anonymisation again and rewrites the DICOM files"] if on else []


def _uri(owner: str, item: Item) -> str:
    return f"/data/projects/{owner}/{item.kind.plural}/{item.id}"


def _by_project(wishes: Iterable[Wish]) -> dict[str, list[Wish]]:
    found: dict[str, list[Wish]] = {}
    for wish in wishes:
        project = wish.place.of(Kind.PROJECT)
        found.setdefault(project.id if project is not None else "", []).append(wish)
    return found


def _refused_by(
    change: Change, blocking: Sequence[Workflow], dismissals: Sequence[Change], dismiss: bool
) -> Change:
    """The change, refused where an open workflow stays in its way."""
    if others := [one for one in blocking if not one.is_autorun]:
        other = others[0]
        name, status = other.name or "an unnamed workflow", other.status or "in an untold status"
        return replace(change, refusal=f"{name} is {status} on it since {other.started}.")
    if stuck := [one.refusal for one in dismissals if one.refusal]:
        return replace(change, refusal=f"AutoRun blocks it. {stuck[0]}")
    if blocking and not dismiss:
        return replace(change, refusal=f"AutoRun is {blocking[0].status} on it since {blocking[0].started}.")
    return change


def _stopped() -> Interrupted:
    return Interrupted("Stopped before the server told whether it is renamed.", GO_ON)


def _follows(rest: str, label: str) -> bool:
    """Whether a session's label begins with its subject's, of which `rest` is what comes after."""
    return rest != label and not rest[:1].isalnum()


def _taken_for_done(former: str, place: Place) -> str:
    return f"{former} is not there and {place.location} is: taken for renamed already"
