"""What will be done, as a value: a plan of steps that can be shown, trimmed, saved, pickled and run.

A step is self-contained and idempotent: it names servers and addresses, never an open connection,
and running it twice leaves what running it once leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from xnat_tui.model.entities import Kind
from xnat_tui.model.options import OPTIONS, ExportOptions, OnExisting, TransferOptions


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


STAYS_BEHIND = "stays_behind"
"""The datum of a step that is skipped although the destination does not have the item."""
UNREAD = "unread"
"""The datum of a step in conflict because something could not be read: nobody can agree to the unknown."""


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
    task: str
    """Which executor runs it: `project`, `subject`, `experiment`, `scan`, `assessor`,
    `reconstruction`, `resource`, `metadata`, `catalogs`, ..."""
    path: str
    kind: Kind
    source: End
    target: End
    files: int = 0
    bytes: int = 0
    reason: str = ""
    needs: tuple[int, ...] = ()
    """Numbers of the steps that must be done before, its parents' mostly."""
    data: Mapping[str, str] = field(default_factory=dict)
    """What else the executor needs: labels, formats, a digest of what the planner saw."""

    @property
    def writes(self) -> bool:
        return self.action not in (Action.SKIP, Action.CONFLICT)

    @property
    def stays_behind(self) -> bool:
        """Whether it is skipped although it is not at the destination."""
        return STAYS_BEHIND in self.data

    @property
    def left_alone(self) -> bool:
        """Whether it is in conflict for a reason that the plan tells, so that whoever runs it agrees."""
        return self.action is Action.CONFLICT and UNREAD not in self.data

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The step that `dataclasses.asdict` made this document of."""
        return cls(
            **{
                **document,
                "action": Action(document["action"]),
                "kind": Kind(document["kind"]),
                "source": End(**document["source"]),
                "target": End(**document["target"]),
                "needs": tuple(document["needs"]),
                "data": dict(document["data"]),
            }
        )


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

    @property
    def verb(self) -> str:
        """`copy`, `export` or `upload`."""
        return self.options.verb

    @property
    def totals(self) -> Totals:
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
            step.action in (Action.UPDATE, Action.UPLOAD) and step.data.get("replaces") for step in self.steps
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

    def to_dict(self) -> dict[str, Any]:
        """A document that JSON holds and `from_dict` reads back to an equal plan."""
        return {"verb": self.verb, **asdict(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        kind = OPTIONS[document["verb"]]
        given = document["options"] if "options" in document else document["policy"]
        options = {one.name: given[one.name] for one in fields(kind) if one.name in given}
        steps = tuple(Step.from_dict(step) for step in document["steps"])
        return cls(
            options=kind(**options),
            sources=tuple(document["sources"]),
            destination=document["destination"],
            steps=steps,
            findings=tuple(Finding(**finding) for finding in document["findings"]),
            command=document["command"],
            root=document["root"],
            left_out=tuple(LeftOut(**one) for one in document.get("left_out", ())),
        )
