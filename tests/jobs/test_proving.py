"""Steps of a job that are proved together, some time after each of them has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from tests.jobs.background import InBackground, States
from xnat_tui.errors import Forbidden
from xnat_tui.jobs.control import Control
from xnat_tui.jobs.runner import run
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Evidence, Outcome, State


class Proven:
    """Steps that are proved together: `most` at once, and `said` of each of them."""

    def __init__(self, most: int, said: Callable[[int], Outcome]) -> None:
        self.most = most
        self.lots: list[list[int]] = []
        self.order: list[int] = []
        self._said = said

    def __call__(self, step: Step, control: Control) -> Outcome:
        assert control.proves_later
        self.order.append(step.number)
        return Outcome(step.number, State.VERIFYING)

    def enough(self, numbers: Collection[int]) -> bool:
        return len(numbers) >= self.most

    def prove(self, numbers: Collection[int], control: Control) -> list[Outcome]:
        self.lots.append(sorted(numbers))
        return [self._said(number) for number in numbers]


def _done(number: int) -> Outcome:
    return Outcome(number, State.DONE, verified=Evidence(digest=1))


def test_steps_that_wait_for_a_proof_hold_no_worker_and_what_needs_them_waits(journal, make_plan, make_step):
    job = journal.create(make_plan([*map(make_step, range(1, 8)), make_step(8, 1)]))
    execute = Proven(3, _done)
    report = run(journal, job, execute, workers=1)
    assert (report.state, report.verified) == (State.DONE, Evidence(digest=8))
    assert sorted(number for lot in execute.lots for number in lot) == list(range(1, 9))
    assert execute.lots[0] == [1, 2, 3]
    assert execute.order.index(8) > 3
    assert [8] in execute.lots[1:] or any(8 in lot for lot in execute.lots[1:])


def test_a_proof_that_says_nothing_of_a_step_or_fails_is_that_steps_failure(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2), make_step(3, 2)]))

    def said(number: int) -> Outcome:
        return Outcome(1, State.DONE)

    report = run(journal, job, Proven(2, said), workers=2)
    assert report.state is State.FAILED
    assert sorted(failure.path for failure in report.failed) == sorted(
        step.path for step in journal.plan(job).steps if step.number > 1
    )

    def fails(number: int) -> Outcome:
        raise Forbidden("No.", "Ask.")

    journal.retry(job)
    report = run(journal, job, Proven(2, fails), workers=2)
    assert "No." in [failure.error for failure in report.failed]


def test_what_waits_for_a_proof_is_run_again_when_a_paused_job_goes_on(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))
    began = threading.Event()
    stopped: list[int] = []

    class Stopping(Proven):
        def prove(self, numbers: Collection[int], control: Control) -> list[Outcome]:
            if stopped:
                return super().prove(numbers, control)
            began.set()
            assert control.stop.wait(30)
            stopped.extend(numbers)
            return [Outcome(number, State.PAUSED) for number in numbers]

    execute, states = Stopping(2, _done), States()
    running = InBackground(journal, job, execute, workers=2, on_event=states)
    assert began.wait(30)
    journal.pause(job)
    states.wait("paused")
    journal.resume(job)
    assert running.end().verified == Evidence(digest=2)
    assert stopped, "one of them at least: the other may have ended after the proof began"
    assert sorted(execute.order) == [1, 1, 2, 2]
