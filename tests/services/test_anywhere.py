"""Trouble at any request of an export, an upload or an import: a true report; run again, it is complete."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pydicom
import pytest

from xnat_tui.config import Server, Settings
from xnat_tui.demo.faults import (
    Action,
    Answer,
    CutDownload,
    CutUpload,
    ErrorPage,
    ExpireSession,
    WriteThenDrop,
)
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import source_site
from xnat_tui.demo.study.brains import session as session_of
from xnat_tui.jobs.control import Control
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import CopyOptions, OnExisting, UploadOptions, Via
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.administration.prearchive import work as prearchive_work
from xnat_tui.services.comparing.verification import verify_manifest
from xnat_tui.services.transfers.running.executors import executor_for
from xnat_tui.services.workspace import Workspace

TROUBLE: dict[str, list[Action]] = {
    "500": [ErrorPage(500)],
    "a gateway": [ErrorPage(status) for status in (502, 503, 504)],
    "answer lost": [WriteThenDrop()],
    "page instead": [Answer("<html><body><h3>Proxy says hello</h3></body></html>")],
    "session expired": [ExpireSession()],
    "cut": [CutDownload(40)],
    "upload cut": [CutUpload(100)],
    "nothing done": [Answer()],
}
SESSION = "SUB-004_CT1"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(prearchive_work, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(
        "xnat_tui.xnat.http.connection.waiting_time", lambda number, after: 0.0 if number < 3 else None
    )


@pytest.fixture
def lab(monkeypatch):
    """A server of the sample studies, and a workspace signed in to it as its owner."""
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    with DemoServer(source_site()) as demo:
        workspace = Workspace(Settings(servers={"lab": Server("lab", demo.url, "demo")}))
        with workspace:
            workspace.reader("lab")
            yield demo, workspace


def _run(workspace, plan):
    with executor_for(plan, workspace.connection) as execute:
        return [execute(step, Control()) for step in plan.steps]


def _failures(outcomes):
    return [failure for outcome in outcomes for failure in outcome.failures]


def _evidence(outcomes):
    return sum((outcome.verified for outcome in outcomes), Evidence())


def _in_turn(demo, troubles, attempt, after):
    """Run `attempt` with a fault at the first request, at the second ... until none is left to be hit.

    The `troubles` take turns. `after` is what follows each, with the run's outcomes, undisturbed again.
    """
    number = 0
    while True:
        prepared = attempt(number)
        trouble = troubles[number % len(troubles)]
        ordered = demo.faults.add(".", trouble, times=1, after=number)
        outcomes = prepared()
        demo.faults.clear()
        after(number, outcomes)
        if not ordered.fired:
            return number
        number += 1


@pytest.mark.parametrize("name", TROUBLE)
def test_an_export_is_proved_offline_after_trouble_at_any_request(lab, tmp_path, name):
    demo, workspace = lab
    session = session_of(demo.site, SESSION)
    bytes_there = sorted(
        entry.data.md5
        for scan in session.scans.values()
        for resource in scan.resources
        for entry in resource.files.values()
    )

    def attempt(number):
        folder = tmp_path / str(number)
        plan = workspace.plan_export([f"lab:BRAINS/SUB-004/{SESSION}"], folder)
        return lambda: _run(workspace, plan)

    def after(number, outcomes):
        folder = tmp_path / str(number)
        arrived = _digests(folder)
        if not _failures(outcomes):
            assert arrived == bytes_there
        assert set(arrived) <= set(bytes_there)
        plan = workspace.plan_export([f"lab:BRAINS/SUB-004/{SESSION}"], folder)
        assert _failures(_run(workspace, plan)) == []
        assert _digests(folder) == bytes_there
        summary = verify_manifest(folder).summary
        assert summary["same"] >= len(bytes_there)
        assert sum(summary.values()) == summary["same"]

    assert _in_turn(demo, TROUBLE[name], attempt, after) >= 3  # its list, its stream, its document


def _digests(folder: Path) -> list[str]:
    """Of what came from the archive's resources, whatever it is called."""
    records = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    files = {one["path"] for one in records if one.get("kind") == "file"}
    return sorted(
        hashlib.md5((folder / path).read_bytes(), usedforsecurity=False).hexdigest() for path in files
    )


FILES = {"plain.txt": b"plain", "a b#c.txt": b"odd", "empty": b"", "sub/x.bin": b"x" * 5000}


