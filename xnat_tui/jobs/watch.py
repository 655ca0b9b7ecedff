"""What a queue screen or a progress bar reads, a few times a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from xnat_tui.jobs.changes import Hearing
from xnat_tui.jobs.job import Job, Trouble
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.changed import Changed
from xnat_tui.model.transfer import State

FIRST_SECONDS = 3.0
"""How much of a job must have been seen before a time is foretold."""
_WINDOW_SECONDS = 15.0
_Sample = tuple[float, int, int]
_MOVING = (State.RUNNING, State.VERIFYING)


@dataclass(frozen=True, slots=True)
class JobView:
    """One row of the queue. Totals are never below what is done already."""

    id: str
    verb: str
    state: State
    title: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rate: float
    """Bytes a second over the last seconds; 0 for a job that does not move."""
    seconds_left: float | None
    """None until three seconds of a moving job have been seen, and where nothing can be told."""
    current: tuple[str, ...]
    """Paths of the steps that are running."""
    failures: int
    left: int
    """Conflicts that the plan announced, and that nobody touches."""
    note: str
    trouble: Trouble | None
    created: float


class Watch:
    """Reads the journal; holds nothing but the last samples of jobs that move. `clock` in seconds, monotonic.

    Workers only tell their counters four times a second: polling faster shows nothing more.
    """

    def __init__(self, journal: Journal, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._samples: dict[str, deque[_Sample]] = {}
        self._hearing = Hearing(journal.database)

    def changes(self) -> list[Changed]:
        """What other processes wrote to servers since this was asked last; nothing the first time."""
        return self._hearing.changes()

    def jobs(self) -> list[JobView]:
        """All jobs, the newest first."""
        jobs = self._journal.jobs()
        moving = {job.id for job in jobs if job.state in _MOVING}
        self._samples = {job: samples for job, samples in self._samples.items() if job in moving}
        current = self._current() if moving else {}
        return [self._view(job, tuple(current.get(job.id, ()))) for job in jobs]

    def job(self, job: str) -> JobView:
        """One job. Raises NotFound."""
        found = self._journal.job(job)
        return self._view(found, tuple(self._current().get(job, ())))

    def _current(self) -> dict[str, list[str]]:
        rows = self._journal.database.rows(
            "SELECT job, path FROM steps WHERE state <> 'done' AND state = 'running' ORDER BY job, number"
        )
        current: dict[str, list[str]] = {}
        for row in rows:
            current.setdefault(row["job"], []).append(row["path"])
        return current

    def _view(self, job: Job, current: tuple[str, ...]) -> JobView:
        moving = job.state in _MOVING
        seconds, files, size = self._moved(job) if moving else (0.0, 0, 0)
        files_left = max(0, job.totals.files - job.files)
        bytes_left = max(0, job.totals.bytes - job.bytes)
        left = None
        if seconds >= FIRST_SECONDS:
            left = _time_left(bytes_left, size / seconds, files_left, files / seconds)
        return JobView(
            id=job.id,
            verb=job.verb,
            state=job.state,
            title=job.title,
            files_done=job.files,
            files_total=max(job.totals.files, job.files),
            bytes_done=job.bytes,
            bytes_total=max(job.totals.bytes, job.bytes),
            rate=size / seconds if seconds else 0.0,
            seconds_left=left,
            current=current if moving else (),
            failures=job.failures,
            left=job.left,
            note=job.note,
            trouble=job.trouble,
            created=job.created,
        )

    def _moved(self, job: Job) -> tuple[float, int, int]:
        """Seconds, files and bytes between the oldest sample of the window and now."""
        samples = self._samples.setdefault(job.id, deque())
        now = self._clock()
        if samples and (job.bytes < samples[-1][2] or job.files < samples[-1][1]):
            samples.clear()
        samples.append((now, job.files, job.bytes))
        while len(samples) > 2 and now - samples[1][0] >= _WINDOW_SECONDS:
            samples.popleft()
        first = samples[0]
        return now - first[0], job.files - first[1], job.bytes - first[2]


def _time_left(bytes_left: int, bytes_rate: float, files_left: int, files_rate: float) -> float | None:
    """By bytes where bytes are known to travel, else by files."""
    if bytes_left:
        return bytes_left / bytes_rate if bytes_rate > 0 else None
    if files_left:
        return files_left / files_rate if files_rate > 0 else None
    return 0.0
