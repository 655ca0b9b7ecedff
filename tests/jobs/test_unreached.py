"""A job whose server has gone: it stops by itself and loses nothing, and one bad address does not stop it."""

from __future__ import annotations

import pytest

from tests.jobs.test_runner import sent
from xnat_tui.errors import ServerError, ServerUnreachable
from xnat_tui.jobs.control import Control
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome, Report, State


def gone(server: str = "lab") -> ServerUnreachable:
    error = ServerUnreachable(f"Asking {server}: nothing answers at this address.")
    error.unreachable = server
    return error


class Network:
    """Runs steps; those in `without` find nobody at the other end, those in `refused` are answered 500."""

    def __init__(self, without: set[int], refused: set[int] | None = None) -> None:
        self.without, self.refused = without, refused or set()
        self.tried: list[int] = []

    def __call__(self, step: Step, control: Control) -> Outcome:
        self.tried.append(step.number)
        if step.number in self.without:
            raise gone("qc" if step.number % 2 else "lab")
        if step.number in self.refused:
            raise ServerError("Asking lab: the server failed (500).", status=500)
        return sent(step, control)


@pytest.fixture
def steps(make_step):
    return [make_step(number, session="E") for number in range(1, 101)]


def run_one_by_one(journal: Journal, job: str, network: Network) -> Report:
    return run(journal, job, network, workers=1)


def test_after_three_steps_in_a_row_without_a_server_the_job_is_paused_and_nothing_has_failed(
    journal, make_plan, steps
):
    job = journal.create(make_plan(steps))
    network = Network(set(range(41, 101)))
    report = run_one_by_one(journal, job, network)
    assert network.tried == list(range(1, 44))
    assert (report.state, report.failed, report.done_items) == (State.PAUSED, (), 40)
    assert report.note == (
        f"lab and qc cannot be reached; the job is paused. Resume it with: xnat-tui jobs resume {job}"
    )
    assert report.to_dict()["note"] == report.note
    found = journal.job(job)
    assert (found.failures, found.note, found.pid) == (0, report.note, None)
    assert found.trouble.kind == "ServerUnreachable"
    assert {step.state for step in journal.steps(job)[40:]} == {State.QUEUED}

    journal.resume(job)
    again = Network(set())
    report = run_one_by_one(journal, job, again)
    assert again.tried == list(range(41, 101))
    assert (report.state, report.failed, report.done_files) == (State.DONE, (), 100)
    assert (journal.job(job).trouble, report.note) == (None, "")


def test_as_many_steps_as_there_are_workers_have_to_meet_nobody(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(number) for number in range(1, 101)]))
    network = Network(set(range(1, 101)))
    report = run(journal, job, network, workers=8)
    assert (report.state, report.failed) == (State.PAUSED, ())
    assert 8 <= len(network.tried) <= 16


def test_what_needs_a_step_that_met_nobody_is_queued_again_too(journal, make_plan, make_step):
    steps = [make_step(number) for number in (1, 2, 3)]
    steps += [make_step(number, 1 + number % 3) for number in range(4, 40)]
    job = journal.create(make_plan(steps))
    report = run_one_by_one(journal, job, Network({1, 2, 3}))
    assert (report.state, report.failed) == (State.PAUSED, ())
    assert {step.state for step in journal.steps(job)} == {State.QUEUED}


def test_one_step_that_all_the_rest_needs_is_enough(journal, make_plan, make_step):
    steps = [make_step(1), *(make_step(number, number - 1) for number in range(2, 40))]
    job = journal.create(make_plan(steps))
    network = Network({2})
    report = run_one_by_one(journal, job, network)
    assert network.tried == [1, 2]
    assert (report.state, report.failed, report.done_items) == (State.PAUSED, (), 1)


def test_what_failed_for_want_of_a_server_is_tried_again_also_where_something_went_well_since(
    journal, make_plan, steps
):
    job = journal.create(make_plan(steps[:20]))
    network = Network({3, *range(6, 21)}, refused={2})
    report = run_one_by_one(journal, job, network)
    assert (report.state, report.done_items) == (State.PAUSED, 3)
    assert [failure.error for failure in report.failed] == ["Asking lab: the server failed (500)."]
    journal.resume(job)
    again = Network(set())
    assert run_one_by_one(journal, job, again).done_items == 19
    assert again.tried == [3, *range(6, 21)]


def test_steps_that_keep_failing_while_others_succeed_fail_as_ever(journal, make_plan, steps):
    job = journal.create(make_plan(steps))
    without = {number for number in range(1, 101) if number % 3}
    report = run_one_by_one(journal, job, Network(without))
    assert (report.state, report.done_items) == (State.FAILED, 33)
    assert len(report.failed) == len(without)
    assert (report.note, journal.job(job).trouble) == ("", None)


def test_an_answer_however_bad_shows_that_the_server_is_there(journal, make_plan, steps):
    job = journal.create(make_plan(steps[:9]))
    report = run_one_by_one(journal, job, Network({1, 2, 4, 5, 7, 8}, refused={3, 6, 9}))
    assert (report.state, len(report.failed)) == (State.FAILED, 9)


def test_fewer_steps_than_it_takes_fail_as_ever_and_can_be_retried(journal, make_plan, steps):
    job = journal.create(make_plan(steps[:5]))
    report = run_one_by_one(journal, job, Network({4, 5}))
    assert (report.state, len(report.failed)) == (State.FAILED, 2)
    assert journal.retry(job) == 2
    assert run_one_by_one(journal, job, Network(set())).state is State.DONE


def test_what_had_been_sent_before_the_server_went_is_counted_once(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(number, files=4, bytes=40) for number in (1, 2, 3)]))

    def half(step, control):
        return Outcome(step.number, State.FAILED, 3, 30, skipped=0, unreachable="lab")

    assert run(journal, job, half, workers=1).state is State.PAUSED

    def rest(step, control):
        return Outcome(step.number, State.DONE, 1, 10, skipped=3)

    journal.resume(job)
    report = run(journal, job, rest, workers=1)
    assert (report.state, report.done_files, report.done_bytes, report.skipped) == (State.DONE, 12, 120, 0)
