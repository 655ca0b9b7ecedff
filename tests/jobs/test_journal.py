"""The journal: what it keeps, who may run what, and what it says of a file that is no journal."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.version_3 import turned_back
from xnat_tui.errors import ConfigError, Conflict, NotAllowed, NotFound, SignInFailed
from xnat_tui.jobs.job import Wish
from xnat_tui.jobs.journal import Journal, error_of
from xnat_tui.jobs.owner import STALE, Owner, this_host
from xnat_tui.jobs.reporting import not_retried, report
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.plan import Action, Finding
from xnat_tui.model.transfer import Evidence, Failure, Kept, Outcome, State


def dead_owner() -> Owner:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return Owner(process.pid, this_host(), "some boot 12345")


def done(number: int, **more: Any) -> tuple[Outcome, str]:
    return Outcome(number, State.DONE, **more), ""


def test_the_file_is_private_and_in_the_state_folder(journal, state):
    assert journal.path == state / "jobs.sqlite"
    for file in state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_plan_comes_back_equal(journal, make_plan, make_step):
    plan = make_plan([make_step(1), make_step(2, 1, session="E")], options=CopyOptions(bandwidth=5))
    plan = type(plan)(
        **{**{f: getattr(plan, f) for f in plan.__slots__}, "findings": (Finding("info", "x"),)}
    )
    assert journal.plan(journal.create(plan)) == plan


def test_job_ids_are_readable_and_never_given_twice(journal, make_plan):
    journal.now = lambda: 1_795_255_200.0
    ids = [journal.create(make_plan([])) for _ in range(3)]
    assert re.fullmatch(r"\d{8}-\d{6}-copy", ids[0])
    assert ids[1:] == [f"{ids[0]}-2", f"{ids[0]}-3"]


def test_jobs_come_newest_first(journal, make_plan):
    times = iter([100.0, 300.0, 200.0])
    journal.now = lambda: next(times)
    first, last, middle = (journal.create(make_plan([])) for _ in range(3))
    journal.now = lambda: 400.0
    assert [job.id for job in journal.jobs()] == [last, middle, first]


def test_from_the_start_skipped_is_done_conflicts_are_left_and_the_unread_has_failed(
    journal, make_plan, make_step
):
    unread = make_step(3, action=Action.CONFLICT, reason="could not be read", unread=True)
    steps = [make_step(1, action=Action.SKIP), make_step(2, action=Action.CONFLICT, reason="label is taken")]
    job = journal.create(make_plan([*steps, unread, make_step(4)]))
    states = [step.state for step in journal.steps(job)]
    assert states == [State.DONE, State.LEFT, State.FAILED, State.QUEUED]
    assert [step.number for step in journal.queued(job)] == [4]
    found = report(journal, job)
    assert [(one.error, one.hint) for one in found.failed] == [
        ("could not be read", "Mend that, then plan again.")
    ]
    assert [(one.path[-2:], one.reason) for one in found.left] == [("E2", "label is taken")]
    assert found.skipped == 1
    assert (journal.job(job).left, journal.job(job).failures) == (1, 1)


def test_a_journal_of_the_version_before_is_taken_over_with_all_that_is_in_it(tmp_path, make_plan, make_step):
    path = tmp_path / "jobs.sqlite"
    with Journal(path) as journal:
        job = journal.create(make_plan([make_step(1), make_step(2)]))
    turned_back(path)
    with sqlite3.connect(path) as database:
        for table, column in (("jobs", "left_alone"), ("steps", "proved"), ("steps", "lost")):
            database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute("DROP TABLE changes")
        database.execute("PRAGMA user_version = 1")
    database.close()
    for _ in range(2):
        with Journal(path) as journal:
            assert [step.number for step in journal.queued(job)] == [1, 2]
            assert report(journal, job).left == ()
            assert report(journal, job).attributes == Kept()
            assert journal.job(journal.create(make_plan([make_step(1, action=Action.CONFLICT)]))).left == 1


def test_what_was_read_back_is_counted_and_counted_anew_by_a_retry(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))
    claim = journal.claim(job)
    for number in (1, 2):
        claim.begin(number, "k")
    lost = Outcome(2, State.FAILED, failures=(Failure("E2", "no format"),), attributes=Kept(1, 2))
    claim.record([(Outcome(1, State.DONE, attributes=Kept(3)), "k"), (lost, "k")])
    claim.finish()
    assert report(journal, job).to_dict()["attributes"] == {"proved": 4, "lost": 2}
    journal.retry(job)
    assert report(journal, job).attributes == Kept(3)


def test_a_job_with_nothing_but_announced_conflicts_is_done_and_has_nothing_to_retry(
    journal, make_plan, make_step
):
    steps = [make_step(number, action=Action.CONFLICT, reason="taken") for number in (1, 2, 3)]
    job = journal.create(make_plan(steps))
    assert journal.claim(job).finish() is State.DONE
    document = report(journal, job).to_dict()
    assert (document["state"], document["failed"], document["left"]) == ("done", [], 3)
    assert document["left_alone"][0]["reason"] == "taken"
    assert journal.retry(job) == 0
    assert not_retried(journal, job) is None


def test_a_job_that_is_unknown_is_not_found(journal):
    for call in (journal.job, journal.claim, journal.pause, journal.forget, journal.plan, journal.steps):
        with pytest.raises(NotFound, match="20200101-000000-copy"):
            call("20200101-000000-copy")


def test_one_worker_per_job(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    journal.claim(job)
    with Journal(journal.path) as other, pytest.raises(Conflict, match=f"process {os.getpid()}"):
        other.claim(job)
    assert journal.job(job).pid == os.getpid()


def test_a_released_job_can_be_claimed_again(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    journal.claim(job).release(State.PAUSED)
    assert journal.job(job).state is State.PAUSED
    journal.claim(job)
    assert journal.job(job).state is State.RUNNING


def test_a_dead_workers_job_shows_as_paused_and_is_taken_over(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1), make_step(2)]))
    dead = journal.claim(job, dead_owner())
    dead.begin(1, "key")
    assert journal.job(job).state is State.PAUSED
    assert journal.job(job).pid is None
    assert "resumed" in journal.job(job).note
    journal.claim(job)
    assert journal.job(job).state is State.RUNNING
    assert [step.number for step in journal.queued(job)] == [1, 2]
    with pytest.raises(Conflict, match="taken over"):
        dead.record([done(1)])
    assert [step.state for step in journal.steps(job)] == [State.QUEUED, State.QUEUED]


def test_a_process_number_used_again_is_not_taken_for_the_worker(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    journal.claim(job, Owner(os.getpid(), this_host(), "another boot 1"))
    assert journal.job(job).pid is None


def test_a_worker_on_another_host_is_dead_once_its_heartbeat_is_stale(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    began = journal.now()
    journal.claim(job, Owner(1, f"not-{socket.gethostname()} pid:[1]"))
    journal.now = lambda: began + STALE - 5
    with pytest.raises(Conflict, match=f"not-{socket.gethostname()}"):
        journal.claim(job)
    journal.now = lambda: began + STALE + 5
    journal.claim(job)


def test_two_jobs_never_hold_the_same_target(journal, make_plan, make_step):
    one, two = (journal.create(make_plan([make_step(1)])) for _ in range(2))
    first, second = journal.claim(one), journal.claim(two)
    assert first.begin(1, "qc|E") == ""
    assert second.begin(1, "qc|E") == one
    assert second.begin(1, "qc|F") == ""
    first.record([(Outcome(1, State.DONE), "qc|E")])
    assert second.begin(1, "qc|E") == ""


def test_the_target_of_a_dead_worker_is_free(journal, make_plan, make_step):
    one, two = (journal.create(make_plan([make_step(1)])) for _ in range(2))
    journal.claim(one, dead_owner()).begin(1, "qc|E")
    assert journal.claim(two).begin(1, "qc|E") == ""


def test_counters_of_a_cut_off_step_stay_counted(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=100)]))
    claim = journal.claim(job, dead_owner())
    claim.begin(1, "k")
    claim.pulse({1: (4, 45)}, 2.0)
    assert (journal.job(job).files, journal.job(job).bytes) == (4, 45)
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.pulse({1: (1, 5)}, 1.0)
    assert (journal.job(job).files, journal.job(job).bytes) == (5, 50)
    claim.record([done(1, files=6, bytes=60, skipped=4, verified=Evidence(digest=10))])
    assert claim.finish() is State.DONE
    told = report(journal, job)
    assert (told.done_items, told.done_files, told.done_bytes, told.skipped) == (1, 10, 100, 0)
    assert told.verified == Evidence(digest=10)
    assert told.seconds == pytest.approx(3.0)
    assert (journal.job(job).files, journal.job(job).bytes) == (10, 100)


@pytest.mark.parametrize("planned", [100, 0])
def test_what_a_resumed_step_sends_again_counts_once(journal, make_plan, make_step, planned):
    job = journal.create(make_plan([make_step(1, files=10, bytes=planned)]))
    claim = journal.claim(job, dead_owner())
    claim.begin(1, "k")
    claim.pulse({1: (0, 45)}, 2.0)
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.record([done(1, files=10, bytes=100)])
    assert report(journal, job).done_bytes == 100
    assert journal.job(job).bytes == 100


def test_a_failing_retry_does_not_undo_what_was_sent_before(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=100)]))
    claim = journal.claim(job)
    failure = (Failure("files/9.dcm", "500"),)
    for sent in (4, 2):
        claim.begin(1, "k")
        claim.record([(Outcome(1, State.FAILED, sent, sent * 10, failures=failure), "k")])
        journal.retry(job)
    assert (journal.job(job).files, journal.job(job).bytes) == (6, 60)
    claim.begin(1, "k")
    claim.record([done(1, files=4, bytes=40, skipped=6)])
    assert (report(journal, job).done_files, report(journal, job).done_bytes) == (10, 100)
    assert report(journal, job).skipped == 0


def test_progress_reaches_its_total_when_files_were_there_already(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1, files=10, bytes=100)]))
    claim = journal.claim(job)
    claim.begin(1, "k")
    claim.record([done(1, files=1, bytes=10, skipped=9)])
    assert (journal.job(job).files, journal.job(job).bytes) == (10, 100)
    assert (report(journal, job).done_files, report(journal, job).skipped) == (1, 9)


def test_failures_are_kept_with_path_error_and_hint_until_they_are_retried(journal, make_plan, make_step):
    unread = make_step(2, action=Action.CONFLICT, unread=True)
    job = journal.create(make_plan([make_step(1), unread]))
    claim = journal.claim(job)
    claim.begin(1, "k")
    failure = Failure("files/1.dcm", "500", "retry")
    claim.record([(Outcome(1, State.FAILED, failures=(failure,)), "k")])
    assert claim.finish() is State.FAILED
    assert report(journal, job).failed[0] == failure
    assert journal.job(job).failures == 2
    assert journal.retry(job) == 1
    assert journal.job(job).state is State.QUEUED
    assert journal.job(job).failures == 1, "what the plan could not read remains"


def test_a_job_with_queued_steps_is_not_finished(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    assert journal.claim(job).finish() is None


def test_wishes_reach_a_living_worker_and_change_a_resting_job_at_once(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(1)]))
    journal.pause(job)
    assert journal.job(job).state is State.PAUSED
    assert not journal.resume(job)
    claim = journal.claim(job)
    journal.pause(job)
    assert claim.pulse({}, 0) is Wish.PAUSE
    assert journal.resume(job)
    assert claim.pulse({}, 0) is Wish.RUN
    claim.release(State.PAUSED)
    journal.cancel(job)
    assert journal.job(job).state is State.CANCELLED
    assert journal.queued(job) == []
    with pytest.raises(Conflict, match="cancelled"):
        journal.cancel(job)
    assert not journal.resume(job)
    assert len(journal.queued(job)) == 1


def test_forgetting_leaves_no_row_behind_and_spares_a_running_job(journal, make_plan, make_step):
    job, other = (journal.create(make_plan([make_step(1)])) for _ in range(2))
    claim = journal.claim(job)
    with pytest.raises(Conflict, match="is being run"):
        journal.forget(job)
    claim.release(State.PAUSED)
    journal.forget(job)
    assert [kept.id for kept in journal.jobs()] == [other]
    with sqlite3.connect(journal.path) as database:
        for table in ("steps", "events"):
            assert database.execute(f"SELECT count(*) FROM {table} WHERE job = ?", (job,)).fetchone() == (0,)
    database.close()


def test_trouble_of_a_worker_is_raised_again_as_what_it_was(journal, make_plan):
    job = journal.create(make_plan([]))
    journal.trouble(job, SignInFailed("No password.", "Sign in."))
    trouble = journal.job(job).trouble
    assert trouble is not None
    error = error_of(trouble)
    assert isinstance(error, NotAllowed)
    assert (error.message, error.hint) == ("No password.", "Sign in.")


@pytest.mark.parametrize(
    "content", [b"not a database at all, but text" * 50, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_named_and_left_alone(tmp_path, content):
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path))) as caught:
        Journal(path)
    assert "Move it away" in caught.value.hint
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks (id)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_newer_journal_is_refused(journal, state):
    with sqlite3.connect(journal.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigError, match="newer xnat-tui"):
        Journal(journal.path)


def test_damage_found_later_names_the_file(journal, make_plan, make_step):
    job = journal.create(make_plan([make_step(number) for number in range(500)]))
    journal.close()
    size = journal.path.stat().st_size
    with journal.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xaa" * (size - 8192))
    with pytest.raises(ConfigError, match=re.escape(str(journal.path))), Journal(journal.path) as damaged:
        damaged.plan(job)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"jobs\.sqlite"):
        Journal(tmp_path / "file" / "jobs.sqlite")


def test_two_processes_opening_a_new_journal_at_once_both_succeed(tmp_path):
    path = tmp_path / "state" / "jobs.sqlite"
    code = f"import pathlib, xnat_tui.jobs.journal as j; j.Journal(pathlib.Path({str(path)!r})).jobs()"
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=root) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]


def test_a_second_opening_takes_no_lock_from_the_first(journal, make_plan):
    job = journal.create(make_plan([]))
    code = (
        f"import pathlib, xnat_tui.jobs.journal as j; j.Journal(pathlib.Path({str(journal.path)!r})).close()"
    )
    with Journal(journal.path) as other:
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)
        assert journal.path.with_name("jobs.sqlite-wal").exists(), "the process believed to be the last one"
        assert [journal.job(job).id, other.job(job).id] == [job, job]
