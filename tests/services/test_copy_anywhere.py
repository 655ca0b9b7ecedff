"""Trouble at any request of a copy, on either server: a true report; resumed, it is done."""

from __future__ import annotations

import tempfile
import threading
from types import SimpleNamespace

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import (
    Action as Fault,
)
from xnat_tui.demo.faults import (
    Answer,
    CutDownload,
    CutUpload,
    ErrorPage,
    ExpireSession,
    WriteThenDrop,
)
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import synthetic_site
from xnat_tui.model.options import CopyOptions, Mode, OnExisting
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence
from xnat_tui.services.transfers import streams as copying_streams
from xnat_tui.xnat.files import zips

FILES = {f"{number:02d}.dcm": bytes([number]) * 3000 for number in range(4)}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(
        "xnat_tui.xnat.http.connection.waiting_time", lambda number, after: 0.0 if number < 3 else None
    )


def _site(make_site):
    source = make_site(FILES)
    session = next(iter(source.experiments.values()))
    scan = source.add_scan(session, "2", fields={"type": "T2 (3D)"})
    for place, label, kind in ((scan, "DICOM", "RAW"), (session, "NOTES", "")):
        resource = source.new_resource(label, format="DICOM", content=kind)
        for path, data in (("x.dcm", b"x" * 500), ("sub/y.dcm", b"y" * 500), ("z", b"")):
            content = BytesContent(data)
            resource.add(FileEntry(path, content, content.md5, content.size, "DICOM", kind))
        resource.populate_stats()
        place.resources.append(resource)
    source.add_assessor(session, "QC1", "xnat:qcManualAssessorData", fields={"scans/scan/imageScan_ID": "1"})
    return source


def _undisturbed(servers, make_site):
    """How many requests each server gets while nothing goes wrong."""
    pair = servers(_site(make_site), Site())
    plan = pair.plan("P")
    for server in (pair.source, pair.target):
        server.requests.clear()
    pair.run(plan)
    return len(pair.source.requests), len(pair.target.requests)


def _true(pair, held, result):
    """Fields and bytes that stand there are right, and no file is called verified that is not there."""
    if "NEW" not in pair.target.site.projects:
        assert result.failures
        return
    expected, found = held(pair.source.site, "P"), held(pair.target.site, "NEW")
    arrived = 0
    for path, there in found.items():
        for here_side, there_side in zip(expected[path], there, strict=True):
            for label, resource in there_side.items() if isinstance(there_side, dict) else ():
                if isinstance(resource, tuple) and isinstance(resource[-1], dict):
                    assert resource[1].items() <= here_side[label][1].items()
                    arrived += len(resource[1])
    assert result.evidence.digest <= arrived
    if not result.failures:
        assert found == expected


ANYWHERE: dict[str, list[Fault]] = {
    "500": [ErrorPage(500)],
    "a gateway": [ErrorPage(status) for status in (502, 503, 504)],
    "answer lost": [WriteThenDrop()],
    "page instead": [Answer("<html><body><h3>Proxy says hello</h3></body></html>")],
    "session expired": [ExpireSession()],
    "cut": [CutDownload(40)],
    "upload cut": [CutUpload(100)],
    "nothing done": [Answer()],
}
"""Where several are given they take turns: the first meets the first request, the second the next one."""


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("name", ANYWHERE)
def test_trouble_once_at_every_request_in_turn(servers, make_site, held, side, name):
    counts = dict(zip(("source", "target"), _undisturbed(servers, make_site), strict=True))
    assert counts[side] > 5
    pair = servers(_site(make_site), Site())
    server, there = getattr(pair, side), pair.target.site
    plan, troubles = pair.plan("P"), ANYWHERE[name]
    for number in range(counts[side]):
        server.faults.add(".", troubles[number % len(troubles)], times=1, after=number)
        result = pair.run(plan)
        server.faults.clear()
        _true(pair, held, result)
        again = pair.run(plan)
        assert again.failures == [], number
        assert held(there, "NEW") == held(pair.source.site, "P"), number
        assert again.evidence == Evidence(digest=10)
        there.remove(there.projects["NEW"])
        there.burned_projects.clear()


def test_both_servers_restarted_in_the_middle(servers, make_site, held, monkeypatch):
    pair = servers(make_site(FILES), Site())
    plan = pair.plan("P")
    original = pair.connections["lab"].download
    restarted: list[bool] = []

    def download(*given, **named):
        if not restarted:
            restarted.append(True)
            for server in (pair.source, pair.target):
                thread = threading.Thread(target=server.restart)
                thread.start()
                thread.join()
        return original(*given, **named)

    monkeypatch.setattr(pair.connections["lab"], "download", download)
    result = pair.run(plan)
    assert restarted
    _true(pair, held, result)
    assert pair.run(plan).failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


