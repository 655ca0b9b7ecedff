"""The prearchive as its staff uses it: look, archive, move, rebuild, delete; only what was chosen.

Every write is planned from what the server shows, and looked at again right before it is sent. Long work
is watched in the list until it ends: a time-out of the server is no failure.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, Conflict, NotFound, UsageError, XnatTuiError
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location, Step
from xnat_tui.model.prearchive import (
    UNASSIGNED,
    Labels,
    Received,
    Selection,
    cleaned,
    illegal_characters,
    selected_by,
)
from xnat_tui.services.headers import text_of
from xnat_tui.services.prearchive_details import Details, archived_session, check_replaced, details
from xnat_tui.services.prearchive_work import send_and_watch
from xnat_tui.xnat import prearchive as wire
from xnat_tui.xnat.connection import Connection, url_path

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace

OVERWRITES = ("none", "append", "delete")
_ADDRESS = re.compile(
    r"(?P<base>https?://.+?)/(?:data|REST)/prearchive(?:/projects(?:/(?P<rest>.*))?)?/?$", re.I
)


def locate(workspace: Workspace, text: str) -> tuple[str, tuple[Step, ...]]:
    """A server and what is selected on it, from a location or a pasted prearchive address.

    `lab:`, `lab:P`, `lab:Unassigned`, `lab:P/SUBJECT/SESSION`, `lab:P/TIMESTAMP/FOLDER`, with globs.
    Raises UsageError.
    """
    if found := _ADDRESS.match(text.strip()):
        server = workspace.location(found["base"]).server
        parts = (found["rest"] or "").strip("/").split("/")
        kinds = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT)
        named = Location.parse("x:" + "/".join(parts[: len(kinds)])) if parts[0] else Location("x")
        return server, named.steps
    location = workspace.location(text)
    return location.server, selected_by(location)


class Prearchive:
    """The prearchive of one server. `name` is how locations name the server.

    A `stop` of the caller's ends watches with Interrupted for good, where `interrupt` ends only one.
    Without `autorun` what is archived does not start the project's AutoRun, as it otherwise does.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        stop: threading.Event | None = None,
        autorun: bool = True,
    ) -> None:
        self.connection = connection
        self.name = name
        self._autorun = autorun
        self._planned: dict[str, Received] = {}
        self._stop = stop or threading.Event()
        self._reusable = stop is None

    def sessions(self, selection: Selection, *, now: datetime | None = None) -> list[Received]:
        """What is selected, in the server's order. Raises Forbidden, ServerUnreachable and the like."""
        project = selection.steps[0] if selection.steps else None
        asked = project.name if project is not None and not project.glob else ""
        moment = now or datetime.now()
        return [one for one in wire.sessions(self.connection, asked) if selection.keeps(one, moment)]

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
        archived = {project: _Archived(self.connection, project) for project in {o.project for o in chosen}}
        changes = [self._planned_archive(one, wanted, overwrite, archived[one.project]) for one in chosen]
        return changes if overwrite == "append" else _refuse_doubles(changes)

    def plan_move(self, chosen: Sequence[Received], project: str) -> list[Change]:
        changes = []
        for one in chosen:
            refusal = self._refusal(one) or ("It is in this project." if one.project == project else "")
            changes.append(self._change(one, "move", {"project": project}, refusal=refusal))
        return changes

    def plan_rebuild(self, chosen: Sequence[Received]) -> list[Change]:
        return [self._change(one, "rebuild", {}, refusal=self._refusal(one)) for one in chosen]

    def plan_delete(self, chosen: Sequence[Received]) -> list[Change]:
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

    def _planned_archive(self, one: Received, labels: Labels, overwrite: str, archived: _Archived) -> Change:
        after: dict[str, str] = {}
        notes: list[str] = []
        refusal = self._refusal(one)
        if not refusal and not one.project:
            refusal = "It belongs to no project: move it to one first."
        if not refusal:
            try:
                after, notes = self._labels(one, labels)
                refusal = _label_refusal(after)
                if not refusal:
                    refusal, more = archived.judge(after["subject"], after["name"], overwrite)
                    notes += more
            except XnatTuiError as error:
                refusal = error.message
        if overwrite != "none" and not refusal:
            after["overwrite"] = overwrite
        return self._change(
            one, "archive", after, refusal=refusal, note=" ".join(notes), destroys=overwrite == "delete"
        )

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


class _Archived:
    """What a project's archive holds under which labels; asked for once, when it is first needed."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._project = project
        self._sessions: dict[str, str] | None = None
        self._subjects: list[str] = []

    def judge(self, subject: str, session: str, overwrite: str) -> tuple[str, list[str]]:
        """Why archiving under these labels is refused, and what the user should know of it."""
        if self._sessions is None:
            self._read()
        assert self._sessions is not None
        notes: list[str] = []
        alike = [label for label in self._subjects if label.lower() == subject.lower()]
        if alike and subject not in alike:
            notes.append(f"XNAT puts it into the existing subject {alike[0]}.")
        elif not alike:
            notes.append(f"Creates subject {subject}.")
        owner = self._sessions.get(session)
        if owner is None:
            return "", notes
        if overwrite == "none":
            return f"{session} exists in the archive. Use --overwrite append to merge into it.", notes
        if owner and owner.lower() != subject.lower():
            return f"{session} exists in the archive, under subject {owner}.", notes
        word = "Replaces" if overwrite == "delete" else "Merges into"
        return "", [*notes, f"{word} the archived {session}."]

    def _read(self) -> None:
        project = f"/data/projects/{url_path(self._project)}"
        sessions = self._connection.table(f"{project}/experiments", columns="ID,label,subject_label")
        self._sessions = {row["label"]: row["subject_label"] for row in sessions}
        self._subjects = [
            row["label"] for row in self._connection.table(f"{project}/subjects", columns="ID,label")
        ]


def _label_refusal(after: Mapping[str, str]) -> str:
    for name, word in (("subject", "subject"), ("name", "session")):
        label = after[name]
        if not label:
            return f"It has no {word} label: give one with --as SUBJECT/SESSION."
        if wrong := illegal_characters(label):
            return f"The {word} label {label!r} holds {wrong!r}; XNAT would store {cleaned(label)}."
    return ""


def _refuse_doubles(changes: list[Change]) -> list[Change]:
    """Two sessions under one label would become one: neither is sent."""
    seen: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if not change.refusal:
            seen.setdefault((change.project, change.after["name"]), []).append(change)
    doubled = {key for key, rows in seen.items() if len(rows) > 1}
    return [
        replace(
            change,
            refusal=f"Several of these sessions would be called {change.after['name']}.",
            destroys=False,
        )
        if not change.refusal and (change.project, change.after["name"]) in doubled
        else change
        for change in changes
    ]
