"""The prearchive as its staff uses it: look, archive, move, rebuild, delete; only what was chosen.

Every write is planned from what the server shows, and looked at again right before it is sent. Long work
is watched in the list until it ends: a time-out of the server is no failure.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, Conflict, NotFound, UsageError, XnatTuiError
from xnat_tui.model.changed import Changed, What
from xnat_tui.model.changes import Change
from xnat_tui.model.clock import Clock
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, Step
from xnat_tui.model.prearchive import (
    UNASSIGNED,
    Labels,
    Received,
    Selection,
    cleaned,
    selected_by,
)
from xnat_tui.services.administration.prearchive.details import (
    Details,
    archived_session,
    check_replaced,
    details,
)
from xnat_tui.services.administration.prearchive.labels import (
    ArchivedLabels,
    label_refusal,
    names,
    refuse_doubles,
    row_labels,
)
from xnat_tui.services.administration.prearchive.work import send_and_watch
from xnat_tui.services.changes import Changes
from xnat_tui.services.dicom.headers import text_of
from xnat_tui.services.tables import CsvTable
from xnat_tui.xnat.actions import prearchive as wire
from xnat_tui.xnat.http.connection import Connection

if TYPE_CHECKING:
    from xnat_tui.services.servers import Servers

OVERWRITES = ("none", "append", "delete")
TABLE_REQUIRED = ("session",)
TABLE_OPTIONAL = ("timestamp", "new_subject", "new_label")
TABLE_KEY = ("session", "timestamp")
_ADDRESS = re.compile(
    r"(?P<base>https?://.+?)/(?:data|REST)/prearchive(?:/projects(?:/(?P<rest>.*))?)?/?$", re.I
)


def locate(servers: Servers, text: str) -> tuple[str, tuple[Step, ...]]:
    """A server and what is selected on it, from a location or a pasted prearchive address.

    `lab:`, `lab:P`, `lab:Unassigned`, `lab:P/SUBJECT/SESSION`, `lab:P/TIMESTAMP/FOLDER`, with globs.
    Raises UsageError.
    """
    if found := _ADDRESS.match(text.strip()):
        server = servers.location(found["base"]).server
        parts = (found["rest"] or "").strip("/").split("/")
        kinds = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT)
        named = Location.parse("x:" + "/".join(parts[: len(kinds)])) if parts[0] else Location("x")
        return server, named.steps
    location = servers.location(text)
    return location.server, selected_by(location)


class Prearchive:
    """The prearchive of one server. `name` is how locations name the server.

    A `stop` of the caller's ends watches with Interrupted for good, where `interrupt` ends only one.
    `changes` hear what is done here. Without `autorun` what is archived does not start the project's AutoRun,
    as it otherwise does.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        stop: threading.Event | None = None,
        autorun: bool = True,
        changes: Changes | None = None,
    ) -> None:
        self.connection = connection
        self._changes = changes
        self.name = name
        self.clock = connection.clock
        self._autorun = autorun
        self._planned: dict[str, Received] = {}
        self._stop = stop or threading.Event()
        self._reusable = stop is None

    def sessions(self, selection: Selection, *, clock: Clock | None = None) -> list[Received]:
        """What is selected, in the server's order. Raises Forbidden, ServerUnreachable and the like."""
        project = selection.steps[0] if selection.steps else None
        asked = project.name if project is not None and not project.glob else ""
        return selection.of(wire.sessions(self.connection, asked), clock or self.clock)

    def size(self, one: Received) -> tuple[int | None, int | None]:
        """Files and bytes; one request per session."""
        return wire.size(self.connection, one)

    def details(self, one: Received) -> Details:
        """Scans, log, what stands against archiving, what differs from the archived session."""
        return details(self.connection, one)

    def plan_archive(
        self, chosen: Sequence[Received], labels: Labels | None = None, overwrite: str = "none"
    ) -> list[Change]:
        """One row per session, with the labels that it gets; refused rows say why.

        `overwrite`: "none" refuses sessions that exist in the archive, although XNAT itself would merge
        into them; "append" merges, "delete" replaces. Raises UsageError for labels without a template that
        are meant for several sessions.
        """
        if overwrite not in OVERWRITES:
            raise UsageError(f"{overwrite!r} is no way to overwrite.", "Use none, append or delete.")
        wanted = labels or Labels()
        if wanted.session and not wanted.names and len(chosen) > 1:
            raise UsageError(
                f"{len(chosen)} sessions cannot all be called {wanted.session}.",
                "Choose one, or give a template: {PatientID}/{PatientID}_{StudyDate}",
            )
        return self._plan_archive([(one, wanted) for one in chosen], overwrite)

    def plan_archive_table(
        self, chosen: Sequence[Received], table: CsvTable, overwrite: str = "none"
    ) -> list[Change]:
        """One change per row of a table of `session`, and perhaps `timestamp`, `new_subject`, `new_label`.

        `session` is the label or folder of one of the chosen sessions; those that no row names are left
        alone. An empty cell keeps what the session has. A row that names none, or several, is refused.
        Raises UsageError with line and column for labels that cannot be meant.
        """
        wanted: list[tuple[Received, Labels]] = []
        refused: list[Change] = []
        for row in table.rows:
            labels = row_labels(row)
            named = [one for one in chosen if names(row, one)]
            if len(named) == 1:
                wanted.append((named[0], labels))
                continue
            reason = f"{len(named)} sessions are called so: give the timestamp, too."
            reason = reason if named else "there is no such session here."
            after = {"subject": labels.subject, "name": labels.session}
            where = f"{self.name}:{row['session']}"
            refused.append(Change(where, "archive", {}, after, refusal=f"line {row.line}: {reason}"))
        return [*self._plan_archive(wanted, overwrite), *refused]

    def _plan_archive(self, wanted: Sequence[tuple[Received, Labels]], overwrite: str) -> list[Change]:
        projects = {one.project for one, _ in wanted}
        archived = {project: ArchivedLabels(self.connection, project) for project in projects}
        changes = [
            self._planned_archive(one, labels, overwrite, archived[one.project]) for one, labels in wanted
        ]
        return changes if overwrite == "append" else refuse_doubles(changes)

    def plan_move(self, chosen: Sequence[Received], project: str) -> list[Change]:
        """One row per session that goes to another project; refused where the user sees none of that ID."""
        unseen = ""
        if project not in wire.projects(self.connection):
            unseen = f"{self.connection.user} sees no project {project}."
        changes = []
        for one in chosen:
            refusal = self._refusal(one) or unseen
            refusal = refusal or ("It is in this project." if one.project == project else "")
            changes.append(self._change(one, "move", {"project": project}, refusal=refusal))
        return changes

    def plan_rebuild(self, chosen: Sequence[Received]) -> list[Change]:
        """One row per session whose document is to be made anew from its files."""
        return [self._change(one, "rebuild", {}, refusal=self._refusal(one)) for one in chosen]

    def plan_delete(self, chosen: Sequence[Received]) -> list[Change]:
        """One row per session that is to go, with its files."""
        return [self._change(one, "delete", {}, refusal=self._refusal(one), destroys=True) for one in chosen]

    def do(self, change: Change) -> str:
        """Carry out one planned row; a note on where it is now.

        Raises Conflict where the session has changed since it was planned, Unclear where the work has not
        ended within WATCH_SECONDS, and what the server says against it.
        """
        if self._reusable:
            self._stop.clear()
        planned = self._planned[change.location]
        one = wire.session(self.connection, planned)
        if not one.settled:
            raise Conflict(f"It is {one.status} now: the server or somebody else works on it.", "Try later.")
        try:
            return self._done(one, change)
        finally:
            self._tell(one, change)

    def _done(self, one: Received, change: Change) -> str:
        match change.verb:
            case "archive":
                return self._archive(one, change)
            case "move":
                return self._move(one, change.after["project"])
            case "rebuild":
                return self._rebuild(one)
            case "delete":
                return self._delete(one)
        raise UsageError(f"Nothing in the prearchive is called {change.verb}.")

    def _tell(self, one: Received, change: Change) -> None:
        """Also what became of nothing is told: the server may still be at it."""
        if self._changes is None:
            return
        for project in {one.project, change.after.get("project", one.project)}:
            where = Location(self.name).child(Kind.PROJECT, project) if project else Location(self.name)
            self._changes.say(Changed(where, What.PREARCHIVE))
            if change.verb == "archive":
                self._changes.say(Changed(where, What.ITEMS))

    def interrupt(self) -> None:
        """End the watch that is under way with Interrupted; the server's work goes on."""
        self._stop.set()

    def _change(
        self,
        one: Received,
        verb: str,
        after: Mapping[str, str],
        *,
        refusal: str = "",
        note: str = "",
        destroys: bool = False,
    ) -> Change:
        location = one.location(self.name)
        self._planned[location] = one
        now = {"project": one.project or UNASSIGNED, "subject": one.subject, "name": one.name}
        return Change(
            location,
            verb,
            now if destroys and not after else {n: now[n] for n in after if n in now and now[n] != after[n]},
            after,
            note=note,
            refusal=refusal,
            destroys=destroys and not refusal,
            project=now["project"],
        )

    def _refusal(self, one: Received) -> str:
        return "" if one.settled else f"It is {one.status}: only READY, CONFLICT and ERROR may be worked on."

    def _planned_archive(
        self, one: Received, labels: Labels, overwrite: str, archived: ArchivedLabels
    ) -> Change:
        after: dict[str, str] = {}
        notes: list[str] = []
        refusal = self._refusal(one)
        if not refusal and not one.project:
            refusal = "It belongs to no project: move it to one first."
        if not refusal:
            try:
                after, notes = self._labels(one, labels)
                refusal = label_refusal(after)
                if not refusal:
                    subject, refusal = archived.subject(after["subject"])
                    if subject != after["subject"]:
                        notes.append(f"XNAT puts it into the existing subject {subject}.")
                    after["subject"] = subject
                if not refusal:
                    refusal, more = archived.judge(after["subject"], after["name"], overwrite)
                    notes += more
                if not refusal and archived.has(after["name"]):
                    notes += self._server_check(one, after)
            except XnatTuiError as error:
                refusal = error.message
        if overwrite != "none" and not refusal:
            after["overwrite"] = overwrite
        return self._change(
            one, "archive", after, refusal=refusal, note=" ".join(notes), destroys=overwrite == "delete"
        )

    def _server_check(self, one: Received, after: Mapping[str, str]) -> list[str]:
        """What the server's own check says against merging into the archived session."""
        labels = {"subject": after["subject"], "session": after["name"]}
        try:
            found = wire.problems(self.connection, one, labels)
        except NotFound:
            return []  # a server without this service
        return [f"The server's check, {problem.type}: {problem.message}" for problem in found]

    def _labels(self, one: Received, labels: Labels) -> tuple[dict[str, str], list[str]]:
        """The labels that one session gets. Derived ones are cleaned, and that is said; given ones stay."""
        notes = []
        found = {"subject": labels.subject or one.subject, "name": labels.session or one.name}
        if labels.names:
            header = wire.first_header(self.connection, one, labels.names)
            values = {name: text_of(header[name]) for name in labels.names if name in header}
            filled = labels.filled(values)
            for name, part, text in (
                ("subject", labels.subject, filled.subject),
                ("name", labels.session, filled.session),
            ):
                if not part:
                    continue
                found[name] = cleaned(text) if "{" in part else text
                if found[name] != text:
                    notes.append(f"{text!r} from the header becomes {found[name]}.")
        return found, notes

    def _archive(self, one: Received, change: Change) -> str:
        params = {"subject": change.after["subject"], "session": change.after["name"]}
        params |= {} if self._autorun else {"triggerPipelines": "false"}
        overwrite = change.after.get("overwrite", "")
        if not overwrite:
            self._refuse_existing(one.project, change.after["name"])
        if overwrite:
            params |= {"overwrite": overwrite, "overwrite_files": "true"}
        before = wire.scans(self.connection, one) if overwrite == "delete" else []
        self._work(one, lambda: wire.archive(self.connection, one, params))
        try:
            identifier, stored = archived_session(self.connection, one.project, change.after["name"])
        except NotFound:
            raise BadAnswer(
                f"It has left the prearchive, and {one.project} shows no session {change.after['name']}.",
                "Look at the archive before sending it again.",
            ) from None
        if overwrite == "delete":
            check_replaced(before, stored)
        where = f"{one.project}/{change.after['subject']}/{change.after['name']}"
        return f"archived as {where} ({identifier})"

    def _refuse_existing(self, project: str, label: str) -> None:
        """Raises Conflict for what was archived since the plan: XNAT would merge into it unasked."""
        try:
            archived_session(self.connection, project, label)
        except NotFound:
            return
        raise Conflict(
            f"{project} has a session {label} now, which was not there when this was planned.",
            "Plan again: it can be merged into, or replaced.",
        )

    def _move(self, one: Received, project: str) -> str:
        self._work(one, lambda: wire.move(self.connection, one, project))
        there = wire.sessions(self.connection, project)
        found = next((o for o in there if (o.timestamp, o.folder) == (one.timestamp, one.folder)), None)
        if found is None:
            raise BadAnswer(
                f"It has left its project, and {project} does not list it.", "Look at both lists."
            )
        return f"now {found.location(self.name)}"

    def _rebuild(self, one: Received) -> str:
        self._work(one, lambda: wire.build(self.connection, one), stays=True)
        return "rebuilt"

    def _delete(self, one: Received) -> str:
        self._work(one, lambda: wire.delete(self.connection, one))
        return "deleted"

    def _work(self, one: Received, send: Callable[[], object], *, stays: bool = False) -> None:
        send_and_watch(self.connection, one, send, self._stop, stays=stays)
