"""What waits before the archive: received sessions, their statuses, and the labels they shall get."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.clock import Clock
from xnat_tui.model.location import Location, Step
from xnat_tui.model.naming import meant

UNASSIGNED = "Unassigned"
"""The word that stands for "no project" in addresses; the listing leaves the cell empty."""
SETTLED = ("READY", "CONFLICT", "ERROR")
"""Statuses in which nothing is going on: only then may anything be done to a session."""
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """A session in the prearchive, as the server lists it."""

    project: str
    """"" where no project was found for it."""
    timestamp: str
    """`yyyyMMdd_HHmmssSSS`, with the folder its only lasting name."""
    folder: str
    name: str
    """The session label it would get."""
    subject: str
    status: str
    url: str
    """`/prearchive/projects/P/TS/F`, without `/data`, not percent-encoded."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The whole row, under the server's own names."""

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Received:
        """A row of the prearchive's list (`docs/xnat-contract.md` 6.1). Servers that leave out `url` or
        `folderName` name a session by its other cells."""
        project = row.get("project", "")
        project = "" if project in (UNASSIGNED, "null") else project
        folder = row.get("folderName") or row.get("name", "")
        url = row.get("url", "").removeprefix("/data")
        if not url:
            url = f"/prearchive/projects/{project or UNASSIGNED}/{row.get('timestamp', '')}/{folder}"
        return cls(
            project=project,
            timestamp=row.get("timestamp", ""),
            folder=folder,
            name=row.get("name", ""),
            subject=row.get("subject", ""),
            status=row.get("status", ""),
            url=url,
            fields=dict(row),
        )

    @property
    def settled(self) -> bool:
        """Whether nothing is going on with it; a leading `_` means that the server holds it locked."""
        return self.status in SETTLED

    @property
    def scan_day(self) -> str:
        """The date of its scans, "" where unknown; servers list it as a timestamp at midnight."""
        return self.fields.get("scan_date", "").partition(" ")[0]

    @property
    def scanned(self) -> str:
        """Day and time of its scans in one text, as far as they are known."""
        return f"{self.scan_day} {self.fields.get('scan_time', '')}".strip()

    def arrived(self, clock: Clock) -> datetime | None:
        """When it was uploaded; None where the server does not say."""
        return clock.read(self.fields.get("uploaded", ""))

    def __repr__(self) -> str:
        return f"<Received {self.timestamp}, {self.status}>"  # the rest may name a patient

    def location(self, server: str) -> str:
        """`lab:P/TIMESTAMP/FOLDER`, or the address where the server has no name."""
        if "://" in server:
            return f"{server.rstrip('/')}/data{self.url}"
        return f"{server}:" + "/".join((self.project or UNASSIGNED, self.timestamp, self.folder))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sessions are meant. Several values of one field widen, several fields narrow."""

    steps: tuple[Step, ...] = ()
    """Of a location: project, then subject or timestamp, then session label or folder."""
    status: tuple[str, ...] = ()
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    globs: bool = True
    """Whether a part of the location that names nothing exactly may be a glob."""

    def of(self, received: Iterable[Received], clock: Clock) -> list[Received]:
        """What is meant of all that a server lists; a part that names something exactly is no glob.

        Raises UsageError where only a glob finds something, and `globs` forbids to follow it.
        """
        found = list(received)
        for at, step in enumerate(self.steps[: len(_NAMES)]):
            named = meant(step.name, found, _NAMES[at], globs=step.glob)
            if named and not self.globs and not any(step.name in _NAMES[at](one) for one in named):
                raise UsageError(
                    f"Nothing is called {step.name!r} here, and what it matches may not be meant.",
                    "Name what is meant, or add --glob to mean all that it matches.",
                )
            found = named
        return [one for one in found if self.keeps(one, clock)]

    def keeps(self, one: Received, clock: Clock) -> bool:
        """Whether status and age are met by the server's `clock`; without a time of arrival no age is."""
        if self.status and one.status.lstrip("_") not in {word.upper().lstrip("_") for word in self.status}:
            return False
        if self.older_than is None and self.newer_than is None:
            return True
        arrived = one.arrived(clock)
        if arrived is None:
            return False
        age = clock.age(arrived)
        return (self.older_than is None or age >= self.older_than) and (
            self.newer_than is None or age <= self.newer_than
        )


_NAMES: tuple[Callable[[Received], tuple[str, ...]], ...] = (
    lambda one: (one.project or UNASSIGNED,),
    lambda one: (one.subject, one.timestamp),
    lambda one: (one.name, one.folder),
)
"""What the parts of a location may name."""

ORDERS = {
    "age": "the oldest first",
    "project": "by project",
    "status": "by status",
    "size": "the largest first",
}


