"""What will be done, as a value: a plan of steps that can be shown, trimmed, saved, pickled and run.

A step is self-contained and idempotent: it names servers and addresses, never an open connection,
and running it twice leaves what running it once leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import ExportOptions, OnExisting, TransferOptions
from xnat_tui.model.pairing import FieldDifference
from xnat_tui.model.work import Untouched, Work

W = TypeVar("W", bound=Work)


class Action(StrEnum):
    """What a step does to its target. The values are the words of the JSON documents."""

    CREATE = "create"
    UPLOAD = "upload"
    UPDATE = "update"
    SKIP = "skip"
    CONFLICT = "conflict"
    DELETE = "delete"


SIGNS: Mapping[Action, str] = {
    Action.CREATE: "+",
    Action.UPLOAD: "+",
    Action.UPDATE: "*",
    Action.SKIP: "=",
    Action.CONFLICT: "!",
    Action.DELETE: "-",
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """The labels at the destination that lead to an item, its own included; "" for what is not on the way."""

    project: str = ""
    subject: str = ""
    experiment: str = ""

    def of(self, kind: Kind) -> str:
        """The label of the project, subject or experiment; "" of anything else."""
        labels = {Kind.PROJECT: self.project, Kind.SUBJECT: self.subject, Kind.EXPERIMENT: self.experiment}
        return labels.get(kind, "")


NOWHERE = Lineage()


@dataclass(frozen=True, slots=True)
class End:
    """One end of a step. A folder has no server: `server` is "" and `uri` a path below it."""

    server: str
    uri: str
    """On a source: by accession IDs. On a destination: by labels, as the step will address it."""
    id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `path` is relative to the transferred root, in XNAT's own words."""

    number: int
    action: Action
    work: Work
    """What it does, and all that its executor needs for that."""
    path: str
    kind: Kind
    source: End
    target: End
    files: int = 0
    bytes: int = 0
    reason: str = ""
    needs: tuple[int, ...] = ()
    """Numbers of the steps that must be done before, its parents' mostly."""
    session: str = ""
    """What no two steps write to at once: the address of a session there, or of what stands above one."""
    lineage: Lineage = NOWHERE
    stays_behind: bool = False
    """Whether it is skipped although it is not at the destination."""
    unread: bool = False
    """Whether it is in conflict because something could not be read: nobody can agree to the unknown."""
    replaces: bool = False
    """Whether something that is there is replaced: files, fields, or a session."""

    @property
    def task(self) -> str:
        """The word for its kind of work; for what is left alone, that for its kind of item."""
        return str(self.kind) if isinstance(self.work, Untouched) else self.work.task

    @property
    def writes(self) -> bool:
        return self.action not in (Action.SKIP, Action.CONFLICT)

    @property
    def left_alone(self) -> bool:
        """Whether it is in conflict for a reason that the plan tells, so that whoever runs it agrees."""
        return self.action is Action.CONFLICT and not self.unread

    def carried(self, kind: type[W]) -> W:
        """What it carries. Raises UsageError where it is a step of another kind."""
        if not isinstance(self.work, kind):
            raise UsageError(f"A step of the kind {self.work.task} is no {kind.task}.", "Plan again.")
        return self.work


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the user should know before running: `severity` is info, warning or error."""

    severity: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was named, or found in what was named, and is not sent: its path below that, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The `plan` object of the JSON documents: steps by action, and what travels."""

    create: int = 0
    upload: int = 0
    update: int = 0
    skip: int = 0
    conflict: int = 0
    delete: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will happen, and nothing else will."""

    options: TransferOptions
    """How it was made; their kind says of which verb it is."""
    sources: tuple[str, ...]
    """Locations in their short form."""
    destination: str
    """A location in its short form, or a folder."""
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    command: str = ""
    """The equivalent command line."""
    root: str = ""
    """Project ID that must be typed before something there is replaced or deleted."""
    left_out: tuple[LeftOut, ...] = ()
    """What an upload was given and does not send, one by one."""
    details: Mapping[int, tuple[FieldDifference, ...]] = field(default_factory=dict)
    """By step, what it replaces, or finds otherwise and leaves: to be read before it is run. They may be a
    patient's, so they are in no document and no journal."""

    @property
    def verb(self) -> str:
        """`copy`, `export` or `upload`."""
        return self.options.verb

    @property
    def totals(self) -> Totals:
        """Steps by action; files and bytes of those that write."""
        counts = dict.fromkeys(Action, 0)
        for step in self.steps:
            counts[step.action] += 1
        moving = [step for step in self.steps if step.writes]
        return Totals(
            **{str(action): count for action, count in counts.items()},
            files=sum(step.files for step in moving),
            bytes=sum(step.bytes for step in moving),
        )

    @property
    def writes(self) -> bool:
        return any(step.writes for step in self.steps)

    def word(self, action: str) -> str:
        """What a reader is told that a step does: an export fetches what the documents call an upload."""
        return "fetch" if self.verb == "export" and action == Action.UPLOAD else str(action)

    @property
    def servers(self) -> list[str]:
        """The names of all servers that its steps read from or write to."""
        ends = (end for step in self.steps for end in (step.source, step.target))
        return sorted({end.server for end in ends if end.server})

    @property
    def destroys(self) -> bool:
        """Whether the project ID must be typed: something is deleted, or is sent again whatever is there.

        `update` is not: it names what it does, and replaces only what differs; the plan says so.
        """
        replaces = self.options.on_existing is OnExisting.OVERWRITE and any(
            step.action in (Action.UPDATE, Action.UPLOAD) and step.replaces for step in self.steps
        )
        return replaces or any(step.action is Action.DELETE for step in self.steps)

    @property
    def asks(self) -> bool:
        """Whether it is run only with consent: an export changes no server, and no file that is there."""
        return not isinstance(self.options, ExportOptions) or self.options.overwrite_local

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids running it at all."""
        return any(finding.severity == "error" for finding in self.findings)

    def without(self, numbers: Iterable[int]) -> Plan:
        """The plan with these steps un-ticked, and with them every step that needs them."""
        dropped = set(numbers)
        for step in self.steps:
            if any(need in dropped for need in step.needs):
                dropped.add(step.number)
        return replace(self, steps=tuple(step for step in self.steps if step.number not in dropped))
