"""A copy whose worker is killed -9 at any request, or that runs twice: nothing lost or doubled."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

from xnat_tui.credentials import Secret
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.errors import Conflict, Interrupted
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.copying.execution.steps import copy_executor
from xnat_tui.services.transfers.running import worker

COMMAND = (sys.executable, str(Path(__file__).with_name("copy_worker.py")))
PASSWORDS = {"lab": Secret("admin"), "qc": Secret("admin")}
SUBJECT = "BRAINS/SUB-002"
REQUESTS = 78
"""Not quite as many as the worker sends for this subject, both servers and sign-ins together."""


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("PYTHONPATH", str(Path(worker.__file__).parents[2]))
    with Journal() as opened:
        yield opened


def _configure(pair):
    config = Path(os.environ["XNAT_TUI_CONFIG"])
    config.mkdir()
    pairs = (("lab", pair.source), ("qc", pair.target))
    tables = (f'[servers.{name}]\nurl = "{server.url}"\nuser = "admin"\n' for name, server in pairs)
    (config / "config.toml").write_text("\n".join(tables))


@pytest.fixture(scope="module")
def undisturbed():
    return {}


MOMENTS = tuple(zip(range(13, REQUESTS, 6), itertools.cycle(["KILL_AT", "KILL_AFTER"]), strict=False))
"""The first dozen are the sign-ins."""


@pytest.mark.parametrize(("moment", "when"), MOMENTS)
def test_kill_9_at_any_request_and_resume_leaves_what_an_undisturbed_run_leaves(
    servers, held, journal, undisturbed, monkeypatch, moment, when
):
    if not undisturbed:
        pair = servers(source_site(), destination_site())
        result = pair.copy(SUBJECT)
        undisturbed |= {"held": held(pair.target.site, "NEW"), "evidence": result.evidence.digest}
    pair = servers(source_site(), destination_site())
    _configure(pair)
    job = journal.create(pair.plan(SUBJECT))
    monkeypatch.setenv(when, str(moment))
    with pytest.raises(Interrupted):
        worker.start(job, passwords=PASSWORDS, command=COMMAND).wait()
    monkeypatch.delenv(when)
    first = worker.resume(job, passwords=PASSWORDS, command=COMMAND).wait()
    assert first.failed == ()
    assert first.state is State.DONE
    assert held(pair.target.site, "NEW") == undisturbed["held"]
    assert first.done_files + first.skipped == undisturbed["evidence"]
    assert first.verified == Evidence(digest=undisturbed["evidence"])


def test_two_jobs_on_one_target_at_once_wait_for_each_other_and_double_nothing(
    servers, make_site, held, journal
):
    pair = servers(make_site({f"{n}.dcm": bytes([n]) * 500 for n in range(20)}), Site())
    _configure(pair)
    jobs = [journal.create(pair.plan("P")) for _ in range(2)]
    handles = [worker.start(job, passwords=PASSWORDS, command=COMMAND) for job in jobs]
    reports = [handle.wait() for handle in handles]
    assert [report.failed for report in reports] == [(), ()]
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")
    assert sum(report.done_files for report in reports) == 20
    assert sum(report.skipped for report in reports) == 20


def test_the_same_copy_resumed_twice_at_once_runs_once(servers, make_site, held, journal):
    pair = servers(make_site(), Site())
    _configure(pair)
    job = journal.create(pair.plan("P"))
    claim = journal.claim(job)
    with pytest.raises(Conflict):
        worker.start(job, passwords=PASSWORDS, command=COMMAND)
    claim.let_go("not needed")
    with copy_executor(journal.plan(job), pair.connections.__getitem__) as execute:
        assert run(journal, job, execute).state is State.DONE
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_finished_copy_of_a_thousand_files_is_resumed_without_a_request(servers, journal):
    pair = servers(synthetic_site(1, 2, 5, files_per_resource=100, file_size=20), Site())
    job = journal.create(pair.plan("BIG"))
    for asked in (True, False):
        before = sum(connection.requests for connection in pair.connections.values())
        with copy_executor(journal.plan(job), pair.connections.__getitem__) as execute:
            report = run(journal, job, execute)
        assert (report.state, report.verified) == (State.DONE, Evidence(digest=1000))
        assert (sum(connection.requests for connection in pair.connections.values()) > before) == asked
        journal.resume(job)
    pair.target.requests.clear()
    again = pair.plan("BIG")
    assert again.totals.skip == len(again.steps)
    assert pair.writes() == 0
