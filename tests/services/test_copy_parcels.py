"""A resource sent by several zips while its source still arrives: whatever goes wrong with one of them."""

from __future__ import annotations

import io
import struct
import threading
import zipfile
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from xnat_tui.demo.faults import Answer, CutUpload, ErrorPage, ExpireSession, Truncate, WriteThenDrop
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted
from xnat_tui.model.options import CopyOptions, Mode
from xnat_tui.model.transfer import Evidence
from xnat_tui.services.transfers import parcels as copying_parcels
from xnat_tui.services.transfers import streams as copying_streams
from xnat_tui.services.transfers.copying.execution import sender as copying_files
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.files import zip_streams

FILES = {f"{number:02d}.dcm": bytes([number]) * 3000 for number in range(12)}
ZIP_DOWN = r"GET .*/files\?.*format=zip"
ZIP_UP = r"PUT .*/files/files\.zip"
ZIPPED = CopyOptions(mode=Mode.ZIP)


@pytest.fixture(autouse=True)
def _small_zips(monkeypatch):
    monkeypatch.setattr(copying_parcels, "LEAST_BYTES", 7000)


def _sent(server):
    return [request for request in server.requests if request.path.endswith("/files/files.zip")]


@pytest.fixture
def sending(monkeypatch):
    """Set when the first upload begins."""
    begun, put = threading.Event(), writing.put_zip

    def put_zip(*given, **named):
        begun.set()
        return put(*given, **named)

    monkeypatch.setattr(writing, "put_zip", put_zip)
    return begun


@pytest.fixture
def before_the_last(monkeypatch):
    """Calls what it is given before the last file of the source's zip arrives."""
    calls: list[Callable[[], object]] = []
    stream = zip_streams.stream

    @contextmanager
    def watched(*given, **named):
        with stream(*given, **named) as members:

            def counted():
                for number, member in enumerate(members, 1):
                    if number == len(FILES):
                        for call in calls:
                            call()
                    yield member

            yield counted()

    monkeypatch.setattr(zip_streams, "stream", watched)
    return calls.append


