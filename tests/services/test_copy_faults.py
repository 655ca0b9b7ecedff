"""Servers that fail in every way: nothing wrong is stored, nothing is lost, and the report is true."""

from __future__ import annotations

import threading

import pytest

from xnat_tui.demo.faults import (
    DO_NOTHING,
    EMPTY_BODY,
    EMPTY_RESULT,
    NO_RESULT_SET,
    Answer,
    CutDownload,
    CutUpload,
    ErrorPage,
    ExpireSession,
    LoginPage,
    Truncate,
    WriteThenDrop,
    WrongBytes,
)
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted
from xnat_tui.model.options import CopyOptions, Mode
from xnat_tui.model.transfer import Evidence
from xnat_tui.services.transfers.copying.execution import sender as copying_files

FILES = {f"{number:02d}.dcm": bytes([number]) * 3000 for number in range(12)}
ZIP_DOWN = r"GET .*/files\?.*format=zip"
FILE_DOWN = r"GET .*/resources/\d+/files/[^?]"
ZIP_UP = r"PUT .*/files/files\.zip"
FILE_UP = r"PUT .*/files/\d\d\.dcm"
LISTED = r"GET .*/files\?format=json"
PAGE = Answer("<html><body><h3>Proxy says hello</h3></body></html>")

SOURCE_FAULTS = {
    "zip cut": (ZIP_DOWN, CutDownload(2000)),
    "zip truncated, cleanly": (ZIP_DOWN, Truncate(2000)),
    "zip is a page": (ZIP_DOWN, PAGE),
    "zip is the sign-in page": (ZIP_DOWN, LoginPage()),
    "zip has wrong bytes": (ZIP_DOWN, WrongBytes()),
    "zip answers 500": (ZIP_DOWN, ErrorPage(500)),
    "zip is empty": (ZIP_DOWN, EMPTY_BODY),
    "file cut": (FILE_DOWN, CutDownload(1000)),
    "file truncated, cleanly": (FILE_DOWN, Truncate(1000)),
    "file is a page": (FILE_DOWN, PAGE),
    "file has wrong bytes": (FILE_DOWN, WrongBytes()),
    "file answers 500": (FILE_DOWN, ErrorPage(500)),
    "session expires": (r"GET .*/files", ExpireSession()),
    "list answers 500": (LISTED, ErrorPage(500)),
    "list is empty": (LISTED, EMPTY_RESULT),
    "list is no list": (LISTED, NO_RESULT_SET),
    "session's document is a page": (r"GET .*format=xml", PAGE),
}
TARGET_FAULTS = {
    "zip up cut": (ZIP_UP, CutUpload(2000)),
    "zip up answered 500": (ZIP_UP, ErrorPage(500)),
    "zip up answered 502": (ZIP_UP, ErrorPage(502)),
    "zip up done, answer lost": (ZIP_UP, WriteThenDrop()),
    "zip up not done, answered 200": (ZIP_UP, DO_NOTHING),
    "file up cut": (FILE_UP, CutUpload(1000)),
    "file up done, answer lost": (FILE_UP, WriteThenDrop()),
    "file up not done, answered 200": (FILE_UP, DO_NOTHING),
    "file up answered 503": (FILE_UP, ErrorPage(503)),
    "duplicates": (ZIP_UP, Answer('{"duplicates":["00.dcm"]}')),
    "session expires": (r"PUT ", ExpireSession()),
    "project done, answer lost": (r"PUT /data/projects/NEW\?", WriteThenDrop()),
    "subject done, answer lost": (r"PUT .*/subjects/S1\?", WriteThenDrop()),
    "subject not done, answered 200": (r"PUT .*/subjects/S1\?", DO_NOTHING),
    "session done, answer lost": (r"PUT .*/experiments/E1\?", WriteThenDrop()),
    "session answered 504": (r"PUT .*/experiments/E1\?", ErrorPage(504)),
    "read-back answers 500": (r"GET .*/experiments/E1\?format=xml", ErrorPage(500)),
    "look before writing answers 500": (r"GET .*/projects/NEW/subjects\?", ErrorPage(500)),
    "list answers 500": (r"GET .*/files\?format=json", ErrorPage(500)),
}


