"""Runs a job's steps: in the order of their needs, several at once, each outcome kept before it counts.

One thread, the caller's, does all the book-keeping; steps only bump counters. A step may so be a function on
a thread, or on another machine.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol, runtime_checkable

from xnat_tui.errors import XnatTuiError
from xnat_tui.jobs.attempt import Execute, attempt, not_done
from xnat_tui.jobs.claim import Claim
from xnat_tui.jobs.control import Bandwidth, Control
from xnat_tui.jobs.interruption import on_signals
from xnat_tui.jobs.job import Event, Trouble, Wish
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.jobs.schedule import Schedule
from xnat_tui.jobs.threads import DaemonThreads
from xnat_tui.jobs.unreached import Unreached
from xnat_tui.model.changed import changed_by
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure, Outcome, Report, State

OnEvent = Callable[[Event], None]


@runtime_checkable
class Completing(Protocol):
    """What runs steps and has something to write when the last of them has ended: before the job is done."""

    def complete(self) -> list[Outcome]:
        """The outcomes of steps that failed by it."""


@runtime_checkable
class Proving(Protocol):
    """What runs steps and proves several of them together: they end as VERIFYING where `Control.proves_later`
    is set, and hold their target, but no worker, until they are proved."""

    def enough(self, numbers: Collection[int]) -> bool:
        """Whether so many steps wait that it is time to prove them."""

    def prove(self, numbers: Collection[int], control: Control) -> list[Outcome]:
        """An outcome of each of these steps."""


_PROOF = 0
"""Stands for a proof where steps have their numbers."""
_KEPT = ("failure", "arrived", "treated")
"""Kinds of what a step tells that the journal remembers as events."""
PULSE = 0.25
"""Seconds between two looks at the journal, and two writings of the counters."""
STOP_SECONDS = 0.6
"""How long a signal waits for steps to end; they are done again when the job is resumed."""
CANCEL_SECONDS = 10.0
"""How long a cancellation waits for steps to end."""


def run(
    journal: Journal,
    job: str,
    execute: Execute,
    *,
    workers: int = 4,
    executor_factory: Callable[[int], Executor] = DaemonThreads,
    on_event: OnEvent | None = None,
    claim: Claim | None = None,
) -> Report:
    """Run what is queued of a job until it ends, is cancelled, or SIGINT or SIGTERM arrives (main thread).

    The report's state is DONE; FAILED when all ran and something failed; CANCELLED; or PAUSED after a signal,
    or when a server cannot be reached any more, and the job can then be resumed. A job that was paused or
    cancelled needs `Journal.resume` first.
    A step that raises fails, and with it only the steps that need it. Raises Conflict when another worker
    runs the job.
    """
    claim = claim or journal.claim(job)
    executor: Executor | None = None
    try:
        executor = executor_factory(workers)
        wake: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        with on_signals(lambda: wake.put(None)) as interrupted:
            _Run(journal, claim, execute, executor, workers, on_event, wake, interrupted).to_the_end()
    except BaseException:
        claim.let_go("Its worker was stopped by an error.")
        raise
    finally:
        if executor is not None:
            executor.shutdown(wait=False)
    return report(journal, job)


def target_key(step: Step, destination: str) -> str:
    """What no two steps write to at once, in this job or another: a session, else the step's own target."""
    return f"{step.target.server or destination}|{step.session or step.target.uri}"


