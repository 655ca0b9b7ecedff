"""A job that runs on a thread of the test, and waiting for its states."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from xnat_tui.jobs.control import Control
from xnat_tui.jobs.job import Event
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome, Report


class InBackground:
    """A run on a thread, for tests that ask something of it meanwhile."""

    def __init__(self, journal: Journal, job: str, execute: Callable[[Step, Control], Outcome], **more: Any):
        self.report: Report | None = None
        self._thread = threading.Thread(target=self._run, args=(journal, job, execute), kwargs=more)
        self._thread.start()

    def _run(
        self, journal: Journal, job: str, execute: Callable[[Step, Control], Outcome], **more: Any
    ) -> None:
        self.report = run(journal, job, execute, **more)

    def end(self) -> Report:
        self._thread.join()
        assert self.report is not None
        return self.report


class States:
    """Waits for a job's states to be announced."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        if event.kind in ("state", "waiting"):
            with self._changed:
                self.seen.append(event.kind if event.kind == "waiting" else event.message)
                self._changed.notify_all()

    def wait(self, state: str, times: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.seen.count(state) >= times, 30), self.seen
