"""Following a job that a worker runs: waiting for its end, hearing what happens, interrupting it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from xnat_tui.errors import Interrupted
from xnat_tui.jobs.job import Event
from xnat_tui.jobs.journal import Journal, error_of
from xnat_tui.jobs.owner import this_host
from xnat_tui.jobs.reporting import report
from xnat_tui.jobs.watch import JobView, Watch
from xnat_tui.model.transfer import Report

POLL = 0.25
"""Seconds between two looks; a worker tells its counters as often."""


class Worker:
    """A job's worker as another process sees it, whoever started it. Letting go of it stops nothing."""

    def __init__(self, job: str, *, after: int = 0) -> None:
        """`after`: the number of the last event that is already known."""
        self.job = job
        self._after = after
        self._pause = threading.Event()

    @property
    def alive(self) -> bool:
        with Journal() as journal:
            return journal.job(self.job).pid is not None

    def interrupt(self) -> None:
        """Ask the worker to end within a second, leaving the job resumable. A dead one needs no asking."""
        with Journal() as journal:
            job = journal.job(self.job)
        if job.pid is not None and job.host == this_host():
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGINT)

    def wait(
        self,
        on_event: Callable[[Event], None] | None = None,
        on_view: Callable[[JobView], None] | None = None,
    ) -> Report:
        """Follow the job until no worker runs it. Ctrl+C interrupts the worker, a second one this wait.

        Raises what kept the worker from running, ServerUnreachable when it paused the job for that,
        ConfigError where the journal cannot be written any more, and Interrupted when it died otherwise.
        """
        with Journal() as journal:
            watch = Watch(journal)
            interrupted = False
            while True:
                try:
                    if not self._look(journal, watch, on_event, on_view):
                        break
                    self._pause.wait(POLL)
                except KeyboardInterrupt:
                    if interrupted:
                        raise
                    interrupted = True
                    self.interrupt()
            return self._ended(journal)

    def _look(
        self,
        journal: Journal,
        watch: Watch,
        on_event: Callable[[Event], None] | None,
        on_view: Callable[[JobView], None] | None,
    ) -> bool:
        """Tell what is new; whether the worker lives."""
        lives = journal.job(self.job).pid is not None
        for event in journal.events(self.job, self._after):
            self._after = event.number
            if on_event:
                on_event(event)
        if on_view:
            on_view(watch.job(self.job))
        return lives

    def _ended(self, journal: Journal) -> Report:
        job = journal.job(self.job)
        if job.trouble:
            raise error_of(job.trouble)
        if job.died:
            journal.try_writing(self.job)
            raise Interrupted(job.note, f"Resume it with: xnat-tui jobs resume {self.job}")
        return report(journal, self.job)
