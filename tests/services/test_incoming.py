"""Folders for files on their way: private, and cleared away by the next run where theirs was killed."""

import signal
import stat
import subprocess
import sys

import pytest

from xnat_tui.services.incoming import scratch

KILLED = """
import os, signal
from xnat_tui.services.incoming import scratch
with scratch() as folder:
    (folder / "000001.dcm").write_bytes(b"a patient")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_what_a_killed_run_left_is_gone_with_the_next_and_what_lives_stays(temporary):
    child = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert child.returncode == -signal.SIGKILL
    assert [file.name for file in temporary.rglob("*.dcm")] == ["000001.dcm"]
    with scratch() as first:
        assert list(temporary.rglob("*.dcm")) == []
        with scratch() as second:
            assert {*temporary.iterdir()} == {first, second}
            assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert list(temporary.iterdir()) == []


def _failing():
    with scratch() as folder:
        (folder / "000001.dcm").write_bytes(b"a patient")
        raise ZeroDivisionError


def test_nothing_stays_where_a_step_fails(temporary):
    with pytest.raises(ZeroDivisionError):
        _failing()
    assert list(temporary.iterdir()) == []