def test_sending_begins_while_files_still_arrive(servers, make_site, held, sending, before_the_last):
    pair, waited = servers(make_site(FILES), Site()), []
    before_the_last(lambda: waited.append(sending.wait(30)))
    assert pair.copy("P", options=ZIPPED).evidence == Evidence(digest=len(FILES))
    assert waited == [True]
    assert len(_sent(pair.target)) == 4
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.ZIP])
def test_files_of_several_formats_come_in_one_zip_and_keep_theirs(servers, make_site, held, mode):
    site = make_site(FILES)
    session = next(iter(site.experiments.values()))
    for number, entry in enumerate(session.scans["1"].resources[0].files.values()):
        entry.format = ("DICOM", "GE", "NIFTI")[number % 3]
    pair = servers(site, Site())
    assert pair.copy("P", options=CopyOptions(mode=mode)).evidence == Evidence(digest=len(FILES))
    asked = [request for request in pair.source.requests if "format=zip" in request.query]
    assert len(asked) == 1
    assert not [request for request in pair.source.requests if request.path.endswith(".dcm")]
    stored = sum(request.request_bytes for request in _sent(pair.target))
    assert stored < 1.1 * sum(map(len, FILES.values()))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def unsigned(files):
    """A zip whose checksums stand behind the files, without the signature that XNAT writes before them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"E1/scans/1-T1/resources/DICOM/files/{name}", data)
        members = archive.infolist()
    body, directory, out = packed.getvalue(), packed.getvalue().index(b"PK\1\2"), bytearray()
    listed = bytearray(body[directory:])
    place = 0
    for member in members:
        sums = struct.pack("<III", member.CRC, member.compress_size, member.file_size)
        start = member.header_offset + 30 + len(member.filename)
        header = bytearray(body[member.header_offset : start])
        header[6] |= 8
        header[14:26] = bytes(12)
        place = listed.index(b"PK\1\2", place)
        struct.pack_into("<I", listed, place + 42, len(out))
        place += 4
        out += header + body[start : start + member.compress_size] + sums
    struct.pack_into("<I", listed, listed.index(b"PK\5\6") + 16, len(out))
    return bytes(out + listed)


def test_a_zip_that_cannot_be_taken_apart_while_it_comes_is_kept_until_it_is_there(servers, make_site, held):
    pair = servers(make_site(FILES), Site())
    pair.source.faults.add(ZIP_DOWN, Answer(unsigned(FILES), media_type="application/zip"))
    assert pair.copy("P", options=ZIPPED).evidence == Evidence(digest=len(FILES))
    asked = [request for request in pair.source.requests if "format=zip" in request.query]
    assert len(asked) == 2
    assert not [request for request in pair.source.requests if request.path.endswith(".dcm")]
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_within_one_server_nothing_is_sent_before_all_has_arrived(
    servers, make_site, held, sending, before_the_last
):
    pair, begun = servers(make_site(FILES), Site()), []
    before_the_last(lambda: begun.append(sending.is_set()))
    result = pair.run(pair.plan("P", server="lab", project="TWIN", options=ZIPPED))
    assert result.evidence == Evidence(digest=len(FILES))
    assert begun == [False]
    assert held(pair.source.site, "TWIN") == held(pair.source.site, "P")


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize(
    "fault",
    [CutUpload(2000), WriteThenDrop(), ErrorPage(500), ErrorPage(502), ExpireSession()],
    ids=["cut", "answer lost", "500", "502", "expired"],
)
def test_trouble_with_one_zip_of_several(servers, make_site, held, fault, after):
    pair = servers(make_site(FILES), Site())
    plan = pair.plan("P", options=ZIPPED)
    ordered = pair.target.faults.add(ZIP_UP, fault, times=1, after=after)
    result = pair.run(plan)
    assert ordered.fired
    if fault == ErrorPage(500):  # refused for good: said of these files, and the others arrive
        assert 0 < len(result.failures) == len(FILES) - result.evidence.digest
    else:
        assert result.failures == []
        assert result.evidence == Evidence(digest=len(FILES))
    assert pair.run(plan).failures == []
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_of_a_cut_zip_only_the_rest_is_packed_again(servers, make_site, held):
    pair = servers(make_site(FILES), Site())
    pair.source.faults.add(ZIP_DOWN, Truncate(20_000), times=1)
    assert pair.copy("P", options=ZIPPED).evidence == Evidence(digest=len(FILES))
    asked = [request for request in pair.source.requests if "format=zip" in request.query]
    assert len(asked) == 2
    assert not [request for request in pair.source.requests if request.path.endswith(".dcm")]
    stored = sum(request.request_bytes for request in _sent(pair.target))
    assert stored < 1.1 * sum(map(len, FILES.values()))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_files_beyond_what_memory_may_hold_are_kept_on_the_disk(servers, make_site, held, monkeypatch):
    monkeypatch.setattr(copying_streams, "IN_MEMORY", 1000)
    pair = servers(make_site(FILES), Site())
    assert pair.copy("P", options=ZIPPED).evidence == Evidence(digest=len(FILES))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_a_stop_ends_an_upload_in_the_middle(servers, make_site, held, monkeypatch):
    pair, stop, put = servers(make_site(FILES), Site()), threading.Event(), writing.put_zip
    plan = pair.plan("P", options=ZIPPED)

    def put_zip(*given, **named):
        stop.set()
        return put(*given, **named)

    monkeypatch.setattr(writing, "put_zip", put_zip)
    with pytest.raises(Interrupted):
        pair.run(plan, stop=stop)
    session = next(iter(pair.target.site.experiments.values()))
    assert not any(resource.files for resource in session.scans["1"].resources)
    monkeypatch.undo()
    assert pair.run(plan).evidence == Evidence(digest=len(FILES))
    assert held(pair.target.site, "NEW") == held(pair.source.site, "P")


def test_where_sending_fails_no_more_is_fetched(servers, make_site, monkeypatch, before_the_last):
    pair, sent, send = servers(make_site(FILES), Site()), threading.Event(), copying_parcels.Parcels._deliver

    def deliver(*given):
        try:
            send(*given)
        finally:
            sent.set()

    monkeypatch.setattr(copying_parcels.Parcels, "_deliver", deliver)
    monkeypatch.setattr(copying_files, "ZIP_ATTEMPTS", 1)
    before_the_last(lambda: sent.wait(30))
    pair.target.faults.add(ZIP_UP, CutUpload(2000))
    result = pair.copy("P", options=ZIPPED)
    assert len(result.failures) == len(FILES)
    assert result.evidence == Evidence()
    assert not [request for request in pair.source.requests if request.path.endswith(".dcm")]