class _Run:
    """The state of one call of `run`."""

    def __init__(
        self,
        journal: Journal,
        claim: Claim,
        execute: Execute,
        executor: Executor,
        workers: int,
        on_event: OnEvent | None,
        wake: queue.SimpleQueue[int | None],
        interrupted: threading.Event,
    ) -> None:
        self._journal = journal
        self._claim = claim
        self._execute = execute
        self._executor = executor
        self._workers = workers
        self._on_event = on_event or _deaf
        self._wake = wake
        self._interrupted = interrupted
        self._plan = journal.plan_without_steps(claim.job)
        self._bandwidth = Bandwidth(self._plan.options.bandwidth, workers)
        self._stop = threading.Event()
        self._futures: dict[int, Future[Outcome]] = {}
        self._controls: dict[int, Control] = {}
        self._steps: dict[int, Step] = {}
        self._told: dict[int, tuple[int, int]] = {}
        self._verifying: set[int] = set()
        """Steps that ended and wait for a proof, which no worker is busy with."""
        self._proof: tuple[frozenset[int], Future[list[Outcome]]] | None = None
        self._blocked: dict[int, str] = {}
        self._lost_once: set[int] = set()
        """Steps whose outcome never came: they are run once more, which steps allow."""
        self._unreached = Unreached(workers)
        self._last = time.monotonic()
        self._resting = False
        self._wish = claim.pulse({}, 0.0)
        self._schedule = self._read_schedule()

    def _read_schedule(self) -> Schedule:
        job = self._claim.job
        schedule = Schedule(
            self._journal.queued(job),
            self._journal.failed_numbers(job),
            lambda step: target_key(step, self._plan.destination),
        )
        self._keep_lost([(step, reason) for step, reason in schedule.doomed])
        return schedule

    def to_the_end(self) -> None:
        try:
            self._say("state", State.RUNNING)
            self._work()
        finally:
            self._stop.set()

    def _work(self) -> None:
        job = self._claim.job
        while True:
            self._pulse()
            if self._interrupted.is_set():
                return self._wind_down(State.PAUSED, STOP_SECONDS, "Interrupted; it can be resumed.")
            if self._wish is Wish.CANCEL:
                return self._wind_down(State.CANCELLED, CANCEL_SECONDS)
            if self._wish is Wish.PAUSE:
                self._rest()
                continue
            nothing_left = not self._futures and not self._blocked and not len(self._schedule)
            if self._unreached.enough or (nothing_left and self._unreached.enough_lost):
                return self._wind_down(State.PAUSED, STOP_SECONDS, trouble=self._unreached.trouble(job))
            self._launch()
            self._prove()
            if not self._futures and not self._verifying and not self._blocked:
                if not len(self._schedule):
                    self._pulse(at_once=True)
                    self._complete()
                    if state := self._claim.finish():
                        return self._say("state", state)
                    self._schedule = self._read_schedule()
                else:
                    self._keep_lost([(step, "it needs itself") for step in self._schedule.stuck()])
                continue
            self._collect(PULSE)

    @property
    def _under_way(self) -> bool:
        """Whether a thread is busy with a step, or with a proof."""
        return bool(self._futures) or self._proof is not None

    def _complete(self) -> None:
        """Nobody may take the job for done while something of it is still to be written."""
        if isinstance(self._execute, Completing):
            for outcome in self._execute.complete():
                told = [self._event("failure", one.error, one.path) for one in outcome.failures]
                self._claim.record([(outcome, "")], told)
                for event in told:
                    self._on_event(event)

    def _launch(self) -> None:
        """Start what may start; a step whose target another job is writing to is looked at again later."""
        while len(self._futures) < self._workers and (step := self._schedule.next()):
            if holder := self._claim.begin(step.number, self._schedule.key(step.number)):
                if self._blocked.get(step.number) != holder:
                    self._say("waiting", f"Waits for job {holder}, which is writing there.", step.path)
                self._blocked[step.number] = holder
                continue
            proves_later = isinstance(self._execute, Proving)
            control = Control(self._stop, self._bandwidth, proves_later=proves_later)
            future = self._executor.submit(attempt, self._execute, step, control)
            self._steps[step.number], self._controls[step.number] = step, control
            self._futures[step.number] = future
            self._say("step", State.RUNNING, step.path)
            future.add_done_callback(lambda _, number=step.number: self._wake.put(number))  # type: ignore[misc]

    def _prove(self) -> None:
        """Have proved what waits for it, once it is enough or a worker has nothing else to do."""
        execute, numbers = self._execute, frozenset(self._verifying)
        if not numbers or self._proof is not None or not isinstance(execute, Proving):
            return
        if len(self._futures) >= self._workers and not execute.enough(numbers):
            return
        future = self._executor.submit(execute.prove, numbers, Control(self._stop, self._bandwidth))
        self._proof = numbers, future
        future.add_done_callback(lambda _: self._wake.put(_PROOF))

    def _proved(self) -> list[Outcome]:
        assert self._proof is not None
        (numbers, future), self._proof = self._proof, None
        error = future.exception() or XnatTuiError("What it wrote was not looked at.", "Retry the job.")
        found = {one.number: one for one in future.result()} if not future.exception() else {}
        outcomes = []
        for number in numbers:
            failures = (not_done(self._steps[number], error),)
            outcomes.append(found.get(number) or Outcome(number, State.FAILED, failures=failures))
        self._verifying -= numbers
        return outcomes

    def _not_proved(self) -> None:
        """Let go of what waits for a proof that does not come: it is looked at when the job goes on."""
        waiting, self._verifying, self._proof = self._verifying, set(), None
        self._keep([Outcome(number, State.PAUSED) for number in waiting])

    def _collect(self, seconds: float) -> None:
        """Wait until a step ends, or the time is over, and keep every outcome that has arrived."""
        numbers: list[int] = []
        with suppress(queue.Empty):
            arrived = self._wake.get(timeout=max(0.0, seconds))
            while True:
                if arrived is not None and arrived in self._futures:
                    numbers.append(arrived)
                arrived = self._wake.get_nowait()
        outcomes = [self._outcome(number) for number in numbers]
        self._verifying |= {one.number for one in outcomes if one.state is State.VERIFYING}
        outcomes = [one for one in outcomes if one.state is not State.VERIFYING]
        if self._proof is not None and self._proof[1].done():
            outcomes += self._proved()
        if outcomes:
            self._keep(outcomes)

    def _outcome(self, number: int) -> Outcome:
        future = self._futures.pop(number)
        step = self._steps[number]
        if future.cancelled():
            return Outcome(number, State.PAUSED)
        if error := future.exception():
            if number not in self._lost_once:  # a step raises nothing (`attempt`): its executor lost it
                self._lost_once.add(number)
                return Outcome(number, State.PAUSED)
            return Outcome(number, State.FAILED, failures=(not_done(step, error),))
        outcome = future.result()
        if outcome.state in (State.DONE, State.FAILED, State.VERIFYING) or self._stop.is_set():
            return outcome
        failure = Failure(step.path, "It stopped without having been asked to.", "Retry the job.")
        return Outcome(number, State.FAILED, outcome.files, outcome.bytes, failures=(failure,))

    def _keep(self, outcomes: list[Outcome]) -> None:
        """Into the journal first, with the steps that are lost by it; then the schedule may go on."""
        records, events, lost, written = [], [], [], []
        for outcome in outcomes:
            step = self._steps.pop(outcome.number)
            self._controls.pop(outcome.number)
            self._told.pop(outcome.number, None)
            records.append((outcome, self._schedule.key(outcome.number)))
            written.append(changed_by(step))  # in part, where it failed or was stopped
            if outcome.state is State.DONE:
                self._schedule.succeed(outcome.number)
                self._unreached.ended(outcome)
            elif outcome.state is State.FAILED:
                dependants = self._schedule.fail(outcome.number)
                lost += [(dependant, step.path) for dependant in dependants]
                self._unreached.ended(outcome, [dependant.number for dependant in dependants])
            else:
                self._schedule.give_back(outcome.number)
            events.append(self._event("step", outcome.state, step.path))
            events += [self._event("failure", failure.error, failure.path) for failure in outcome.failures]
            events += [self._event("arrived", json.dumps(asdict(one)), one.path) for one in outcome.arrived]
            if outcome.treated is not None:
                events.append(self._event("treated", json.dumps(asdict(outcome.treated)), step.path))
        records += [(_lost(step, reason), "") for step, reason in lost]
        kept = [event for event in events if event.kind in _KEPT]
        self._claim.record(records, kept, [one for one in written if one is not None])
        for event in events:
            self._on_event(event)

    def _keep_lost(self, lost: list[tuple[Step, str]]) -> None:
        if lost:
            self._claim.record([(_lost(step, reason), "") for step, reason in lost])

    def _pulse(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now - self._last < PULSE and not at_once:
            return
        counted = {number: (control.files, control.bytes) for number, control in self._controls.items()}
        moved = {number: count for number, count in counted.items() if self._told.get(number) != count}
        holders = sorted(set(self._blocked.values()))
        note = f"Waits for job {', '.join(holders)}." if holders and not self._futures else ""
        self._wish = self._claim.pulse(moved, 0.0 if self._resting else now - self._last, note)
        self._told |= moved
        self._last = now
        for number in list(self._blocked):
            self._schedule.give_back(number)
            del self._blocked[number]

    def _rest(self) -> None:
        """Stop what runs, and wait for another wish, keeping the claim."""
        self._stop.set()
        while self._under_way and not self._interrupted.is_set():
            self._collect(PULSE)
            self._pulse()
        self._not_proved()
        self._claim.requeue(self._unreached.forgive())
        if not self._interrupted.is_set():
            self._claim.state(State.PAUSED)
            self._say("state", State.PAUSED)
        self._resting = True
        while self._wish is Wish.PAUSE and not self._interrupted.is_set():
            self._collect(PULSE)
            self._pulse()
        self._resting = False
        if self._wish is Wish.RUN and not self._interrupted.is_set():
            self._stop = threading.Event()
            self._claim.state(State.RUNNING)
            self._say("state", State.RUNNING)

    def _wind_down(
        self, state: State, seconds: float, note: str = "", trouble: Trouble | None = None
    ) -> None:
        """Stop what runs, keep what ends in time, and give the job back.

        A job that can go on tries again what failed because a server could not be reached.
        """
        self._stop.set()
        deadline = time.monotonic() + seconds
        while self._under_way and (left := deadline - time.monotonic()) > 0:
            self._collect(min(left, PULSE))
            if state is State.CANCELLED:
                self._pulse()
                if self._interrupted.is_set():
                    deadline = min(deadline, time.monotonic() + STOP_SECONDS)
        self._not_proved()
        self._pulse(at_once=True)
        if state is State.PAUSED:
            self._claim.requeue(self._unreached.forgive())
        note = note or (f"{trouble.message} {trouble.hint}" if trouble else "")
        self._claim.release(state, note, trouble)
        self._say("state", state)

    def _event(self, kind: str, message: str, path: str = "") -> Event:
        return Event(self._claim.job, self._journal.now(), kind, str(message), path)

    def _say(self, kind: str, message: str, path: str = "") -> None:
        self._on_event(self._event(kind, message, path))


def _lost(step: Step, reason: str) -> Outcome:
    message = f"Not done, because this failed: {reason}"
    failure = Failure(step.path, message, "Retry the job once that is solved.")
    return Outcome(step.number, State.FAILED, failures=(failure,))


def _deaf(_event: Event) -> None:
    return None
