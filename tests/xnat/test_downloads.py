from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.errors import BadAnswer, NotFound, ServerUnreachable, SessionExpired, Unclear
from xnat_tui.xnat.files import zips
from xnat_tui.xnat.http.connection import Connection

DATA = bytes(range(256)) * 5000
MD5 = hashlib.md5(DATA).hexdigest()
FILE = "/data/experiments/E1/scans/1/resources/2/files/a.dcm"
SIGN_IN_PAGE = (
    b'<!DOCTYPE html>\n<html><!-- BEGIN xnat-templates/screens/Login.vm --><input type="password"></html>'
)


def test_a_download_arrives_in_chunks_undecoded(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", DATA, content_type="application/octet-stream")
    with connection.download(FILE) as download:
        assert download.length == len(DATA)
        assert download.content_type == "application/octet-stream"
        chunks = list(download)
    assert b"".join(chunks) == DATA
    assert max(map(len, chunks)) <= 256 * 1024
    assert liar.seen[-1].headers["Accept-Encoding"] == "identity"
    assert "format" not in liar.seen[-1].path


def test_a_download_without_a_length(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", DATA, content_type="application/zip", chunked=True)
    with connection.download(FILE) as download:
        assert download.length is None
        assert b"".join(download) == DATA


def test_a_download_that_ends_early_is_an_error(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", DATA, content_type="application/octet-stream", announced=len(DATA) + 1)
    with connection.download(FILE) as download, pytest.raises(BadAnswer, match="too early"):
        for _ in download:
            pass


def test_a_download_can_be_left_in_the_middle(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", DATA, content_type="application/octet-stream")
    with connection.download(FILE) as download:
        next(iter(download))
    with connection.download(FILE) as download:
        assert b"".join(download) == DATA
    assert connection._transport.limiter._busy == 0


def test_a_body_that_stalls_makes_fewer_requests_run_at_once(liar: Any, connection: Connection) -> None:
    limiter, stalled = connection._transport.limiter, threading.Event()
    connection.patience = replace(connection.patience, seconds=0.1)
    for body, announced in ((DATA, len(DATA) + 1), (b"[", 2)):
        liar.on(f"GET {FILE}", body, announced=announced, stall=stalled, content_type="application/json")
    before = limiter.limit
    with connection.download(FILE) as download, pytest.raises(ServerUnreachable, match="in time"):
        for _ in download:
            pass
    assert limiter.limit == before // 2
    with pytest.raises(ServerUnreachable, match="in time"):
        connection.get_json(FILE)
    assert limiter.limit == before // 4
    stalled.set()


def test_the_answer_of_a_write_that_stalls_does_so_too(liar: Any, connection: Connection) -> None:
    limiter, stalled = connection._transport.limiter, threading.Event()
    liar.on(f"PUT {FILE}", b"stored", announced=100, stall=stalled)
    before = limiter.limit
    with pytest.raises(Unclear):
        connection.write("PUT", FILE, body=b"x", timeout=0.1)
    assert limiter.limit == before // 2
    stalled.set()


def test_an_expired_session_never_becomes_a_file(liar: Any, connection: Connection) -> None:
    liar.expired.status, liar.expired.body = 200, SIGN_IN_PAGE
    liar.on(f"GET {FILE}", DATA, content_type="application/octet-stream")
    liar.forget_sessions()
    with connection.download(FILE) as download:
        assert b"".join(download) == DATA


def test_a_sign_in_page_that_stays_is_an_ended_session(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", SIGN_IN_PAGE, content_type="application/octet-stream")
    with pytest.raises(SessionExpired), connection.download(FILE):
        pytest.fail("the page was given out as the file")


def test_a_web_page_in_place_of_a_file_is_refused(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", b"<html><body>Proxy", content_type="text/html;charset=utf-8")
    with pytest.raises(BadAnswer, match="web page"), connection.download(FILE):
        pytest.fail("the page was given out as the file")


def test_a_file_that_is_html_by_its_name_is_a_file(liar: Any, connection: Connection) -> None:
    path = "/data/experiments/E1/resources/2/files/report.html"
    report = b'<!DOCTYPE html><html><form><input type="password"></form>'
    liar.on(f"GET {path}", report, content_type="text/html")
    with connection.download(path) as download:
        assert b"".join(download) == report
    liar.expired.status, liar.expired.body = 200, SIGN_IN_PAGE
    liar.forget_sessions()
    with connection.download(path) as download:
        assert b"".join(download) == report


@pytest.mark.parametrize("status", [204, 404])
def test_nothing_to_download(liar: Any, connection: Connection, status: int) -> None:
    liar.on(f"GET {FILE}", b"", status)
    with pytest.raises(NotFound), connection.download(FILE):
        pytest.fail("nothing was given out as a file")


def test_a_download_is_asked_for_again_before_its_first_byte(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {FILE}", drop=True)
    liar.on(f"GET {FILE}", DATA, content_type="application/octet-stream")
    with connection.download(FILE) as download:
        assert b"".join(download) == DATA


ZIP = "/data/experiments/E1/scans/ALL/files"
NAMES = {
    "MR1/scans/1-T1_w/resources/DICOM/files/1.dcm": b"dicom" * 1000,
    "MR1/scans/1-T1_w/resources/DICOM/files/sub/resources/X/files/2.dcm": b"deep",
    "MR1/resources/NOTES/files/ü b.txt": b"",
}


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("MR1/")
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_zip_is_taken_apart(liar: Any, connection: Connection, tmp_path: Path) -> None:
    liar.on(f"GET {ZIP}", zipped(NAMES), content_type="application/zip", chunked=True)
    counts: list[int] = []
    with zips.fetch(connection, ZIP, folder=tmp_path, on_bytes=counts.append) as members:
        found = {(one.owner, one.resource, one.path): one.open().read() for one in members}
        assert [one.size for one in members] == [5000, 4, 0]
        assert not list(tmp_path.iterdir())
    assert found == {
        (("MR1", "scans", "1-T1_w"), "DICOM", "1.dcm"): b"dicom" * 1000,
        (("MR1", "scans", "1-T1_w"), "DICOM", "sub/resources/X/files/2.dcm"): b"deep",
        (("MR1",), "NOTES", "ü b.txt"): b"",
    }
    assert sum(counts) == len(zipped(NAMES))
    assert liar.seen[-1].path == f"{ZIP}?format=zip"


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_zip_that_ends_early_but_cleanly_is_refused(liar: Any, connection: Connection, cut: int) -> None:
    liar.on(f"GET {ZIP}", zipped(NAMES)[:-cut], content_type="application/zip", chunked=True)
    with pytest.raises(BadAnswer), zips.fetch(connection, ZIP):
        pytest.fail("a cut zip was given out")


def test_a_damaged_member_is_found_while_it_is_read(liar: Any, connection: Connection) -> None:
    body = bytearray(zipped({"E/resources/R/files/a": b"some text"}))
    body[body.index(b"files/a") + 9] ^= 0xFF
    liar.on(f"GET {ZIP}", bytes(body), content_type="application/zip", chunked=True)
    with zips.fetch(connection, ZIP) as (member,), pytest.raises(BadAnswer, match="damaged"):
        list(member.chunks())


def test_no_zip_at_all(liar: Any, connection: Connection) -> None:
    liar.on(f"GET {ZIP}", b"sorry", content_type="application/zip")
    with pytest.raises(BadAnswer, match="no zip"), zips.fetch(connection, ZIP):
        pytest.fail("no zip was given out as one")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_the_same_name_are_refused(liar: Any, connection: Connection) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("E/resources/R/files/a", b"1")
        archive.writestr("E/resources/R/files/a", b"2")
    liar.on(f"GET {ZIP}", out.getvalue(), content_type="application/zip")
    with pytest.raises(BadAnswer, match="same name"), zips.fetch(connection, ZIP):
        pytest.fail("an ambiguous zip was given out")


@pytest.mark.parametrize(
    "name",
    [
        "/E/resources/R/files/a",
        "E/resources/R/files/../../../a",
        "../E/resources/R/files/a",
        "E/resources/R/files/..\\..\\a",
        "E/resources/../files/a",
        "E/resources/R/files//etc/passwd",
        "E/resources/R/files/C:\\a",
        "E/resources/R/files/C:a",
        "C:/E/resources/R/files/a",
        "\\\\host\\share/resources/R/files/a",
        "E/resources/R/files/a\nb",
        "E/resources/R/files/a\x1b[2J",
        "E/resources/R/files/",
        "E/resources/R/files",
        "E/scans/1/DICOM/a",
        "a",
        "",
    ],
)
def test_names_that_must_not_become_paths(name: str) -> None:
    with pytest.raises(BadAnswer):
        zips.split(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resources/resources/R/files/x", (("resources",), "R", "x")),
        ("E/resources/files/files/files/x", (("E",), "files", "files/x")),
        ("E/resources/R/files/.hidden/a..b", (("E",), "R", ".hidden/a..b")),
    ],
)
def test_names_split_at_the_first_place_from_the_left(name: str, expected: object) -> None:
    assert zips.split(name) == expected
