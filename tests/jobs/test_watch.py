"""What a queue screen reads."""

from __future__ import annotations

import pytest

from xnat_tui.jobs.job import Event
from xnat_tui.jobs.watch import Watch
from xnat_tui.model.transfer import Outcome, State


def test_a_moving_job_tells_rate_and_time_left_after_three_seconds(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=1000)]))
    now = [0.0]
    watch = Watch(journal, clock=lambda: now[0])
    claim = journal.claim(job)
    claim.begin(1, "k")
    assert watch.jobs()[0].seconds_left is None
    now[0] = 2.0
    claim.pulse({1: (2, 200)}, 2.0)
    view = watch.jobs()[0]
    assert view.rate == pytest.approx(100)
    assert view.seconds_left is None
    now[0] = 4.0
    claim.pulse({1: (4, 400)}, 2.0)
    view = watch.jobs()[0]
    assert view.seconds_left == pytest.approx(6.0)
    assert view.current == ("subjects/S/experiments/E1",)
    assert (view.files_done, view.files_total, view.bytes_done, view.bytes_total) == (4, 10, 400, 1000)


def test_the_rate_is_that_of_the_last_seconds(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=1, bytes=10_000)]))
    now = [0.0]
    watch = Watch(journal, clock=lambda: now[0])
    claim = journal.claim(job)
    claim.begin(1, "k")
    sent = 0
    for second in range(60):
        now[0] = float(second)
        sent += 100 if second < 30 else 10
        claim.pulse({1: (0, sent)}, 1.0)
        view = watch.jobs()[0]
    assert view.rate == pytest.approx(10)


def test_a_stalled_job_foretells_nothing(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=1000)]))
    now = [0.0]
    watch = Watch(journal, clock=lambda: now[0])
    journal.claim(job).begin(1, "k")
    watch.jobs()
    now[0] = 10.0
    assert watch.jobs()[0].seconds_left is None


def test_a_job_without_bytes_goes_by_files(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=0)]))
    now = [0.0]
    watch = Watch(journal, clock=lambda: now[0])
    claim = journal.claim(job)
    claim.begin(1, "k")
    watch.jobs()
    now[0] = 5.0
    claim.pulse({1: (5, 0)}, 5.0)
    assert watch.job(job).seconds_left == pytest.approx(5.0)


def test_a_resting_or_ended_job_has_no_rate_and_nothing_current(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    watch = Watch(journal)
    assert watch.job(job).state is State.QUEUED
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.record([(Outcome(1, State.DONE, 1, 10), "k")], [Event(job, 0.0, "failure", "x")])
    claim.finish()
    view = watch.job(job)
    assert (view.state, view.rate, view.seconds_left, view.current) == (State.DONE, 0.0, None, ())
    assert (view.files_done, view.files_total) == (1, 1)


def test_more_than_was_planned_never_shows_more_than_all(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=0, bytes=0)]))
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.pulse({1: (3, 30)}, 1.0)
    view = Watch(journal).job(job)
    assert view.files_done == view.files_total == 3
    assert view.bytes_done == view.bytes_total == 30


def test_files_that_were_there_before_are_not_told_as_done(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=2, bytes=200)]))
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.record([(Outcome(1, State.DONE, files=2, bytes=200, skipped=6), "k")])
    (view,) = Watch(journal).jobs()
    assert (view.files_done, view.files_total) == (2, 2)
