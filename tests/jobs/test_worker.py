"""The worker as a process: started, interrupted, killed and resumed."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xnat_tui import credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Secret
from xnat_tui.errors import Conflict, Interrupted, NotFound, SignInFailed, XnatTuiError
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.jobs.watch import JobView
from xnat_tui.model.plan import End, Plan
from xnat_tui.model.transfer import State
from xnat_tui.services.transfers.running import worker
from xnat_tui.services.transfers.running.following import Worker

COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("copying_worker.py")))
STEPS = 60


class Copies:
    """A job that copies files between two folders, and what its workers wrote down."""

    def __init__(
        self, folder: Path, journal: Journal, make_plan: Callable[..., Plan], make_step: Callable
    ) -> None:
        self.journal, self.folder = journal, folder
        self.source, self.target = folder / "source", folder / "target"
        self.source.mkdir()
        self.target.mkdir()
        content = random.Random(7)
        self.steps = []
        for number in range(1, STEPS + 1):
            (self.source / f"{number}").write_bytes(content.randbytes(100 + number))
            ends = {
                "source": End("", str(self.source / f"{number}")),
                "target": End("", str(self.target / f"{number}")),
            }
            needs = (number - 7,) if number > 7 else ()
            size = 100 + number
            self.steps.append(make_step(number, *needs, session=f"E{number % 5}", bytes=size, **ends))
        self.job = journal.create(make_plan(self.steps))

    def started(self) -> list[int]:
        return [int(line) for line in self.lines() if line.isdigit()]

    def lines(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def wait_for(self, lines: int, what: str = "") -> None:
        poll = threading.Event()
        while len([line for line in self.lines() if (line == what if what else line.isdigit())]) < lines:
            poll.wait(0.002)

    def pid(self) -> int:
        pid = self.journal.job(self.job).pid
        assert pid is not None
        return pid

    def kill(self) -> None:
        os.kill(self.pid(), signal.SIGKILL)
        self.wait_until_dead()

    def wait_until_dead(self) -> None:
        poll = threading.Event()
        while self.journal.job(self.job).pid is not None:
            poll.wait(0.01)

    def assert_complete(self) -> None:
        names = {path.name for path in self.source.iterdir()}
        assert {path.name for path in self.target.iterdir()} == names
        for name in names:
            assert (self.target / name).read_bytes() == (self.source / name).read_bytes()


@pytest.fixture
def copies(tmp_path, journal, make_plan, make_step, monkeypatch) -> Iterator[Copies]:
    monkeypatch.setenv("COPY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("COPY_HOLD", str(tmp_path / "hold"))
    monkeypatch.setenv("COPY_HOLD_FROM", "10")
    made = Copies(tmp_path, journal, make_plan, make_step)
    yield made
    for job in journal.jobs():
        if job.pid not in (None, os.getpid()):
            os.kill(job.pid, signal.SIGKILL)


def test_a_worker_runs_a_job_to_its_end_and_tells_what_happens(copies):
    states: list[str] = []
    views: list[JobView] = []
    handle = worker.start(copies.job, command=COMMAND)
    told = handle.wait(lambda event: states.append(event.message), views.append)
    assert told.state is State.DONE
    assert (told.done_items, told.done_files, told.verified.size) == (STEPS, STEPS, STEPS)
    assert states[-1] == "done"
    assert (views[-1].files_done, views[-1].bytes_done) == (STEPS, views[-1].bytes_total)
    assert not handle.alive
    copies.assert_complete()


def test_a_worker_is_polite_and_apart_and_its_log_is_private(copies):
    worker.start(copies.job, command=COMMAND).wait()
    group, niceness = copies.lines()[:2]
    assert f"nice {min(19, os.nice(0) + worker.NICENESS)} leader True" in niceness
    groups = Path("/proc/self/autogroup").exists()  # by which Linux shares the processor out to sessions
    assert group.endswith(f" nice {worker.NICENESS}" if groups else "group none")
    assert stat.S_IMODE(worker.log_file(copies.job).stat().st_mode) == 0o600


def test_a_hangup_does_not_stop_it(copies):
    hold = copies.folder / "hold"
    hold.touch()
    handle = worker.start(copies.job, command=COMMAND)
    copies.wait_for(1, "holding")
    os.kill(copies.pid(), signal.SIGHUP)
    with Journal(copies.journal.path) as other:
        other.pause(copies.job)
        poll = threading.Event()
        while other.job(copies.job).state is not State.PAUSED:
            poll.wait(0.02)
        assert handle.alive
        hold.unlink()
        other.resume(copies.job)
    assert handle.wait().state is State.DONE
    copies.assert_complete()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("deaf", ["", "1"])
def test_a_signal_leaves_the_job_resumable_even_when_its_steps_are_deaf(copies, number, deaf, monkeypatch):
    monkeypatch.setenv("COPY_DEAF", deaf)
    (copies.folder / "hold").touch()
    handle = worker.start(copies.job, command=COMMAND)
    copies.wait_for(1, "holding")
    os.kill(copies.pid(), number)
    assert handle.wait().state is State.PAUSED
    assert not copies.journal.job(copies.job).died
    (copies.folder / "hold").unlink()
    assert worker.resume(copies.job, command=COMMAND).wait().state is State.DONE
    copies.assert_complete()


def test_a_worker_of_a_background_job_can_be_interrupted(copies):
    (copies.folder / "hold").touch()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for `command &`
    try:
        handle = worker.start(copies.job, command=COMMAND)
    finally:
        signal.signal(signal.SIGINT, before)
    handle.interrupt()
    assert handle.wait().state is State.PAUSED


def test_the_same_job_resumed_twice_at_once_is_refused(copies):
    (copies.folder / "hold").touch()
    handle = worker.start(copies.job, command=COMMAND)
    with pytest.raises(Conflict, match="already being run"):
        worker.start(copies.job, command=COMMAND)
    handle.interrupt()
    assert handle.wait().state is State.PAUSED


def test_a_killed_worker_is_said_to_have_died(copies):
    (copies.folder / "hold").touch()
    handle = worker.start(copies.job, command=COMMAND)
    copies.wait_for(1, "holding")
    copies.kill()
    with pytest.raises(Interrupted) as caught:
        handle.wait()
    assert f"jobs resume {copies.job}" in caught.value.hint
    assert copies.journal.job(copies.job).state is State.PAUSED


@pytest.mark.parametrize("phase", ["begun", "written", "renamed"])
@pytest.mark.parametrize("step", [1, STEPS // 2, STEPS])
def test_kill_9_at_any_moment_and_resume_leaves_what_an_undisturbed_run_leaves(
    copies, phase, step, monkeypatch
):
    monkeypatch.setenv("COPY_KILL", f"{step} {phase}")
    with pytest.raises(Interrupted):
        worker.start(copies.job, command=COMMAND).wait()
    assert copies.journal.job(copies.job).state is State.PAUSED
    done = {step.number for step in copies.journal.steps(copies.job) if step.state is State.DONE}
    for number in done:
        assert (copies.target / str(number)).read_bytes() == (copies.source / str(number)).read_bytes()
    before = len(copies.started())
    monkeypatch.delenv("COPY_KILL")
    told = worker.resume(copies.job, command=COMMAND).wait()
    assert sorted(copies.started()[before:]) == sorted(set(range(1, STEPS + 1)) - done)
    assert (told.state, told.done_items, told.failed) == (State.DONE, STEPS, ())
    assert told.verified.size == STEPS
    copies.assert_complete()
    assert report(copies.journal, copies.job) == told


def test_a_finished_job_resumed_copies_nothing(copies):
    worker.start(copies.job, command=COMMAND).wait()
    assert worker.resume(copies.job, command=COMMAND).wait().done_items == STEPS
    assert len(copies.started()) == STEPS


def test_a_typed_password_reaches_the_worker_by_neither_command_line_nor_environment(copies, monkeypatch):
    monkeypatch.setenv("COPY_PASSWORD", "yes")
    worker.start(copies.job, passwords={"lab": Secret("s3cret")}, command=COMMAND).wait()
    _, started, password = copies.lines()[:3]
    assert password == "password s3cret environment False"
    assert "s3cret" not in started
    assert "s3cret" not in worker.log_file(copies.job).read_text()


def test_the_answer_to_a_password_question_goes_by_the_servers_name(tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path))
    monkeypatch.setattr(credentials, "_from_keyring", lambda server: None)
    answer = worker._answer({"lab": "one", "qc": "two"})
    for name, password in (("lab", "one"), ("qc", "two")):
        found = credentials.find(Server(name, f"https://{name}.example.org", "jdoe"), answer)
        assert found is not None
        assert found.secret.reveal() == password


def test_what_keeps_a_worker_from_beginning_is_raised_where_it_is_waited_for(copies, monkeypatch):
    monkeypatch.setenv("COPY_PASSWORD", "yes")
    with pytest.raises(SignInFailed, match="jdoe at lab"):
        worker.start(copies.job, command=COMMAND).wait()
    assert copies.journal.job(copies.job).state is State.PAUSED
    monkeypatch.delenv("COPY_PASSWORD")
    assert worker.resume(copies.job, command=COMMAND).wait().state is State.DONE


def test_an_unknown_job_starts_no_process(state):
    with pytest.raises(NotFound):
        worker.start("../../etc/passwd")


def test_a_program_that_is_not_there_anymore_is_an_error_with_the_log(copies):
    command = (sys.executable, "-P", "-c", "raise SystemExit('no such module')")
    with pytest.raises(XnatTuiError) as caught:
        worker.start(copies.job, command=command)
    assert str(worker.log_file(copies.job)) in caught.value.hint
    assert "no such module" in worker.log_file(copies.job).read_text()


def test_ctrl_c_while_waiting_interrupts_the_worker(copies, monkeypatch):
    (copies.folder / "hold").touch()
    handle = worker.start(copies.job, command=COMMAND)
    pressed: list[object] = []

    def press(view: object) -> None:
        if not pressed:
            pressed.append(view)
            raise KeyboardInterrupt

    assert handle.wait(on_view=press).state is State.PAUSED


def test_by_hand_an_error_is_said_on_stderr(state):
    command = [sys.executable, "-m", "xnat_tui.services.transfers.running.worker", "20200101-000000-copy"]
    ended = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("No job is remembered as '20200101-000000-copy'.")


def test_forgetting_removes_the_logs_of_this_job_only(copies):
    worker.start(copies.job, command=COMMAND).wait()
    other = worker.log_file(f"{copies.job}-2")
    other.touch()
    worker.log_file(copies.job).with_suffix(".log.1").touch()
    worker.forget(copies.job)
    assert copies.journal.jobs() == []
    assert list(other.parent.iterdir()) == [other]


def test_attaching_to_a_job_that_nobody_runs_gives_its_report(copies):
    assert Worker(copies.job).wait().state is State.QUEUED
