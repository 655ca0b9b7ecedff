"""Labels that received sessions get in the archive: from tables, and against what is archived already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xnat_tui.errors import UsageError
from xnat_tui.model.changes import Change
from xnat_tui.model.prearchive import Labels, Received, cleaned, illegal_characters
from xnat_tui.services.tables import Row
from xnat_tui.xnat.http.connection import Connection, url_path


class ArchivedLabels:
    """What a project's archive holds under which labels; asked for once, when it is first needed."""

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._project = project
        self._held: tuple[Mapping[str, str], Sequence[str]] | None = None

    def subject(self, label: str) -> tuple[str, str]:
        """The label of the subject that XNAT takes, which ignores case; and why none can be told."""
        alike = [one for one in self._read()[1] if one.lower() == label.lower()]
        if not alike or label in alike:
            return label, ""
        if len(alike) > 1:
            return label, f"{label} could be {' or '.join(alike)}: XNAT ignores case. Give one of them."
        return alike[0], ""

    def has(self, session: str) -> bool:
        """Whether a session is archived under this label."""
        return session in self._read()[0]

    def judge(self, subject: str, session: str, overwrite: str) -> tuple[str, list[str]]:
        """Why archiving under these labels is refused, and what the user should know of it."""
        sessions, subjects = self._read()
        notes = [] if subject in subjects else [f"Creates subject {subject}."]
        owner = sessions.get(session)
        if owner is None:
            return "", notes
        if overwrite == "none":
            return f"{session} exists in the archive. Use --overwrite append to merge into it.", notes
        if owner and owner.lower() != subject.lower():
            return f"{session} exists in the archive, under subject {owner}.", notes
        word = "Replaces" if overwrite == "delete" else "Merges into"
        return "", [*notes, f"{word} the archived {session}."]

    def _read(self) -> tuple[Mapping[str, str], Sequence[str]]:
        """Session label → subject label, and subject labels."""
        if self._held is None:
            project = f"/data/projects/{url_path(self._project)}"
            sessions = self._connection.table(f"{project}/experiments", columns="ID,label,subject_label")
            subjects = self._connection.table(f"{project}/subjects", columns="ID,label")
            self._held = (
                {row["label"]: row["subject_label"] for row in sessions},
                [row["label"] for row in subjects],
            )
        return self._held


def label_refusal(after: Mapping[str, str]) -> str:
    """Why XNAT would not keep the labels of a planned row; "" where it would."""
    for name, word in (("subject", "subject"), ("name", "session")):
        label = after[name]
        if not label:
            return f"It has no {word} label: give one with --as SUBJECT/SESSION."
        if wrong := illegal_characters(label):
            return f"The {word} label {label!r} holds {wrong!r}; XNAT would store {cleaned(label)}."
    return ""


def names(row: Row, one: Received) -> bool:
    """Whether a table's row means this session, by label or folder, and by timestamp where it has one."""
    return row["session"] in (one.name, one.folder) and row["timestamp"] in ("", one.timestamp)


def row_labels(row: Row) -> Labels:
    """The labels of a table's row; empty ones keep what a session has. Raises UsageError."""
    subject, session = row["new_subject"], row["new_label"]
    if "/" in subject or not (subject or session):
        if subject or session:
            raise row.error("new_subject", "a label holds no slash.")
        return Labels()
    try:
        return Labels.parse(f"{subject}/{session}")
    except UsageError as error:
        raise row.error("new_label" if session else "new_subject", error.message) from None


def refuse_doubles(changes: list[Change]) -> list[Change]:
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
