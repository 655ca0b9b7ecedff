"""The prearchive's and the import service's answers, the odd ones included."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import BinaryIO

import pytest

from xnat_tui.errors import BadAnswer, Conflict, NotFound, Refused, Unclear
from xnat_tui.model.prearchive import Received
from xnat_tui.xnat.actions import importing, prearchive
from xnat_tui.xnat.documents.writing import Body
from xnat_tui.xnat.files import dicom
from xnat_tui.xnat.http.connection import Connection

ROW = {
    "project": "P",
    "timestamp": "20240408_091500123",
    "folderName": "F 1",
    "name": "S_MR",
    "subject": "S",
    "status": "READY",
    "url": "/prearchive/projects/P/20240408_091500123/F 1",
}
ONE = Received.of(ROW)
PATH = "/data/prearchive/projects/P/20240408_091500123/F%201"


def table(*rows: dict[str, str]) -> str:
    return json.dumps({"ResultSet": {"Result": list(rows)}})


def body(data: bytes, opened: list[BinaryIO] | None = None) -> Body:
    def open_() -> BinaryIO:
        stream = io.BytesIO(data)
        if opened is not None:
            opened.append(stream)
        return stream

    return Body(open_, len(data))


def test_rows_of_another_project_are_dropped(liar, connection: Connection) -> None:
    """For administrators XNAT adds every unassigned session to a project's list."""
    liar.on(
        "GET /data/prearchive/projects/P", table(ROW, {**ROW, "project": "null"}, {**ROW, "project": "Q"})
    )
    assert [one.project for one in prearchive.sessions(connection, "P")] == ["P"]
    liar.on("GET /data/prearchive/projects/Unassigned", table(ROW, {**ROW, "project": ""}))
    assert [one.project for one in prearchive.sessions(connection, "Unassigned")] == [""]


@pytest.mark.parametrize(
    ("listed", "day"), [("2024-03-01 00:00:00.0", "2024-03-01"), ("2024-03-01", "2024-03-01"), ("", "")]
)
def test_the_scan_date_is_a_day_whether_listed_as_a_timestamp_or_not(listed: str, day: str) -> None:
    one = Received.of({**ROW, "scan_date": listed, "scan_time": "10:11:12"})
    assert (one.scan_day, one.scanned) == (day, f"{day} 10:11:12".strip())


def test_an_empty_200_is_no_empty_prearchive(liar, connection: Connection) -> None:
    liar.on("GET /data/prearchive", "")
    with pytest.raises(BadAnswer):
        prearchive.sessions(connection)


def test_a_log_is_text_or_a_table(liar, connection: Connection) -> None:
    liar.on(f"GET {PATH}/logs", "one\n\ntwo\n", content_type="text/plain")
    entries = [{"id": "1", "date": "2024", "entry": "a\nb"}, {"id": "2", "date": "2024", "entry": "c"}]
    liar.on(f"GET {PATH}/logs", table(*entries))
    assert prearchive.log(connection, ONE) == ["one", "two"]
    assert prearchive.log(connection, ONE) == ["a", "b", "c"]


def test_a_moved_session_is_told_by_the_body_of_a_301(liar, connection: Connection) -> None:
    liar.on(f"POST {PATH}", "/data/prearchive/projects/Q/20240408_091500123/F 1\r\n", status=301)
    assert prearchive.move(connection, ONE, "Q") == "/data/prearchive/projects/Q/20240408_091500123/F 1"


@pytest.mark.parametrize("text", ["", "\r\n", "<html></html>", "/data/archive/projects/Q"])
def test_a_move_that_tells_no_place_is_not_believed(liar, connection: Connection, text: str) -> None:
    liar.on(f"POST {PATH}", text, status=301)
    with pytest.raises(BadAnswer):
        prearchive.move(connection, ONE, "Q")


def test_archiving_is_asked_for_one_session_without_redirects(liar, connection: Connection) -> None:
    liar.on("POST /data/services/archive", "/archive/projects/P/subjects/S/experiments/E\r\n")
    address = prearchive.archive(connection, ONE, {"subject": "S", "session": "E"})
    assert address == "/data/archive/projects/P/subjects/S/experiments/E"
    (sent,) = liar.calls("POST /data/services/archive")
    assert "auto-archive=false" in sent.path
    assert sent.path.count("src=") == 1


