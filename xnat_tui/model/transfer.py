"""What became of a plan: outcomes of steps, the progress of a job, and its report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.plan import Step, Totals
from xnat_tui.model.prearchive import UNASSIGNED


class State(StrEnum):
    """A job's or a step's state, in the words that screens and documents show."""

    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    VERIFYING = "verifying"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LEFT = "left"
    """Of a step alone: in conflict, as the plan said, and not touched."""


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many files rest on what: MD5 on both sides, size alone, or nothing that can be shown."""

    digest: int = 0
    size: int = 0
    unverified: int = 0

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            self.digest + other.digest, self.size + other.size, self.unverified + other.unverified
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """Of how many items and resources all that was to be written was read back, and of how many not all."""

    proved: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """Something in conflict that the plan announced, and that was not touched."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Treated:
    """What a de-identification made of files: DICOM that went through the profile, others that were allowed
    to pass, and what was held, never sent."""

    changed: int = 0
    passed: int = 0
    held: tuple[Left, ...] = ()

    def __add__(self, other: Treated) -> Treated:
        return Treated(self.changed + other.changed, self.passed + other.passed, self.held + other.held)


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that was not done: where, why, and what to do."""

    path: str
    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where something is now, as the server tells it: labels are "" where it does not."""

    path: str
    """That of the step."""
    place: str
    """"archive" or "prearchive"."""
    location: str
    """In its short form; in the prearchive `lab:P/TIMESTAMP/FOLDER`."""
    subject: str = ""
    session: str = ""

    @property
    def words(self) -> str:
        """`lab:P/TIMESTAMP/FOLDER in the prearchive, for subject S and session E`"""
        named = (("subject", self.subject), ("session", self.session))
        told = " and ".join(f"{word} {label}" for word, label in named if label)
        told = f", for {told}" if told else ""
        if f":{UNASSIGNED}/" in self.location:
            told += "; it has no project there, and only administrators see it"
        return f"{self.location} in the {self.place}{told}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running one step gave. `files` and `bytes` are what was sent or fetched by this run."""

    number: int
    state: State
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    """Files that were complete already."""
    verified: Evidence = Evidence()
    failures: tuple[Failure, ...] = ()
    unreachable: str = ""
    """The server that could not be reached, where the step failed for that."""
    attributes: Kept = Kept()
    arrived: tuple[Arrived, ...] = ()
    """Where a server put it, where the plan could not know."""
    treated: Treated | None = None
    """Of a step that de-identifies."""

    @classmethod
    def failed(cls, step: Step, error: XnatTuiError, files: int = 0, size: int = 0) -> Self:
        """A step that this error ended."""
        failures = (Failure(step.path, error.message, error.hint),)
        return cls(step.number, State.FAILED, files, size, failures=failures, unreachable=error.unreachable)


@dataclass(frozen=True, slots=True)
class Report:
    """A job as documents show it. `state` says finished or not; `failed` is empty only if nothing failed."""

    job: str
    state: State
    plan: Totals
    done_items: int = 0
    done_files: int = 0
    done_bytes: int = 0
    skipped: int = 0
    failed: tuple[Failure, ...] = ()
    verified: Evidence = Evidence()
    seconds: float = 0.0
    note: str = ""
    """Why it stands where it stands, where there is something to say."""
    left: tuple[Left, ...] = ()
    attributes: Kept = Kept()
    arrived: tuple[Arrived, ...] = ()
    treated: Treated | None = None
    """Of a job that de-identifies."""
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the transfer verbs."""
        return {
            "job": self.job,
            "state": str(self.state),
            "plan": asdict(self.plan),
            "done": {"items": self.done_items, "files": self.done_files, "bytes": self.done_bytes},
            "skipped": self.skipped,
            "failed": [asdict(failure) for failure in self.failed],
            "left": len(self.left),
            "left_alone": [asdict(one) for one in self.left],
            "verified": asdict(self.verified),
            "attributes": asdict(self.attributes),
            "seconds": round(self.seconds, 3),
            **({"note": self.note} if self.note else {}),
            **({"arrived": [asdict(one) for one in self.arrived]} if self.arrived else {}),
            **(_treated(self.treated) if self.treated is not None else {}),
            **self.extra,
        }


def _treated(treated: Treated) -> dict[str, Any]:
    counts = {"changed": treated.changed, "passed": treated.passed, "held": len(treated.held)}
    return {"deidentified": counts, "held": [asdict(one) for one in treated.held]}
