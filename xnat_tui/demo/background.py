"""Work that outlives its request: queued jobs that go on whenever somebody looks, without a clock."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

Job = Generator[None, None, None]
"""One job: each step runs up to the next ``yield``."""


@dataclass(slots=True)
class Progress:
    """What ``http-session-listener`` shows of a job; ``succeeded`` is None while it runs."""

    message: str
    succeeded: bool | None = None


class Background:
    """The jobs of a site, keyed by what they work on: a new job takes the place of an older one."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self.progress: dict[str, Progress] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def start(self, key: object, job: Job) -> None:
        """Begin a job: its first step runs now."""
        self._jobs[id(key)] = job
        self._step(id(key), job)

    def cancel(self, key: object) -> None:
        """Forget a job where it stands; harmless when there is none."""
        self._jobs.pop(id(key), None)

    def finish(self, key: object) -> None:
        """Run one job to its end."""
        job = self._jobs.get(id(key))
        while job is not None and self._jobs.get(id(key)) is job:
            self._step(id(key), job)

    def advance(self, steps: int = 1) -> None:
        """Let every job take the next ``steps`` steps."""
        for _ in range(steps):
            for key, job in list(self._jobs.items()):
                self._step(key, job)

    def _step(self, key: int, job: Job) -> None:
        if next(job, self) is self and self._jobs.get(key) is job:
            del self._jobs[key]