def ordered(found: Iterable[Received], order: str, sizes: Mapping[str, int | None]) -> list[Received]:
    """Sessions in one of ORDERS, the unknown last, equal ones as they were; `sizes` are bytes by `url`."""

    def key(one: Received) -> tuple[bool, Any]:
        match order:
            case "project":
                return not one.project, one.project
            case "status":
                return False, one.status.lstrip("_")
            case "size":
                size = sizes.get(one.url)
                return size is None, -(size or 0)
        arrived = Clock().read(one.fields.get("uploaded", ""))
        return arrived is None, arrived.timestamp() if arrived is not None else 0.0

    return sorted(found, key=key)


def selected_by(location: Location) -> tuple[Step, ...]:
    """The steps of a location as a selection: `lab:P/SUBJECT/SESSION`, `lab:P/TIMESTAMP/FOLDER`.

    Raises UsageError for what lies below a session.
    """
    if len(location.steps) > 3:
        raise UsageError(
            f"{location} is nothing in the prearchive.",
            "Write NAME:PROJECT, NAME:PROJECT/SUBJECT/SESSION or NAME:PROJECT/TIMESTAMP/FOLDER.",
        )
    return location.steps


@dataclass(frozen=True, slots=True)
class Labels:
    """Subject and session label as a person gives them: `SUBJECT/SESSION`, either may be empty.

    A part may be a template over DICOM keywords: `{PatientID}_{StudyDate}T{StudyTime}_{Modality}`.
    """

    subject: str = ""
    session: str = ""

    @classmethod
    def parse(cls, text: str) -> Labels:
        """`SUBJECT/SESSION` as typed.

        Raises UsageError without the slash, with two empty parts, or with braces that hold no keyword.
        """
        subject, slash, session = text.partition("/")
        if not slash or "/" in session or not (subject or session):
            raise UsageError(
                f"{text!r} is not SUBJECT/SESSION.",
                "Write S01/S01_MR1, /S01_MR1, S01/, or a template: {PatientID}/{PatientID}_{StudyDate}",
            )
        labels = cls(subject.strip(), session.strip())
        for part in (labels.subject, labels.session):
            if "{" in _FIELD.sub("", part) or "}" in _FIELD.sub("", part) or "{}" in part:
                raise UsageError(f"{part!r} is no template.", "Write keywords in braces: {PatientID}")
        return labels

    @property
    def names(self) -> tuple[str, ...]:
        """The DICOM keywords that are asked for."""
        return tuple(dict.fromkeys(_FIELD.findall(self.subject) + _FIELD.findall(self.session)))

    def filled(self, header: Mapping[str, str]) -> Labels:
        """With the values of a header; times without their fraction.

        Raises UsageError naming a keyword that the header lacks: a label is never made of half a template.
        """
        for name in self.names:
            if not header.get(name, "").strip():
                raise UsageError(f"The DICOM header has no {name}.", "Give the label itself.")

        def value(found: re.Match[str]) -> str:
            text = header[found[1]].strip()
            return text.partition(".")[0] if found[1].endswith("Time") else text

        return replace(self, subject=_FIELD.sub(value, self.subject), session=_FIELD.sub(value, self.session))


def cleaned(label: str) -> str:
    """A label as XNAT's archiver changes it: whatever is not `A-Za-z0-9_-` becomes `_`."""
    return _ILLEGAL.sub("_", label.strip())


def illegal_characters(label: str) -> str:
    """The characters of a label that XNAT would not keep, each once."""
    return "".join(dict.fromkeys(_ILLEGAL.findall(label)))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stands against archiving: `type` is conflict, warning or fail."""

    code: str
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class ScanRow:
    """A scan of a received session; figures are None where the server tells none."""

    id: str
    type: str
    series_description: str
    uid: str = ""
    files: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that the received session and the archived one of the same label do not share."""

    path: str
    """"" for the session, else `scans/3`."""
    name: str
    prearchive: str
    archive: str


def differences(
    mine: Mapping[str, Mapping[str, str]], theirs: Mapping[str, Mapping[str, str]]
) -> list[Difference]:
    """Path → facts of the received session against those of the archived one; sorted as given.

    A path that one side lacks is one difference, named `exists`. A fact that is unknown to a side
    (absent, or "") says nothing.
    """
    found: list[Difference] = []
    for path in dict.fromkeys((*mine, *theirs)):
        if path not in mine or path not in theirs:
            found.append(Difference(path, "exists", _yes(path in mine), _yes(path in theirs)))
            continue
        one, other = mine[path], theirs[path]
        found += [
            Difference(path, name, one[name], other[name])
            for name in one
            if one[name] and other.get(name) and one[name] != other[name]
        ]
    return found


def total(numbers: Iterable[int | None]) -> int | None:
    """A sum, known only where every part of it is."""
    found = list(numbers)
    return None if None in found else sum(number or 0 for number in found)


def _yes(there: bool) -> str:
    return "yes" if there else "no"