@pytest.mark.parametrize("name", TROUBLE)
def test_files_are_uploaded_whole_after_trouble_at_any_request(lab, tmp_path, name):
    demo, workspace = lab
    folder = tmp_path / "files"
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    subject = next(one for one in demo.site.projects["BRAINS"].subjects.values() if one.label == "SUB-001")

    def stored(number):
        found = [one for one in subject.resources if one.label == f"UP{number}"]
        assert len(found) <= 1
        return {path: b"".join(entry.data.chunks()) for one in found for path, entry in one.files.items()}

    def attempt(number):
        plan = workspace.plan_upload([folder], f"lab:BRAINS/SUB-001/resources/UP{number}")
        return lambda: [plan, *_run(workspace, plan)]

    def after(number, result):
        plan, *outcomes = result
        assert stored(number).items() <= FILES.items()
        if not _failures(outcomes):
            assert stored(number) == FILES
            assert _evidence(outcomes) == Evidence(digest=len(FILES))
        again = _run(workspace, plan)
        assert _failures(again) == []
        assert stored(number) == FILES
        assert _evidence(again) == Evidence(digest=len(FILES))

    assert _in_turn(demo, TROUBLE[name], attempt, after) > 2


def _uids(session):
    """SOP instance UIDs of a stored session, and how many files hold them."""
    found = [
        str(
            pydicom.dcmread(io.BytesIO(b"".join(entry.data.chunks())), stop_before_pixels=True).SOPInstanceUID
        )
        for scan in session.scans.values()
        for resource in scan.resources
        for entry in resource.files.values()
    ]
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize("name", TROUBLE)
def test_dicom_is_archived_once_and_whole_after_trouble_at_any_request(lab, tmp_path, name):
    demo, workspace = lab
    scan = session_of(demo.site, SESSION).scans["2"]
    folder = tmp_path / "dicom"
    folder.mkdir()
    for path, entry in list(scan.resources[0].files.items())[:3]:
        (folder / path).write_bytes(b"".join(entry.data.chunks()))
    sent = {str(pydicom.dcmread(path).SOPInstanceUID) for path in folder.iterdir()}
    merging = UploadOptions(on_existing=OnExisting.UPDATE)

    def attempt(number):
        where = f"lab:BRAINS/ANY-{number}/ANY-{number}_CT"
        plan = workspace.plan_upload([folder], where, to="archive", options=merging)
        return lambda: [plan, *_run(workspace, plan)]

    def after(number, result):
        plan, *outcomes = result
        there = demo.site.experiment(f"ANY-{number}_CT", "BRAINS")
        if not _failures(outcomes):
            assert _uids(there) == sent
            proved = _evidence(outcomes)
            assert (proved.digest, proved.size + proved.unverified) == (0, 3)
        again = _run(workspace, plan)
        assert _failures(again) == []
        assert _uids(demo.site.experiment(f"ANY-{number}_CT", "BRAINS")) == sent
        assert _evidence(again) == Evidence(size=3)
        assert not [one for one in demo.site.prearchive if one.name == f"ANY-{number}_CT"]

    assert _in_turn(demo, TROUBLE[name], attempt, after) > 5


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_copy_through_the_import_service_after_trouble_at_any_request(servers, side):
    pair = servers(source_site(), Site())
    server = getattr(pair, side)
    filters = Filters(scan=("1", "601"))
    expected = _uids_of(session_of(pair.source.site, SESSION), ("1", "601"))

    def attempt(number):
        options = CopyOptions(via=Via.IMPORT)
        plan = pair.plan(
            f"BRAINS/SUB-004/{SESSION}", project=f"NEW{number}", options=options, filters=filters
        )
        return lambda: [plan, pair.run(plan)]

    def after(number, result):
        plan, first = result
        if not first.failures:
            assert _uids(pair.target.site.experiment(SESSION, f"NEW{number}")) == expected
        again = pair.run(plan)
        assert again.failures == []
        assert all(outcome.state is State.DONE for outcome in again.outcomes.values())
        assert _uids(pair.target.site.experiment(SESSION, f"NEW{number}")) == expected

    assert (
        _in_turn(server, [trouble for several in TROUBLE.values() for trouble in several], attempt, after) > 3
    )


def _uids_of(session, scans):
    found = _uids(session)
    kept = set()
    for name in scans:
        for resource in session.scans[name].resources:
            for entry in resource.files.values():
                data = io.BytesIO(b"".join(entry.data.chunks()))
                kept.add(str(pydicom.dcmread(data, stop_before_pixels=True).SOPInstanceUID))
    return kept & found