def _right(pair, held):
    """What stands there is either exactly what the source has, or missing."""
    if "NEW" not in pair.target.site.projects:
        return 0
    expected, found = held(pair.source.site, "P"), held(pair.target.site, "NEW")
    scan = "subjects/S1/experiments/E1/scans/1"
    for path in found:
        if path != scan:
            assert found[path] == expected[path]
    if scan in found and found[scan][3]:
        there, here = found[scan][3]["DICOM"][1], expected[scan][3]["DICOM"][1]
        assert there.items() <= here.items()
        return len(there)
    return 0


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", SOURCE_FAULTS)
def test_a_source_that_fails(servers, make_site, held, fault, times):
    _survives(servers, make_site, held, "source", fault, SOURCE_FAULTS[fault], times)


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", TARGET_FAULTS)
def test_a_destination_that_fails(servers, make_site, held, fault, times):
    _survives(servers, make_site, held, "target", fault, TARGET_FAULTS[fault], times)


def _survives(servers, make_site, held, side, name, fault, times):
    pair = servers(make_site(FILES), Site())
    options = CopyOptions(mode=Mode.FILE if name.startswith("file") else Mode.ZIP)
    plan = pair.plan("P", options=options)
    match, action = fault
    server = getattr(pair, side)
    server.faults.add(match, action, times=times)
    result = pair.run(plan)
    arrived = _right(pair, held)
    assert result.evidence.digest <= arrived
    if not result.failures:
        assert result.evidence == Evidence(digest=len(FILES))
    if result.evidence.digest < len(FILES):
        assert result.failures
    server.faults.clear()
    again = pair.run(plan)
    assert again.failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")
    assert again.evidence == Evidence(digest=len(FILES))


def test_a_source_that_lies_about_one_file_loses_only_that_file(servers, make_site, held):
    source = make_site(FILES)
    session = next(iter(source.experiments.values()))
    entry = session.scans["1"].resources[0].files["03.dcm"]
    entry.digest = "0" * 32
    session.scans["1"].resources[0].files["04.dcm"].missing_on_disk = True
    pair = servers(source, Site())
    result = pair.copy("P")
    path = "subjects/S1/experiments/E1/scans/1/resources/DICOM"
    named = {failure.path for failure in result.failures}
    assert {f"{path}/files/03.dcm", f"{path}/files/04.dcm"} <= named
    there = next(iter(pair.target.site.experiments.values())).scans["1"].resources[0].files
    assert there.keys() == FILES.keys() - {"03.dcm", "04.dcm"}
    assert result.evidence == Evidence(digest=10)


@pytest.mark.parametrize("action", [WrongBytes(), CutDownload(70_000), Truncate(70_000)])
def test_a_stream_that_goes_wrong_stores_nothing(servers, make_site, monkeypatch, action):
    monkeypatch.setattr(copying_files, "LARGE", 1000)
    pair = servers(make_site({"big.dcm": bytes(range(256)) * 1000}), Site())
    plan = pair.plan("P")
    pair.source.faults.add(FILE_DOWN.replace(r"\d+", "[^/]+"), action)
    result = pair.run(plan)
    assert [failure.path[-7:] for failure in result.failures] == ["big.dcm"]
    scan = next(iter(pair.target.site.experiments.values())).scans["1"]
    assert [resource.files for resource in scan.resources] in ([], [{}])
    pair.source.faults.clear()
    assert pair.run(plan).evidence == Evidence(digest=1)


def test_the_destination_changing_a_byte_is_a_failure(servers, make_site):
    pair = servers(make_site({"a.dcm": b"one"}), Site())
    plan = pair.plan("P")
    lie = Answer(_listing("a.dcm", 3, "f" * 32), 200, "application/json")
    pair.target.faults.add(r"GET .*/files\?format=json", lie)
    result = pair.run(plan)
    assert [failure.error for failure in result.failures] == [
        "It arrived with another size or checksum than what was sent."
    ]
    assert result.evidence == Evidence()


def _listing(name, size, digest):
    row = f'{{"Name":"{name}","Size":"{size}","URI":"/data/x/files/{name}","digest":"{digest}","cat_ID":"1",'
    row += '"collection":"DICOM","file_tags":"","file_format":"","file_content":""}'
    return f'{{"ResultSet":{{"Result":[{row}],"title":"Files"}}}}'


def test_a_stopped_step_raises_interrupted_and_is_done_again(servers, make_site, held, monkeypatch):
    pair = servers(make_site(FILES), Site())
    plan = pair.plan("P")
    stop = threading.Event()
    original = pair.connections["lab"].download

    def download(*given, **named):
        stop.set()
        return original(*given, **named)

    monkeypatch.setattr(pair.connections["lab"], "download", download)
    with pytest.raises(Interrupted):
        pair.run(plan, stop=stop)
    monkeypatch.undo()
    assert pair.run(plan).evidence == Evidence(digest=len(FILES))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")
