"""Flipped bytes, full and locked disks: named for what they are, and no step is done that was not meant."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.jobs.version_3 import bodies_in_rows
from xnat_tui.cli.root import cli
from xnat_tui.errors import ConfigError, Interrupted, XnatTuiError
from xnat_tui.jobs import schema
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.owner import Owner, this_host
from xnat_tui.jobs.reporting import report
from xnat_tui.jobs.soundness import sealed
from xnat_tui.jobs.watch import Watch
from xnat_tui.model.plan import Action, Plan
from xnat_tui.model.transfer import Failure, Outcome, State
from xnat_tui.services.transfers.running.following import Worker

STEPS = 30


class Kept(NamedTuple):
    job: str
    plan: Plan
    content: bytes

    def __repr__(self) -> str:
        return f"Kept({self.job})"


@pytest.fixture
def kept(journal: Journal, make_plan: Any, make_step: Any) -> Kept:
    """A journal with a job of many steps, one with a failure, and a third; its bytes."""
    plan = make_plan([make_step(number) for number in range(STEPS)])
    job = journal.create(plan)
    other = journal.create(make_plan([make_step(1), make_step(2, action=Action.CONFLICT)]))
    claim = journal.claim(other)
    claim.begin(1, "key")
    claim.record([(Outcome(1, State.FAILED, failures=(Failure("p", "no", "yes"),)), "key")])
    claim.finish()
    journal.create(make_plan([]))
    journal.close()
    return Kept(job, plan, journal.path.read_bytes())


def read_everything(path: Path) -> None:
    with Journal(path) as journal:
        for view in Watch(journal).jobs():
            Watch(journal).job(view.id)
            journal.plan(view.id)
            journal.steps(view.id)
            journal.queued(view.id)
            journal.events(view.id)
            journal.failed_numbers(view.id)
            report(journal, view.id)
            journal.retry(view.id)
            journal.resume(view.id)


def flip(content: bytes, flips: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for place, bits in flips:
        changed[place % len(changed)] ^= bits
    return bytes(changed)


FLIPS = st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=8)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(flips=FLIPS)
@example(flips=[(60, 128)])  # a version below zero
def test_flipped_bytes_are_an_error_that_names_the_journal_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, kept: Kept, flips: list[tuple[int, int]]
) -> None:
    job, plan, content = kept
    path = tmp_path_factory.mktemp("flipped") / "jobs.sqlite"
    path.write_bytes(flip(content, flips))
    said = ""
    try:
        with Journal(path) as journal:
            journal.claim(job)
            assert journal.plan(job) == plan, "what is run is what was planned"
            assert journal.queued(job) == list(plan.steps)
    except XnatTuiError as error:
        said = error.message
    assert not said or str(path) in said or job in said
    path.write_bytes(flip(content, flips))
    with suppress(XnatTuiError):
        read_everything(path)


def test_a_flipped_byte_within_a_value_is_found(kept: Kept, state: Path) -> None:
    """SQLite itself finds none there: a file would go to another place."""
    job, _, _ = kept
    path = state / "jobs.sqlite"
    bodies_in_rows(path)
    content = path.read_bytes()
    path.write_bytes(
        content.replace(
            b'/data/projects/P/subjects/S/experiments/E7"', b'/data/projects/P/subjects/T/experiments/E7"'
        )
    )
    assert path.read_bytes() != content
    with Journal(path) as journal:
        for call in (journal.plan, journal.queued):
            with pytest.raises(ConfigError, match="is damaged") as caught:
                call(job)
            assert "Move it away" in caught.value.hint


def test_a_step_in_no_known_state_keeps_its_job_from_running(kept: Kept, state: Path) -> None:
    job, _, _ = kept
    with sqlite3.connect(state / "jobs.sqlite") as database:
        database.execute("UPDATE steps SET state = 'quwued' WHERE job = ? AND number = 3", (job,))
    database.close()
    with Journal() as journal, pytest.raises(ConfigError, match="is damaged"):
        journal.claim(job)


def test_a_journal_without_checksums_is_read_as_before(kept: Kept, state: Path) -> None:
    job, plan, _ = kept
    bodies_in_rows(state / "jobs.sqlite")
    with sqlite3.connect(state / "jobs.sqlite") as database:
        for table, column in (("jobs", "plan"), ("jobs", "totals"), ("steps", "body")):
            database.execute(f"UPDATE {table} SET {column} = substr({column}, 10)")
    database.close()
    with Journal() as journal:
        assert journal.plan(job) == plan
    with sqlite3.connect(state / "jobs.sqlite") as database:
        database.execute("""UPDATE jobs SET plan = '{"verb": 1'""")
    database.close()
    with Journal() as journal, pytest.raises(ConfigError, match="is damaged"):
        journal.plan(job)


@pytest.mark.parametrize(
    "body", ['{"number": 1}', '{"number": 1, "data": {}}', '{"work": {"task": "fly"}}', "[]"]
)
def test_a_body_that_is_no_step_of_this_version_nor_the_last_is_damage(
    kept: Kept, state: Path, body: str
) -> None:
    job, _, _ = kept
    bodies_in_rows(state / "jobs.sqlite")
    with sqlite3.connect(state / "jobs.sqlite") as database:
        database.execute("UPDATE steps SET body = ? WHERE job = ? AND number = 3", (sealed(body), job))
    database.close()
    with Journal() as journal:
        for call in (journal.plan, journal.queued):
            with pytest.raises(ConfigError, match="is damaged: a record cannot be read"):
                call(job)


VERBS = [["jobs", "list"], ["jobs", "show"], ["jobs", "retry"], ["jobs", "resume"], ["jobs", "forget"]]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_verbs_name_a_damaged_journal_and_end_with_two(kept: Kept, state: Path, verb: list[str]) -> None:
    path = state / "jobs.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE jobs SET totals = 'x' || totals, state = 'dome'")
    database.close()
    result = CliRunner().invoke(cli, verb)
    assert result.exit_code == 2, result.output
    assert f"The journal {path} is damaged" in result.stderr
    assert "Move it away" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
    ],
)
@pytest.mark.parametrize(
    "verb", [["jobs", "list"], ["jobs", "show"], ["--json", "jobs", "list"]], ids=" ".join
)
def test_a_state_folder_that_cannot_be_written_is_named(
    state: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, verb: list[str]
) -> None:
    def refuse(path: Any, *arguments: Any, **options: Any) -> None:
        if str(path).startswith(str(state)):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **options)

    real = os.mkdir
    monkeypatch.setattr(os, "mkdir", refuse)
    result = CliRunner().invoke(cli, verb)
    assert result.exit_code == 2, result.output
    assert f"jobs.sqlite cannot be opened: {words}." in result.stderr
    assert "XNAT_TUI_STATE" in result.stderr
    assert "Going on without a log" in result.stderr


def test_a_full_disk_is_named_and_what_was_kept_stays(
    journal: Journal, make_plan: Any, make_step: Any
) -> None:
    job = journal.create(make_plan([make_step(1)]))
    connection = journal.database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ConfigError, match="no space left") as caught:
        journal.create(make_plan([make_step(number) for number in range(5000)]))
    assert str(journal.path) in caught.value.message
    assert "Make room" in caught.value.hint
    assert [one.id for one in journal.jobs()] == [job]


def test_a_journal_that_cannot_be_written_is_named(journal: Journal, make_plan: Any) -> None:
    journal.database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        journal.create(make_plan([]))
    assert "rights" in caught.value.hint


def test_a_folder_in_the_journals_place_is_named(state: Path) -> None:
    (state / "jobs.sqlite").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"jobs\.sqlite cannot be written: unable to open"):
        Journal()


def test_a_worker_that_died_of_a_locked_journal_is_told_so(
    journal: Journal, make_plan: Any, make_step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = journal.create(make_plan([make_step(1)]))
    journal.claim(job, Owner(2**22 + 1, this_host(), "a boot long ago"))
    with pytest.raises(Interrupted, match="Its worker ended before the job did"):
        Worker(job).wait()

    def locked(path: Path) -> sqlite3.Connection:
        database = schema.open_database(path)
        database.execute("PRAGMA query_only = ON")
        return database

    monkeypatch.setattr("xnat_tui.jobs.database.open_database", locked)
    with pytest.raises(ConfigError, match="cannot be written"):
        Worker(job).wait()