@pytest.mark.parametrize(("status", "error"), [(409, Conflict), (400, Refused), (504, Unclear)])
def test_refusals_of_old_and_new_servers(liar, connection: Connection, status: int, error: type) -> None:
    liar.on(
        "POST /data/services/archive", "<html><h3>No.</h3></html>", status=status, content_type="text/html"
    )
    with pytest.raises(error):
        prearchive.archive(connection, ONE, {})
    assert len(liar.calls("POST /data/services/archive")) == 1


def test_a_session_that_is_not_listed_any_more_is_gone(liar, connection: Connection) -> None:
    liar.on("GET /data/prearchive/projects/P", table())
    with pytest.raises(NotFound):
        prearchive.session(connection, ONE)


def test_addresses_end_in_crlf_and_may_lack_their_prefix() -> None:
    text = "/data/prearchive/projects/P/1/F\r\n/prearchive/projects/P/2/F\r\n\r\n<br>"
    assert prearchive.addresses(text) == [
        "/data/prearchive/projects/P/1/F",
        "/data/prearchive/projects/P/2/F",
    ]


def test_an_import_after_an_ended_session_opens_its_body_again(liar, connection: Connection) -> None:
    route = "POST /data/services/import"
    liar.on(route, "<html><h3>Unauthorized</h3></html>", status=401, content_type="text/html")
    liar.on(route, "/data/prearchive/projects/P/1/F\r\n", content_type="text/uri-list")
    opened: list[BinaryIO] = []
    found = importing.send(connection, body(b"zipzip", opened), "application/zip", {"project": "P"})
    assert found == ["/data/prearchive/projects/P/1/F"]
    assert [call.body for call in liar.calls(route)] == [b"zipzip", b"zipzip"]
    assert len(opened) == 2
    assert {"inbody=true", "import-handler=DICOM-zip", "Ignore-Unparsable=true", "project=P"} <= set(
        liar.calls(route)[-1].path.partition("?")[2].split("&")
    )


def test_an_import_that_names_no_session_is_not_believed(liar, connection: Connection) -> None:
    liar.on("POST /data/services/import", "")
    with pytest.raises(BadAnswer):
        importing.send(connection, body(b"zip"), "application/zip", {})


def test_a_dump_is_a_header_of_its_own_elements(liar, connection: Connection) -> None:
    def row(tag1: str, vr: str, value: str, tag2: str = "") -> dict[str, str]:
        return {"tag1": tag1, "tag2": tag2, "vr": vr, "value": value, "desc": ""}

    rows = (
        row("(0010,0020)", "LO", "P-1"),
        row("(0020,0011)", "IS", "7"),
        row("(0028,0010)", "US", "80"),
        row("(0008,0008)", "CS", "ORIGINAL\\PRIMARY"),
        row("(0008,2218)", "SQ", ""),
        row("(0008,2218)", "SH", "inner", "(0008,0100)"),
        row("no tag", "LO", "x"),
        row("(0028,0011)", "US", "many"),
    )
    liar.on("GET /data/services/dicomdump", table(*rows))
    found = dicom.dump_header(connection, "/archive/projects/P/experiments/E", ("PatientID", "Rows"))
    assert (found.PatientID, found.SeriesNumber, found.Rows) == ("P-1", 7, 80)
    assert list(found.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert "CodeValue" not in found
    assert "Columns" not in found
    (sent,) = liar.calls("GET /data/services/dicomdump")
    assert "field=PatientID&field=Rows" in sent.path


@pytest.mark.parametrize("data", [b"", b"no image at all", b"\0" * 500, b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_what_is_no_dicom_is_said(liar, connection: Connection, data: bytes) -> None:
    liar.on("GET /data/x.dcm", "").body = data
    with pytest.raises(BadAnswer):
        dicom.read_header(connection, "/data/x.dcm")


def test_the_viewers_plugin_may_be_there_missing_or_hidden(liar, dial: Callable[..., Connection]) -> None:
    from xnat_tui.xnat.actions import viewer

    connection = dial()
    route = f"GET /xapi/plugins/{viewer.PLUGIN}"
    liar.on(route, "{}")
    liar.on(route, "", status=404)
    liar.on(route, "", status=403)
    assert [viewer.installed(connection) for _ in range(3)] == [True, False, None]