@pytest.mark.parametrize("mode", [Mode.ZIP, Mode.FILE])
def test_a_full_disk_is_said_and_nothing_half_is_stored(servers, make_site, held, monkeypatch, mode):
    pair = servers(make_site(FILES), Site())
    plan = pair.plan("P", options=CopyOptions(mode=mode))

    class Full:
        def __init__(self, *given, **named):
            self.file = original(*given, **named)

        def write(self, data):
            raise OSError(28, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *given):
            self.file.close()

    original = tempfile.SpooledTemporaryFile
    for module in (copying_streams, zips):
        monkeypatch.setattr(module, "tempfile", SimpleNamespace(SpooledTemporaryFile=Full))
    result = pair.run(plan)
    assert result.failures
    assert all("No space left" in failure.error for failure in result.failures)
    assert result.evidence == Evidence()
    monkeypatch.undo()
    assert pair.run(plan).failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_source_that_changed_after_planning_is_copied_as_it_is_now(servers, make_site, put_file, held):
    source = make_site(FILES)
    pair = servers(source, Site())
    plan = pair.plan("P")
    session = next(iter(source.experiments.values()))
    resource = session.scans["1"].resources[0]
    put_file(resource, "00.dcm", b"other bytes")
    put_file(resource, "new.dcm", b"new")
    del resource.files["01.dcm"]
    resource.populate_stats()
    assert pair.run(plan).failures == []
    assert held(pair.target.site, "NEW") == held(source, "P")


def test_a_scan_that_vanished_after_planning_fails_alone(servers, make_site):
    source = _site(make_site)
    pair = servers(source, Site())
    plan = pair.plan("P")
    session = next(iter(source.experiments.values()))
    del session.scans["2"]
    result = pair.run(plan)
    inside = "subjects/S1/experiments/E1"
    named = {failure.path.partition("/resources")[0] for failure in result.failures}
    assert named == {f"{inside}/scans/2", f"{inside}/assessors/QC1"}  # which may refer to any scan
    assert result.evidence == Evidence(digest=7)


@pytest.mark.parametrize("path", ["../../x", "/etc/x", "sub/../../x", "C:\\x", "a\nb"])
def test_hostile_names_fail_alone_and_are_never_paths(servers, make_site, path):
    pair = servers(
        make_site({"good.dcm": b"good", path: b"bad", "fine.dcm": b"fine", "more.dcm": b"m"}), Site()
    )
    result = pair.copy("P", options=CopyOptions(mode=Mode.ZIP))
    there = next(iter(pair.target.site.experiments.values())).scans["1"].resources
    stored = {name for resource in there for name in resource.files}
    assert {"good.dcm", "fine.dcm", "more.dcm"} <= stored
    assert result.failures or path in stored


def test_names_that_differ_only_in_case_are_two_files(servers, make_site, held):
    pair = servers(make_site({"A.dcm": b"upper", "a.dcm": b"lower"}), Site())
    assert pair.copy("P").evidence == Evidence(digest=2)
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_truncated_file_there_is_found_and_replaced_when_asked(servers, make_site, held):
    pair = servers(make_site(FILES), Site())
    pair.copy("P")
    entry = next(iter(pair.target.site.experiments.values())).scans["1"].resources[0].files["02.dcm"]
    entry.data = BytesContent(b"short")
    entry.digest, entry.size = entry.data.md5, 5
    plan = pair.plan("P")
    assert [step.path[-6:] for step in plan.steps if step.action is Action.CONFLICT] == ["02.dcm"]
    pair.run(pair.plan("P", options=CopyOptions(on_existing=OnExisting.UPDATE)))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_question_that_fails_while_looking_for_what_exists_writes_nothing(servers, make_site):
    pair = servers(make_site(FILES), Site())
    pair.copy("P")
    entry = next(iter(pair.target.site.experiments.values())).scans["1"].resources[0].files["02.dcm"]
    entry.data = BytesContent(b"theirs")
    plan = pair.plan("P", options=CopyOptions(on_existing=OnExisting.SKIP))
    pair.target.requests.clear()
    pair.target.faults.add(r"GET .*(files|format=xml)", ErrorPage(500))
    pair.run(plan)
    assert entry.data.data == b"theirs"
    assert pair.writes() == 0


def test_a_copy_asks_a_tenth_of_what_copyxnat_asks(servers):
    """CopyXnat 0.x with its default backend was counted: 707 requests for 4 sessions of 6 one-file scans."""
    subjects, visits = 10, 2
    pair = servers(synthetic_site(subjects, visits, 6, file_size=500), Site())
    pair.source.requests.clear()
    pair.target.requests.clear()
    assert pair.copy("BIG").evidence == Evidence(digest=subjects * visits * 6)
    assert len(pair.source.requests) + len(pair.target.requests) <= 707 / 4 / 10 * subjects * visits
