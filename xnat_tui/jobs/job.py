"""What the journal knows about a job, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.model.plan import Totals
from xnat_tui.model.transfer import State


class Wish(StrEnum):
    """What somebody, in this process or another, wants of a job that is running."""

    RUN = ""
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What ended a worker before its job's end, as an error of `xnat_tui.errors` by name."""

    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands now. Totals count what the plan sends; `files` and `bytes` how far that has come."""

    id: str
    verb: str
    title: str
    state: State
    """PAUSED also for a job whose worker died: it can be resumed."""
    wish: Wish
    note: str
    """Why it stands where it stands, where there is something to say."""
    trouble: Trouble | None
    totals: Totals
    files: int
    bytes: int
    failures: int
    left: int
    """Conflicts that the plan announced, and that nobody touches."""
    created: float
    """Seconds since the epoch."""
    seconds: float
    """Time spent running, over all its workers."""
    pid: int | None
    """The living process that runs it; None when no process does."""
    host: str
    died: bool
    """Whether its last worker ended without giving the job back."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step's bookkeeping without the step itself."""

    number: int
    path: str
    state: State
    attempts: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job.

    `kind` is `state`, `step`, `failure`, `arrived`, `treated`, `waiting` or `worker`.
    """

    job: str
    at: float
    """Seconds since the epoch."""
    kind: str
    message: str
    path: str = ""
    number: int = 0
    """Rises with every event that the journal keeps; 0 for one that it does not."""
