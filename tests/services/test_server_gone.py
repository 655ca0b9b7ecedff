"""A server that goes away in the middle of a job, and comes back: nothing is lost, and nothing has failed."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.faults import WriteThenDrop
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.location import Location
from xnat_tui.model.options import CopyOptions, ExportOptions, Mode
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.running.executors import executor_for
from xnat_tui.xnat.http.connection import Connection


@pytest.fixture(autouse=True)
def _no_waiting_for_servers(monkeypatch):
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    with Journal() as opened:
        yield opened


@contextmanager
def _signed_in(pair):
    """As a worker does when it begins."""
    servers = {"lab": pair.source, "qc": pair.target}
    made: dict[str, Connection] = {}

    def connection(name: str) -> Connection:
        if name not in made:
            credential = Credential("admin", Secret("admin"), "test", False)
            made[name] = Connection.open(Server(name, servers[name].url, "admin"), credential)
        return made[name]

    try:
        yield connection
    finally:
        for one in made.values():
            one.close()


def _run(pair, journal, job, *, stop=None, before=0):
    """Run a job; `stop` is a server that goes away before the step that begins as number `before`."""
    with _signed_in(pair) as connections, executor_for(journal.plan(job), connections) as execute:
        begun: list[int] = []

        def stopping(step, control):
            begun.append(step.number)
            if stop is not None and len(begun) == before:
                stop.stop()
            return execute(step, control)

        return run(journal, job, stopping, workers=2)


@pytest.fixture(scope="module")
def undisturbed():
    """What stands there, and what it rests on, after a copy that nothing disturbed: one for all."""
    return {}


@pytest.mark.parametrize(
    ("mode", "before"), [(Mode.AUTO, 1), (Mode.AUTO, 4), (Mode.FILE, 9), (Mode.FILE, 16), (Mode.FILE, 24)]
)
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_copy_goes_on_where_it_was_when_its_server_is_back(
    servers, held, journal, undisturbed, side, mode, before
):
    if not undisturbed:
        pair = servers(source_site(), destination_site())
        evidence = pair.copy("BRAINS/SUB-002").evidence
        undisturbed |= {"held": held(pair.target.site, "NEW"), "evidence": evidence}
    pair = servers(source_site(), destination_site())
    job = journal.create(pair.plan("BRAINS/SUB-002", options=CopyOptions(mode=mode)))
    server = getattr(pair, side)
    report = _run(pair, journal, job, stop=server, before=before)
    assert (report.state, report.failed) == (State.PAUSED, ())
    assert report.note.startswith({"source": "lab", "target": "qc"}[side] + " cannot be reached")
    server.start()
    journal.resume(job)
    report = _run(pair, journal, job)
    assert (report.state, report.failed, report.note) == (State.DONE, (), "")
    assert held(pair.target.site, "NEW") == undisturbed["held"]
    assert report.verified == undisturbed["evidence"]
    assert report.done_files + report.skipped == undisturbed["evidence"].digest


@pytest.mark.parametrize(
    ("mode", "before"), [(Mode.ZIP, 2), (Mode.ZIP, 3), (Mode.FILE, 2), (Mode.FILE, 5), (Mode.FILE, 9)]
)
def test_an_export_goes_on_where_it_was_when_its_server_is_back(servers, journal, tmp_path, before, mode):
    pair = servers(source_site(), Site())
    folders = {}
    for name in ("undisturbed", "disturbed"):
        reader = Reader(pair.connections["lab"])
        places = list(find(reader, Location.parse("lab:BRAINS/SUB-002")))
        folders[name] = tmp_path / name
        job = journal.create(plan_export(reader, places, folders[name], ExportOptions(mode=mode)))
        if name == "disturbed":
            paused = _run(pair, journal, job, stop=pair.source, before=before)
            assert (paused.state, paused.failed) == (State.PAUSED, ())
            assert paused.note.startswith("lab cannot be reached; the job is paused.")
            pair.source.start()
            journal.resume(job)
        report = _run(pair, journal, job)
        assert (report.state, report.failed) == (State.DONE, ())
    assert report.verified == Evidence(digest=report.done_files + report.skipped)
    assert _files(folders["disturbed"]) == _files(folders["undisturbed"])


def _files(folder: Path) -> dict[str, bytes]:
    """All but the manifest, whose lines tell when a file came."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del found["manifest.jsonl"]
    return found


def test_a_source_that_goes_is_not_asked_for_each_file_of_a_resource(servers, make_site, journal):
    files = {f"{number:03}.dcm": bytes([number]) * 900 for number in range(100)}
    pair = servers(make_site(files), Site())
    plan = pair.plan("P", options=CopyOptions(mode=Mode.FILE))
    job = journal.create(plan)
    connection = pair.connections["lab"]
    with executor_for(plan, pair.connections.__getitem__) as execute:

        def stopping(step, control):
            if step.task != "resource":
                return execute(step, control)
            count, told = 0, control.on_file

            def on_bytes(size, /):
                nonlocal count
                count += 1
                if count == 20:
                    pair.source.stop()

            control.on_bytes = on_bytes
            before = connection.requests
            try:
                return execute(step, control)
            finally:
                asked.append(connection.requests - before)
                control.on_file = told

        asked: list[int] = []
        report = run(journal, job, stopping, workers=1)
    assert report.state is State.FAILED  # one step of one resource: too few to tell
    assert len(report.failed) + report.done_files == len(files)
    assert report.done_files > 0
    assert asked[0] < 60


def test_addresses_that_are_never_answered_are_failures_while_the_server_answers_others(
    servers, journal, tmp_path
):
    pair = servers(source_site(), Site())
    reader = Reader(pair.connections["lab"])
    places = list(find(reader, Location.parse("lab:BRAINS/SUB-002")))
    job = journal.create(plan_export(reader, places, tmp_path / "out", ExportOptions()))
    pair.source.faults.add(r"GET .*/(experiments|subjects)/.*", WriteThenDrop())
    report = _run(pair, journal, job)
    assert (report.state, report.note) == (State.FAILED, "")
    assert len(report.failed) > 3
    assert report.done_items == 0
