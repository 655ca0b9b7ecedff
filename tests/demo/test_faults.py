"""Trouble on order, the request log, and restarts."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import requests

from xnat_tui.demo import faults
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import PatternContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

FILES = "/data/experiments/XNAT_E00001/resources/NOTES/files"


def test_an_error_page_for_some_of_the_matching_requests(server: DemoServer, admin: Any) -> None:
    server.faults.add("GET /data/projects", faults.ErrorPage(503, "Busy", retry_after=2), times=1, after=1)
    answers = [admin.get("/data/projects") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 503, 200]
    assert answers[1].headers["Retry-After"] == "2"
    assert "<h3>Busy</h3>" in answers[1].text


@pytest.mark.parametrize("after", [0, 70_000])
def test_downloads_are_cut(server: DemoServer, site: Site, admin: Any, after: int) -> None:
    resource = site.experiments["XNAT_E00001"].resources[0]
    resource.add(FileEntry("big.bin", PatternContent(1_000_000)))
    server.faults.add("big.bin", faults.CutDownload(after))
    with pytest.raises(requests.exceptions.RequestException):
        admin.get(f"{FILES}/big.bin")


def test_uploads_are_cut_and_nothing_is_stored(server: DemoServer, site: Site, admin: Any) -> None:
    server.faults.add("PUT", faults.CutUpload(100_000))
    with pytest.raises(requests.exceptions.RequestException):
        admin.put(f"{FILES}/big.bin?inbody=true", data=b"x" * 3_000_000)
    assert "big.bin" not in site.experiments["XNAT_E00001"].resources[0].files


def test_a_truncated_zip_ends_cleanly(server: DemoServer, admin: Any) -> None:
    server.faults.add("format=zip", faults.Truncate(50))
    answer = admin.get(f"{FILES}?format=zip")
    assert (answer.status_code, len(answer.content)) == (200, 50)
    assert not zipfile.is_zipfile(io.BytesIO(answer.content))


def test_a_write_is_done_and_its_answer_lost(server: DemoServer, site: Site, admin: Any) -> None:
    server.faults.add("PUT", faults.WriteThenDrop(), times=1)
    with pytest.raises(requests.exceptions.RequestException):
        admin.put("/data/projects/P1/subjects/GHOST")
    assert site.subject("GHOST", "P1") is not None


def test_a_write_is_done_and_answered_with_an_error(server: DemoServer, site: Site, admin: Any) -> None:
    server.faults.add("PUT", faults.WriteThenError(500, "Mail could not be sent"), times=1)
    answer = admin.put("/data/projects/P1/subjects/GHOST")
    assert (answer.status_code, "<h3>Mail could not be sent</h3>" in answer.text) == (500, True)
    assert site.subject("GHOST", "P1") is not None


def test_finished_answers(server: DemoServer, site: Site, admin: Any) -> None:
    for action, body in (
        (faults.EMPTY_BODY, ""),
        (faults.EMPTY_RESULT, '{"ResultSet":{"Result":[],"totalRecords":"0"}}'),
        (faults.NO_RESULT_SET, '{"items":[]}'),
    ):
        server.faults.clear()
        server.faults.add("GET /data/projects", action)
        assert admin.get("/data/projects").text == body
    server.faults.clear()
    server.faults.add("PUT", faults.DO_NOTHING)
    assert admin.put("/data/projects/P1/subjects/NEVER").status_code == 200
    assert site.subject("NEVER", "P1") is None
    server.faults.add("/data/auth", faults.LoginPage())
    assert "Login.vm" in admin.get("/data/auth").text
    server.faults.add("/data/JSESSION", faults.redirect("/elsewhere"))
    assert admin.get("/data/JSESSION", allow_redirects=False).headers["Location"] == "/elsewhere"


def test_wrong_bytes_and_expiry(server: DemoServer, admin: Any) -> None:
    assert admin.get(f"{FILES}/a").content == b"1"
    server.faults.add("files/a$", faults.WrongBytes())
    assert admin.get(f"{FILES}/a").content != b"1"
    admin.http.auth = None
    server.faults.add("/data/auth", faults.ExpireSession(), times=1)
    assert admin.get("/data/auth").status_code == 401


def test_hanging_requests_end_with_the_client(server: DemoServer, admin: Any) -> None:
    server.faults.add("/data/auth", faults.Hang())
    with pytest.raises(requests.exceptions.ReadTimeout):
        admin.http.get(f"{server.url}/data/auth", timeout=0.2)


def test_the_log_counts_requests(server: DemoServer, admin: Any) -> None:
    admin.get("/data/projects?format=json")
    admin.get("/data/experiments/NOPE?format=json")
    entries = list(server.requests)
    assert (entries[0].path, entries[0].query, entries[0].status, entries[0].user) == (
        "/data/projects",
        "format=json",
        200,
        "admin",
    )
    assert server.requests.count("GET", "/data/experiments") == 1
    server.requests.clear()
    assert len(server.requests) == 0


def test_a_restart_keeps_the_address_and_loses_sessions(server: DemoServer, admin: Any) -> None:
    url = server.url
    session = admin.get("/data/JSESSION").text
    server.restart()
    assert server.url == url
    answer = requests.get(f"{url}/data/auth", cookies={"JSESSIONID": session}, timeout=10)
    assert answer.status_code == 401
