"""The same steps on a Dask cluster, one of whose two workers is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xnat_tui.errors import UsageError
from xnat_tui.jobs import cluster
from xnat_tui.jobs.reporting import report
from xnat_tui.model.transfer import State

STEPS = 24


def test_a_worker_killed_in_the_middle_loses_nothing(journal, make_plan, make_step, tmp_path):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    for number in range(1, STEPS + 1):
        (tmp_path / "source" / str(number)).write_bytes(os.urandom(1000))
    steps = [make_step(n, *((n - 4,) if n > 4 else ()), bytes=1000) for n in range(1, STEPS + 1)]
    job = journal.create(make_plan(steps))
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, str(here / "cluster_run.py"), job, str(tmp_path), str(STEPS // 2)],
        env={**os.environ, "PYTHONPATH": str(here.parents[1])},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "died").exists()
    told = report(journal, job)
    assert (told.state, told.done_items, told.done_bytes) == (State.DONE, STEPS, STEPS * 1000)
    for number in range(1, STEPS + 1):
        name = str(number)
        assert (tmp_path / "target" / name).read_bytes() == (tmp_path / "source" / name).read_bytes()
    assert len(list((tmp_path / "pids").iterdir())) >= 2


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as caught, cluster.cluster("tcp://127.0.0.1:1"):
        pass
    assert "xnat-tui[dask]" in caught.value.hint
