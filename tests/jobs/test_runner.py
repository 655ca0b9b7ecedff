"""Running jobs in this process: order, failures, and what another process may ask meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from tests.jobs.background import InBackground, States
from xnat_tui.errors import Conflict, Forbidden, Interrupted
from xnat_tui.jobs.control import Control
from xnat_tui.jobs.job import Event
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.plan import Action, End, Step
from xnat_tui.model.transfer import Evidence, Failure, Outcome, State


def sent(step: Step, control: Control) -> Outcome:
    control.on_bytes(step.bytes)
    control.on_file()
    return Outcome(step.number, State.DONE, step.files, step.bytes, verified=Evidence(digest=step.files))


def test_all_steps_run_in_the_order_of_their_needs_and_are_reported(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(3, 2), make_step(2, 1), make_step(1), make_step(4)]))
    order: list[int] = []

    def execute(step: Step, control: Control) -> Outcome:
        order.append(step.number)
        return sent(step, control)

    report = run(journal, job, execute, workers=2)
    assert [number for number in order if number < 4] == [1, 2, 3]
    assert report.state is State.DONE
    assert (report.done_items, report.done_files, report.done_bytes) == (4, 4, 40)
    assert report.verified == Evidence(digest=4)
    assert report.to_dict()["failed"] == []
    assert [event.message for event in journal.events(job)][-1] == "done"


def test_steps_run_at_once_as_many_as_there_are_workers(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(number) for number in range(1, 5)]))
    together = threading.Barrier(4, timeout=30)

    def execute(step: Step, control: Control) -> Outcome:
        together.wait()
        return sent(step, control)

    assert run(journal, job, execute, workers=4).failed == ()


def test_a_session_is_written_by_one_step_at_a_time(journal, make_plan, make_step):
    steps = [make_step(number, session=f"E{number % 2}") for number in range(1, 21)]
    job = journal.create(make_plan(steps))
    writing: set[str] = set()
    clashes: list[str] = []
    lock = threading.Lock()

    def execute(step: Step, control: Control) -> Outcome:
        session = step.session
        with lock:
            clashes.extend({session} & writing)
            writing.add(session)
        outcome = sent(step, control)
        with lock:
            writing.remove(session)
        return outcome

    assert run(journal, job, execute, workers=8).done_items == 20
    assert clashes == []


def test_a_failing_step_fails_only_its_dependants_and_says_why(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2, 1), make_step(3, 2), make_step(4)]))

    def execute(step: Step, control: Control) -> Outcome:
        if step.number == 1:
            raise Forbidden("You may not create this.", "Ask the owner.")
        return sent(step, control)

    report = run(journal, job, execute)
    assert report.state is State.FAILED
    assert report.done_items == 1
    assert report.failed[0] == Failure(
        "subjects/S/experiments/E1", "You may not create this.", "Ask the owner."
    )
    assert [failure.path[-2:] for failure in report.failed] == ["E1", "E2", "E3"]
    assert all("E1" in failure.error for failure in report.failed[1:])


def test_an_unforeseen_error_fails_the_step_without_its_secrets(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))

    def execute(step: Step, control: Control) -> Outcome:
        if step.number == 1:
            raise ValueError("bad header in password=hunter22")
        return sent(step, control)

    report = run(journal, job, execute)
    assert len(report.failed) == 1
    assert "ValueError" in report.failed[0].error
    assert "hunter22" not in str(report.to_dict())


def test_a_full_disk_is_said_in_words(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))

    def execute(step: Step, control: Control) -> Outcome:
        raise OSError(28, "No space left on device")

    assert run(journal, job, execute).failed[0].error == "No space left on device."


def test_what_needs_a_conflict_is_not_run(journal, make_plan, make_step):
    steps = [make_step(1, action=Action.CONFLICT, reason="taken"), make_step(2, 1), make_step(3)]
    ran: list[int] = []

    def execute(step: Step, control: Control) -> Outcome:
        ran.append(step.number)
        return sent(step, control)

    report = run(journal, journal.create(make_plan(steps)), execute)
    assert ran == [3]
    assert [one.path[-2:] for one in report.left] == ["E1"]
    assert [failure.path[-2:] for failure in report.failed] == ["E2"]


def test_what_needs_a_skipped_step_runs(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, action=Action.SKIP), make_step(2, 1)]))
    report = run(journal, job, sent)
    assert (report.state, report.done_items, report.skipped) == (State.DONE, 1, 1)


def test_retry_runs_what_failed_and_nothing_that_is_done(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2, 1), make_step(3)]))
    ran: list[int] = []
    healthy = threading.Event()

    def execute(step: Step, control: Control) -> Outcome:
        ran.append(step.number)
        if step.number == 1 and not healthy.is_set():
            raise Forbidden("No.")
        return sent(step, control)

    assert run(journal, job, execute, workers=1).state is State.FAILED
    healthy.set()
    assert journal.retry(job) == 2
    report = run(journal, job, execute, workers=1)
    assert ran == [1, 3, 1, 2]
    assert (report.state, report.done_items, report.failed) == (State.DONE, 3, ())


def test_a_retry_asked_while_the_job_runs_is_taken_up(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))
    failed, asked = threading.Event(), threading.Event()
    tries: list[int] = []

    def execute(step: Step, control: Control) -> Outcome:
        tries.append(step.number)
        if step.number == 1 and tries.count(1) == 1:
            raise Forbidden("No.")
        if step.number == 2:
            assert asked.wait(30)
        return sent(step, control)

    def heard(event: Event) -> None:
        if event.kind == "failure":
            failed.set()

    worker = InBackground(journal, job, execute, on_event=heard)
    assert failed.wait(30)
    with Journal(journal.path) as other:
        other.retry(job)
    asked.set()
    assert worker.end().state is State.DONE
    assert tries.count(1) == 2


def test_an_ended_job_of_ten_thousand_steps_runs_nothing_when_resumed(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(number) for number in range(1, 10_001)]))
    claim = journal.claim(job)
    claim.record([(Outcome(number, State.DONE, 1, 10), "") for number in range(1, 10_001)])
    assert claim.finish() is State.DONE
    ran: list[int] = []

    def execute(step: Step, control: Control) -> Outcome:
        ran.append(step.number)
        return sent(step, control)

    journal.resume(job)
    report = run(journal, job, execute)
    assert ran == []
    assert (report.state, report.done_items) == (State.DONE, 10_000)


def test_the_same_job_cannot_be_run_twice_at_once(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    begun, go_on = threading.Event(), threading.Event()

    def execute(step: Step, control: Control) -> Outcome:
        begun.set()
        assert go_on.wait(30)
        return sent(step, control)

    worker = InBackground(journal, job, execute)
    assert begun.wait(30)
    with Journal(journal.path) as other, pytest.raises(Conflict, match="already being run"):
        run(other, job, sent)
    go_on.set()
    assert worker.end().done_items == 1


def test_two_jobs_on_one_target_write_there_one_after_the_other(journal, make_plan, make_step):
    one, two = (journal.create(make_plan([make_step(1, session="E")])) for _ in range(2))
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def first(step: Step, control: Control) -> Outcome:
        begun.set()
        assert go_on.wait(30)
        order.append("first")
        return sent(step, control)

    def second(step: Step, control: Control) -> Outcome:
        order.append("second")
        return sent(step, control)

    ahead = InBackground(journal, one, first)
    assert begun.wait(30)
    states = States()
    with Journal(journal.path) as other:
        behind = InBackground(other, two, second, on_event=states)
        states.wait("waiting")
        go_on.set()
        assert ahead.end().state is behind.end().state is State.DONE
    assert order == ["first", "second"]


def test_two_exports_to_different_folders_do_not_wait_for_each_other(journal, make_plan, make_step):
    step = make_step(1, target=End("", "subjects/S/x.dcm"))
    plans = [make_plan([step]), make_plan([step])]
    plans = [type(p)(p.options, p.sources, f"/data/{i}", p.steps) for i, p in enumerate(plans)]
    one, two = (journal.create(plan) for plan in plans)
    together = threading.Barrier(2, timeout=30)

    def execute(step: Step, control: Control) -> Outcome:
        together.wait()
        return sent(step, control)

    with Journal(journal.path) as other:
        workers = [InBackground(journal, one, execute), InBackground(other, two, execute)]
        assert [worker.end().failed for worker in workers] == [(), ()]


def test_pause_stops_what_runs_and_resume_runs_it_again(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))
    begun, states, tries = threading.Event(), States(), []

    def execute(step: Step, control: Control) -> Outcome:
        tries.append(step.number)
        if len(tries) == 1:
            begun.set()
            assert control.stop.wait(30)
            raise Interrupted("Stopped.")
        return sent(step, control)

    worker = InBackground(journal, job, execute, workers=1, on_event=states)
    assert begun.wait(30)
    with Journal(journal.path) as other:
        other.pause(job)
        states.wait("paused")
        assert other.job(job).state is State.PAUSED
        assert other.job(job).pid is not None
        assert other.resume(job)
    assert worker.end().state is State.DONE
    assert tries == [1, 1, 2]
    assert journal.steps(job)[0].attempts == 2


def test_cancel_keeps_what_is_done_and_gives_up_the_rest(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2), make_step(3)]))
    begun = threading.Event()

    def execute(step: Step, control: Control) -> Outcome:
        if step.number == 2:
            begun.set()
            assert control.stop.wait(30)
            control.check()
        return sent(step, control)

    worker = InBackground(journal, job, execute, workers=1)
    assert begun.wait(30)
    with Journal(journal.path) as other:
        other.cancel(job)
    report = worker.end()
    assert (report.state, report.done_items) == (State.CANCELLED, 1)
    assert [step.state for step in journal.steps(job)] == [State.DONE, State.CANCELLED, State.CANCELLED]
    journal.resume(job)
    assert run(journal, job, sent).state is State.DONE


def test_a_job_cancelled_before_its_worker_came_runs_nothing(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    journal.cancel(job)
    ran: list[int] = []

    def execute(step: Step, control: Control) -> Outcome:
        ran.append(step.number)
        return sent(step, control)

    assert run(journal, job, execute).state is State.CANCELLED
    assert ran == []


def test_a_step_that_stops_unasked_fails_instead_of_going_round_for_ever(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))

    def execute(step: Step, control: Control) -> Outcome:
        raise Interrupted("Why?")

    assert run(journal, job, execute).state is State.FAILED


def test_steps_that_need_each_other_fail_instead_of_waiting_for_ever(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, 2), make_step(2, 1)]))
    assert len(run(journal, job, sent).failed) == 2


def test_an_error_outside_the_steps_leaves_the_job_resumable(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))

    def broken(workers: int) -> Executor:
        raise OSError("no cluster there")

    with pytest.raises(OSError, match="no cluster"):
        run(journal, job, sent, executor_factory=broken)
    assert journal.job(job).state is State.PAUSED
    assert run(journal, job, sent).state is State.DONE


def test_counters_of_a_running_step_reach_the_journal(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=3, bytes=300)]))
    counted, go_on = threading.Event(), threading.Event()

    def execute(step: Step, control: Control) -> Outcome:
        control.on_bytes(120)
        control.on_file()
        counted.set()
        assert go_on.wait(30)
        return Outcome(step.number, State.DONE, 3, 300)

    worker = InBackground(journal, job, execute)
    assert counted.wait(30)
    with Journal(journal.path) as other:
        polls = threading.Event()
        while other.job(job).bytes != 120:
            polls.wait(0.02)
        assert other.job(job).files == 1
    go_on.set()
    worker.end()
    assert journal.job(job).bytes == 300


class Losing(ThreadPoolExecutor):
    """Loses the outcomes of its first steps, as a cluster whose worker is killed may."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.losses = 1

    def submit(self, call, /, *arguments, **named):
        if not self.losses:
            return super().submit(call, *arguments, **named)
        self.losses -= 1
        super().submit(call, *arguments, **named).result()
        lost: Future = Future()
        lost.set_exception(TypeError("cannot unpack non-iterable Outcome object"))
        return lost


def test_a_step_whose_outcome_the_executor_lost_is_run_once_more(journal, make_plan, make_step):
    job, calls = journal.create(make_plan([make_step(1), make_step(2, 1)])), []

    def execute(step, control):
        calls.append(step.number)
        return Outcome(step.number, State.DONE, 1, 10)

    found = run(journal, job, execute, workers=1, executor_factory=Losing)
    assert (found.state, found.done_items, calls) == (State.DONE, 2, [1, 1, 2])


def test_a_step_that_is_lost_again_has_failed_and_says_why(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))

    def losing(workers):
        executor = Losing(workers)
        executor.losses = 9
        return executor

    found = run(journal, job, lambda step, _: Outcome(step.number, State.DONE), executor_factory=losing)
    assert found.state is State.FAILED
    assert "Unexpected TypeError: cannot unpack" in found.failed[0].error
