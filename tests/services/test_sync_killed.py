"""A sync killed -9 at any request: what is remembered is true, and the next run does the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.sync_sites import add_subject, set_file, study, syncing

COMMAND = (sys.executable, "-c", "from tests.services.sync_worker import main; main()")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("moment", range(20, 112, 7))
def test_kill_9_at_any_request_leaves_a_memory_that_is_true(monkeypatch, tmp_path, held, moment):
    with syncing(study(), study("QC", filled=False), monkeypatch, tmp_path) as pair:
        pair.run()
        add_subject(pair.source.site, pair.source.site.projects["P"], "S9")
        pair.subject("S1").fields["handedness"] = "left"
        set_file(pair.session("S2").scans["1"].resources[0], "a.dcm", b"other")
        pair.subject("S3", there=True).fields["handedness"] = "left"
        killed = subprocess.run(
            COMMAND, cwd=ROOT, env={**os.environ, "KILL_AT": str(moment)}, capture_output=True, check=False
        )
        assert killed.returncode in (-signal.SIGKILL, 0)
        report = pair.run()
        assert {(one["path"], str(one["state"])) for one in report.items} >= {("subjects/S3", "kept")}
        assert {str(one["state"]) for one in report.items} <= {"verified", "kept"}
        pair.subject("S3").fields["handedness"] = "left"
        assert pair.run().items == []
        assert held(pair.target.site, "P") == held(pair.source.site, "P")
