"""What steps are is kept many together: small, sealed, read in part; version 3 had each in its row."""

from __future__ import annotations

import sqlite3
from itertools import islice

import pytest

from tests.bench.bench_journal import copy_steps, size
from tests.jobs import version_3
from xnat_tui.errors import ConfigError
from xnat_tui.jobs.bodies import TOGETHER
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence, Failure, Kept, Outcome, State

MOST_BYTES = 400


def test_a_step_of_a_copy_costs_few_bytes_and_many_packs_come_back_equal(journal, make_plan):
    plan = make_plan(list(islice(copy_steps(), 4 * TOGETHER + 1)))
    job = journal.create(plan)
    assert journal.plan(job) == plan
    journal.close()
    assert size(journal.path) / len(plan.steps) <= MOST_BYTES


def test_numbers_need_not_follow_each_other(journal, make_plan, make_step):
    steps = [make_step(number) for number in range(3, 3 * TOGETHER, 2)]
    job = journal.create(make_plan(steps))
    assert journal.plan(job).steps == tuple(steps)
    claim = journal.claim(job)
    for step in steps:
        if step.number not in (3, TOGETHER + 1, 3 * TOGETHER - 1):
            claim.record([(Outcome(step.number, State.DONE), "")])
    assert [step.number for step in journal.queued(job)] == [3, TOGETHER + 1, 3 * TOGETHER - 1]


@pytest.mark.parametrize("harm", ["one bit", "another's", "gone", "cut"])
def test_a_pack_that_is_not_what_was_written_is_damage(journal, make_plan, harm):
    job = journal.create(make_plan(list(islice(copy_steps(), 2 * TOGETHER))))
    with sqlite3.connect(journal.path) as database:
        (pack,) = database.execute("SELECT pack FROM bodies WHERE first = 1").fetchone()
        flipped = pack[:100] + bytes([pack[100] ^ 1]) + pack[101:]
        if harm == "gone":
            database.execute("DELETE FROM bodies WHERE first = 1")
        elif harm == "another's":
            database.execute("UPDATE bodies SET pack = ?", (pack,))
        else:
            changed = flipped if harm == "one bit" else pack[:3]
            database.execute("UPDATE bodies SET pack = ? WHERE first = 1", (changed,))
    database.close()
    for call in (journal.plan, journal.queued):
        with pytest.raises(ConfigError, match="is damaged: a record cannot be read"):
            call(job)


@pytest.fixture
def before(journal, make_plan, make_step):
    """A job of version 3 with a step done, one failed and one queued, its plan, and its report of then."""
    steps = [*(make_step(number) for number in (1, 2, 3)), make_step(4, action=Action.SKIP)]
    plan = make_plan([*steps, make_step(5, action=Action.CONFLICT, reason="taken")])
    job = journal.create(plan)
    claim = journal.claim(job)
    done = Outcome(1, State.DONE, 1, 10, verified=Evidence(1, 0, 0), attributes=Kept(2, 0))
    failed = Outcome(2, State.FAILED, 0, 4, failures=(Failure("E2", "no", "mend it"),))
    for outcome in (done, failed):
        claim.begin(outcome.number, "k")
        claim.record([(outcome, "k")])
    claim.release(State.PAUSED)
    said = report(journal, job)
    journal.close()
    version_3.turned_back(journal.path)
    return job, plan, said


def test_a_journal_of_version_3_is_read_with_all_that_became_of_its_steps(before, state):
    job, plan, said = before
    for _ in range(2):
        with Journal() as journal:
            assert journal.plan(job) == plan
            assert report(journal, job) == said
            assert [step.number for step in journal.queued(job)] == [3]


def test_a_job_of_version_3_goes_on_beside_new_ones(before, make_plan, make_step):
    job, _, said = before
    with Journal() as journal:
        other = journal.create(make_plan([make_step(1)]))
        assert journal.retry(job) == 1
        claim = journal.claim(job)
        for step in journal.queued(job):
            claim.begin(step.number, "k")
            claim.record([(Outcome(step.number, State.DONE, 1, 10), "k")])
        assert claim.finish() is State.DONE
        found = report(journal, job)
        assert (found.done_items, found.done_files, found.failed) == (said.done_items + 2, 3, ())
        assert [step.number for step in journal.queued(other)] == [1]
        journal.forget(job)
        assert [one.id for one in journal.jobs()] == [other]
