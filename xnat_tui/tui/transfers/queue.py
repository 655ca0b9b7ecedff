"""The queue of transfers: jobs are started, watched and told of; they run in processes of their own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.timer import Timer

from xnat_tui.errors import Forbidden, XnatTuiError
from xnat_tui.model.display import counted
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import ENDED, State
from xnat_tui.tui.context import Context
from xnat_tui.tui.transfers.lines import percent

if TYPE_CHECKING:
    from xnat_tui.jobs.job import StepView
    from xnat_tui.jobs.watch import JobView, Watch
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.transfers.running.following import Worker

LOOKS_PER_SECOND = 2
"""While something runs."""
_RESTING_SECONDS = 2.0
"""Between two looks otherwise: what other processes write is seen by then, and costs nothing unseen."""
_WRITING_SECONDS = 30.0
"""How often is told what jobs write that go on; at the end of one, all of it."""
_BUSY = (State.QUEUED, State.RUNNING, State.VERIFYING)
_ASKING = {"pause": "pausing", "cancel": "cancelling", "resume": "resuming", "retry": "retrying"}
_STARTING = ("resuming", "retrying")
_STARTED_SOON = 6
"""Looks for which a job that was told to go on is said to do so: it may have run to its end meanwhile."""
LONG_SECONDS = 60.0
"""A transfer that takes longer is not waited for in front of the screen."""
_PATIENCE = 600
"""Looks for which any other wish is shown: a step that is under way may take long to stop."""


class TransferQueue:
    """Looks at the journal, more often while something runs; what it says of writes is handed on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.watchers: list[Callable[[], None]] = []
        """Called after every look."""
        self.views: list[JobView] = []
        """Jobs as last seen, newest first."""
        self._looking = False
        self._next_look: Timer | None = None
        self._heard_at = -math.inf
        """When it was asked last what other processes wrote; on the monotonic clock."""
        self._told: set[str] = set()
        self._busy_since: dict[str, float] = {}
        """Since when each job has been seen at work; on the monotonic clock."""
        self.asked: dict[str, str] = {}
        """What was asked of a job and has not come about yet, as a word: `pausing`."""
        self._patience: dict[str, int] = {}
        """For how many more looks that is said, by job."""
        self.attended = False
        """Whether the panel is open, which is then kept up to date."""
        self._watch: Watch | None = None

    # what the lines around the panes say

    def describe(self) -> str:
        """The state line's part: how many transfers run, and how far they are."""
        busy = self.busy
        if not busy:
            return ""
        return f"{counted(len(busy), 'transfer')} {percent(*busy)}"

    def running(self) -> int:
        return len(self.busy)

    # jobs

    def start(self, plan: Plan, started: Callable[[], None]) -> None:
        """Have a plan run by a worker; `started` is called when that goes on without us."""
        workspace, rights = self._context.workspace, self._context.rights

        def run() -> Worker:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.services.transfers.running import worker

            for name in {step.target.server for step in plan.steps if step.writes and step.target.server}:
                if refusal := rights.refusal(name):
                    raise Forbidden(refusal)
            with Journal() as journal:
                job = workspace.remember(plan, journal)
            return worker.start(job, passwords=workspace.typed_passwords)

        def goes_on(running: Worker) -> None:
            self._context.say(f"{running.job} has started; t shows it.")
            started()
            self.watch()

        self._context.run("run", run, goes_on)

    def ask_of(self, job: str, wish: str) -> None:
        """`pause`, `cancel`, `resume`, `retry` or `forget` a job, in the background."""
        workspace = self._context.workspace
        self._drop(job)
        if wish in _ASKING:
            self.asked[job], self._patience[job] = _ASKING[wish], _PATIENCE

        def ask() -> None:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.jobs.reporting import not_retried
            from xnat_tui.services.transfers.running import worker

            if wish == "resume":
                worker.resume(job, passwords=workspace.typed_passwords)
                return
            if wish == "forget":
                worker.forget(job)
                return
            with Journal() as journal:
                if wish == "retry":
                    if not journal.retry(job):
                        raise not_retried(journal, job) or XnatTuiError(f"Nothing failed in {job}.")
                else:
                    getattr(journal, wish)(job)
            if wish == "retry":
                worker.resume(job, passwords=workspace.typed_passwords)

        def refused(error: XnatTuiError) -> None:
            self._drop(job)
            self._context.report(error)

        def asked(_: None) -> None:
            if job in self._patience:
                self._patience[job] = _STARTED_SOON if self.asked[job] in _STARTING else _PATIENCE
            self.watch()

        self._context.run(("job", job), ask, asked, refused)

    def read_report(self, job: str, show: Callable[[Report, list[StepView]], None]) -> None:
        """What became of a job, step by step, read in the background."""

        def read() -> tuple[Report, list[StepView]]:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.jobs.reporting import report

            with Journal() as journal:
                return report(journal, job), journal.steps(job)

        self._context.run("report", read, lambda found: show(*found))

    def stop_all(self) -> None:
        """Leave every running job resumable, and have its worker end. Nothing is waited for."""
        from xnat_tui.jobs.journal import Journal
        from xnat_tui.services.transfers.running.following import Worker

        with Journal() as journal:
            for view in self.views:
                if view.state in _BUSY:
                    journal.pause(view.id)
                    Worker(view.id).interrupt()  # only paused, it would stay and wait

    # how jobs are watched

    def watch(self) -> None:
        """Read the journal now, and go on with that."""
        if not self._looking:
            self._looking = True
            if self._next_look is not None:
                self._next_look.stop()
            self._context.run("jobs", self._look, self._seen, self._not_seen)

    def _look(self) -> list[JobView]:
        """In a loader's thread. What was written meanwhile is said as well."""
        from xnat_tui.jobs.journal import Journal
        from xnat_tui.jobs.watch import Watch

        if self._watch is None:
            self._watch = Watch(Journal())
        views = self._watch.jobs()
        were_busy = {view.id for view in self.busy}
        are_busy = {view.id for view in views if view.state in _BUSY}
        now = time.monotonic()
        if not are_busy or were_busy - are_busy or now - self._heard_at > _WRITING_SECONDS:
            self._heard_at = now
            self._context.workspace.hear(*self._watch.changes())
        return views

    def _seen(self, views: list[JobView]) -> None:
        self._looking = False
        before = {view.id: view.state for view in self.views}
        self.views = views
        now = time.monotonic()
        for view in self.busy:
            self._busy_since.setdefault(view.id, now)
        self._forget_answered()
        for view in views:
            if view.state in ENDED and before.get(view.id) in _BUSY and view.id not in self._told:
                self._told.add(view.id)
                self._tell(view)
            elif view.state is State.PAUSED and view.note and before.get(view.id) in _BUSY:
                self._context.announce(f"{view.verb} {view.id}: {view.state}. {view.note}")
        for watch in self.watchers:
            watch()
        seconds = _RESTING_SECONDS
        if self.running() or self.asked or self.attended:
            seconds = 1 if self._context.plain else 1 / LOOKS_PER_SECOND
        self._next_look = self._context.after(seconds, self.watch)

    def _forget_answered(self) -> None:
        """What was asked of a job is said until its state is that, or until nothing came of it for long."""
        states = {view.id: view.state for view in self.views}
        for job, word in list(self.asked.items()):
            state = states.get(job)
            self._patience[job] -= 1
            came = state in _BUSY if word in _STARTING else state not in _BUSY
            if came or state is None or self._patience[job] <= 0:
                self._drop(job)

    def _drop(self, job: str) -> None:
        self.asked.pop(job, None)
        self._patience.pop(job, None)

    @property
    def busy(self) -> list[JobView]:
        """Jobs that are under way or about to be."""
        return [view for view in self.views if view.state in _BUSY]

    def _not_seen(self, error: XnatTuiError) -> None:
        self._looking = False
        self._context.report(error)

    def _tell(self, view: JobView) -> None:
        """A job has ended; after a long one the bell rings, where that is wanted."""
        took = time.monotonic() - self._busy_since.pop(view.id, math.inf)
        if self._context.settings.ui.bell and took >= LONG_SECONDS:
            self._context.app.bell()
        rest = [(view.failures, "failed"), (view.left, "left alone")]
        told = "".join(f", {count} {word}" for count, word in rest if count)
        self._context.announce(
            f"{view.verb} {view.id}: {view.state}, {counted(view.files_done, 'file')}{told}. t shows it."
        )
