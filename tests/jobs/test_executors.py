"""Where steps run: daemon threads of our own, or other processes."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from xnat_tui.jobs.control import Control
from xnat_tui.jobs.runner import run
from xnat_tui.jobs.threads import DaemonThreads
from xnat_tui.model.plan import End, Step
from xnat_tui.model.transfer import Outcome, State


def copy_file(step: Step, control: Control) -> Outcome:
    data = Path(step.source.uri).read_bytes()
    Path(step.target.uri).write_bytes(data)
    control.on_bytes(len(data))
    return Outcome(step.number, State.DONE, 1, len(data))


def test_steps_outcomes_and_control_travel_to_another_process(journal, make_plan, make_step, tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    ends = {"source": End("", str(tmp_path / "a")), "target": End("", str(tmp_path / "b"))}
    job = journal.create(make_plan([make_step(1, **ends), make_step(2, 1, source=End("", "/nowhere"))]))
    report = run(journal, job, copy_file, workers=2, executor_factory=ProcessPoolExecutor)
    assert (tmp_path / "b").read_bytes() == b"12345"
    assert (report.done_bytes, report.failed[0].error) == (5, "No such file or directory.")


def test_daemon_threads_refuse_work_after_shutdown_and_cancel_what_waits():
    executor = DaemonThreads(1)
    begun, go_on = threading.Event(), threading.Event()

    def block() -> str:
        begun.set()
        assert go_on.wait(30)
        return "done"

    first, second = executor.submit(block), executor.submit(block)
    assert begun.wait(30)
    executor.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    assert (first.result(30), second.cancelled()) == ("done", True)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(block)
