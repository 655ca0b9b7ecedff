"""New labels for what is sent: a table of the user's, or a rule whose numbers are dealt once and remembered.

The remembered table says who is who. It is a file of mode 0600 that the user names, never sent, never logged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import ConfigError, UsageError
from xnat_tui.model.sharing import label_refusal
from xnat_tui.paths import open_to_others, write_private
from xnat_tui.services import tables
from xnat_tui.services.tables import Row

_COLUMNS = ("subject", "new_subject")
_MORE = ("session", "new_session")
_NUMBER = re.compile(r"\{n(?::0?([1-9])d)?\}")


@dataclass(frozen=True, slots=True)
class Labels:
    """Old labels and new ones. A session's is looked up below its subject's old label."""

    subjects: Mapping[str, str]
    sessions: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def unknown(self, subjects: Collection[str]) -> list[str]:
        """Rows that no subject is meant by."""
        return [subject for subject in self.subjects if subject not in subjects]


def read_map(path: Path) -> Labels:
    """The table `subject,new_subject[,session,new_session]`; a row without a session is the subject's own.

    Raises UsageError with file, line and column for a row that says too little, twice or otherwise what
    another says, for two that get one label (also in other case), and for labels that XNAT refuses.
    """
    table = tables.read(path, required=_COLUMNS, optional=_MORE, key=("subject", "session"))
    subjects: dict[str, str] = {}
    sessions: dict[tuple[str, str], str] = {}
    for row in table.rows:
        if subjects.setdefault(row["subject"], row["new_subject"]) != row["new_subject"]:
            raise row.error("new_subject", "another line gives this subject another label.")
        _check(row, "new_subject")
        if bool(row["session"]) != bool(row["new_session"]):
            raise row.error("new_session", "a session needs its old and its new label.")
        if row["session"]:
            _check(row, "new_session")
            sessions[row["subject"], row["session"]] = row["new_session"]
    _refuse_collisions(path.name, subjects)
    _refuse_collisions(path.name, {session: label for (_, session), label in sessions.items()}, sessions)
    return Labels(subjects, sessions)


def _check(row: Row, column: str) -> None:
    if reason := label_refusal(row[column]):
        raise row.error(column, reason)


def _refuse_collisions(
    name: str, labels: Mapping[str, str], rows: Mapping[tuple[str, str], str] | None = None
) -> None:
    """No two items may become one, and none may get what another is called now: it would pass for it."""
    taken: set[str] = set()
    for new in labels.values() if rows is None else rows.values():
        if new.casefold() in taken:
            raise UsageError(f"{name}: two lines give the label {new}.", "Each needs a label of its own.")
        taken.add(new.casefold())
    for old in labels:
        if old.casefold() in taken:
            raise UsageError(f"{name}: {old} is an old label and a new one.", "Choose new labels.")


@dataclass(frozen=True, slots=True)
class Rule:
    """A label with a number in it: `SITE-{n:04d}`."""

    text: str

    def __post_init__(self) -> None:
        """Raises UsageError for what is no such rule, or makes labels that XNAT refuses."""
        bare = _NUMBER.sub("", self.text)
        if len(_NUMBER.findall(self.text)) != 1 or "{" in bare or "}" in bare:
            raise UsageError(f"{self.text!r} is no rule for labels.", "Write it so: SITE-{n:04d}")
        if reason := label_refusal(self.label(1)):
            raise UsageError(f"{self.text!r} makes labels that XNAT refuses: {reason}", "Use another rule.")

    def label(self, number: int) -> str:
        """The label of a number, 1 or more."""
        found = _NUMBER.search(self.text)
        assert found is not None
        return _NUMBER.sub(str(number).zfill(int(found[1] or 1)), self.text)

    def deal(self, subjects: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
        """Labels for subjects, in the order of their names; one that is known keeps its own.

        A number is dealt once, even where its subject has gone. Raises UsageError where a new label is what
        another subject is called now.
        """
        found = dict(known)
        taken = {label.casefold() for label in known.values()} | {one.casefold() for one in subjects}
        number = 0
        for subject in sorted(set(subjects) - set(known)):
            number += 1
            while self.label(number).casefold() in taken:
                number += 1
            found[subject] = self.label(number)
            taken.add(found[subject].casefold())
        return found


def read_dealt(path: Path) -> Labels:
    """What was dealt before; nothing where there is no file yet. Raises ConfigError where others can read it,
    UsageError where it is no such table."""
    if not path.exists():
        return Labels({})
    if open_to_others(path):
        raise ConfigError(f"{path} can be read by others than you.", f"chmod 600 {path}")
    return read_map(path)


def write_dealt(path: Path, labels: Labels) -> None:
    """Remember who is who (0600), whole or not at all. Raises ConfigError where it cannot be written."""
    rows = [dict(zip(_COLUMNS, pair, strict=True)) for pair in sorted(labels.subjects.items())]
    for (subject, session), new in sorted(labels.sessions.items()):
        given = (subject, labels.subjects[subject], session, new)
        rows.append(dict(zip((*_COLUMNS, *_MORE), given, strict=True)))
    try:
        write_private(path, tables.write((*_COLUMNS, *_MORE), rows))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None
