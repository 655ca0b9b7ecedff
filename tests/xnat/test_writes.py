from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotXnat,
    PasswordExpired,
    ServerError,
    ServerUnreachable,
    SessionExpired,
    Unclear,
    XnatTuiError,
)
from xnat_tui.xnat.http import retry
from xnat_tui.xnat.http.connection import Connection

Dial = Callable[..., Connection]
SIGN_IN_PAGE = b'<html><!-- BEGIN xnat-templates/screens/Login.vm --><input type="password"></html>'


class Source:
    """A body that remembers how often it was opened, and whether all were closed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.opened: list[BinaryIO] = []

    def __call__(self) -> BinaryIO:
        self.opened.append(io.BytesIO(self.data))
        return self.opened[-1]

    def all_closed(self) -> bool:
        return all(one.closed for one in self.opened)


def test_a_write_sends_body_type_and_encoded_parameters(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/projects/P/subjects/S", "XNAT_S00001", 201)
    answer = connection.write(
        "PUT",
        "/data/projects/P/subjects/S",
        params=[("event_reason", "Tom & Jerry"), ("tags", "a"), ("tags", "b")],
        body=b"<x/>",
        content_type="text/xml",
    )
    assert (answer.status, answer.text) == (201, "XNAT_S00001")
    seen = liar.seen[-1]
    assert seen.path.endswith("?event_reason=Tom%20%26%20Jerry&tags=a&tags=b")
    assert (seen.body, seen.headers["Content-Type"], seen.headers["Content-Length"]) == (
        b"<x/>",
        "text/xml",
        "4",
    )


def test_a_write_without_a_body_says_that_it_is_empty(liar: Any, connection: Connection) -> None:
    liar.on("POST /data/x")
    connection.write("POST", "/data/x")
    assert liar.seen[-1].headers["Content-Length"] == "0"


def test_headers_of_an_answer_are_found_in_any_case(liar: Any, connection: Connection) -> None:
    liar.on("POST /data/x", headers={"X-Thing": "1"})
    assert connection.write("POST", "/data/x").headers["x-thing"] == "1"


def test_a_redirect_is_data_where_it_is_meant(liar: Any, connection: Connection) -> None:
    liar.on("POST /data/x", "/data/prearchive/projects/P/1/S", 301, headers={"Location": "/data/y"})
    answer = connection.write("POST", "/data/x", accept_statuses=(200, 301))
    assert (answer.status, answer.text) == (301, "/data/prearchive/projects/P/1/S")
    with pytest.raises(NotXnat):
        connection.write("POST", "/data/x")
    assert not liar.calls("GET /data/y")


@pytest.mark.parametrize(
    "trouble",
    [{"status": 502}, {"status": 503}, {"status": 504}, {"drop": True}, {"body": "x", "announced": 50}],
)
def test_a_write_without_a_clear_answer_is_never_repeated(
    liar: Any, connection: Connection, trouble: dict[str, Any]
) -> None:
    liar.on("PUT /data/x", **trouble)
    with pytest.raises(Unclear):
        connection.write("PUT", "/data/x")
    assert len(liar.calls("PUT /data/x")) == 1


def test_a_write_that_is_answered_too_late_is_unclear(liar: Any, connection: Connection) -> None:
    hold = threading.Event()
    liar.on("PUT /data/x", hold=hold)
    with pytest.raises(Unclear):
        connection.write("PUT", "/data/x", timeout=0.01)
    hold.set()
    assert connection._transport.limiter.limit < connection.server.connections


def test_a_write_that_never_left_is_not_unclear(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection._transport, "base", "http://127.0.0.1:9")
    with pytest.raises(ServerUnreachable, match="refused"):
        connection.write("PUT", "/data/x")


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (409, Conflict), (500, ServerError)])
def test_a_refused_write_says_why_and_is_not_repeated(
    liar: Any, connection: Connection, status: int, error: type[XnatTuiError]
) -> None:
    liar.on("PUT /data/x", "<html><h3>Because</h3>", status, content_type="text/html")
    with pytest.raises(error, match="Because"):
        connection.write("PUT", "/data/x")
    assert len(liar.calls("PUT /data/x")) == 1


def test_a_busy_server_has_not_taken_the_write_and_says_when_to_send_it_again(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 1000.0)
    waits: list[float] = []
    connection.on_wait = lambda seconds, reason: waits.append(seconds)
    for _ in range(2):
        liar.on("PUT /data/x", status=429, headers={"Retry-After": "0"})
    liar.on("PUT /data/x", "done")
    assert connection.write("PUT", "/data/x", body=b"again").text == "done"
    assert [one.body for one in liar.calls("PUT /data/x")] == [b"again"] * 3
    assert waits == [0.0, 0.0]
    assert connection._transport.limiter.limit < connection.server.connections


def test_a_server_that_stays_busy_is_not_available_for_a_write(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x", status=429)
    with pytest.raises(ServerUnreachable):
        connection.write("PUT", "/data/x")
    assert len(liar.calls("PUT /data/x")) == retry.ATTEMPTS


@pytest.mark.parametrize("how", ["401", "redirect", "page"])
def test_a_write_refused_for_an_ended_session_is_sent_once_more(
    liar: Any, connection: Connection, how: str
) -> None:
    if how == "redirect":
        liar.expired.status, liar.expired.headers = 302, {"Location": "/app/template/Login.vm"}
    if how == "page":
        liar.expired.status, liar.expired.body = 200, SIGN_IN_PAGE
    liar.forget_sessions()
    liar.on("PUT /data/x", "done")
    assert connection.write("PUT", "/data/x", body=b"again").text == "done"
    assert [one.body for one in liar.calls("PUT /data/x")] == [b"again", b"again"]


def test_a_write_is_not_sent_a_third_time(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x", status=401)
    with pytest.raises(SessionExpired):
        connection.write("PUT", "/data/x")
    assert len(liar.calls("PUT /data/x")) == 2


def test_an_expired_password_on_a_write(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x", "<html>Your password has expired", content_type="text/html")
    with pytest.raises(PasswordExpired):
        connection.write("PUT", "/data/x")


def test_an_html_answer_to_a_write_is_an_answer(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x", '{"duplicates":["a"]}', content_type="text/html")
    liar.on("PUT /data/y", "<html xmlns='x'><body><table></table>", content_type="text/html")
    assert connection.write("PUT", "/data/x").json() == {"duplicates": ["a"]}
    assert connection.write("PUT", "/data/y").status == 200


def test_a_server_marked_read_only_is_never_written_to(liar: Any, dial: Dial) -> None:
    connection, source = dial(read_only=True), Source(b"x")
    sent = connection.requests
    for method, path in (("PUT", "/data/x"), ("DELETE", "/data/x"), ("POST", "/data/services/archive")):
        with pytest.raises(Forbidden, match="read-only"):
            connection.write(method, path)
    with pytest.raises(Forbidden, match="read-only"):
        connection.upload("PUT", "/data/x", source, 1, "text/plain")
    assert connection.requests == sent
    assert not source.opened
    liar.on("POST /data/services/validate-archive", "{}")
    assert connection.write("POST", "/data/services/validate-archive").status == 200


def test_an_upload_streams_exactly_its_length(liar: Any, connection: Connection) -> None:
    source = Source(bytes(range(256)) * 4000)
    counts: list[int] = []
    liar.on("PUT /data/x")
    connection.upload(
        "PUT",
        "/data/x",
        source,
        len(source.data),
        "application/zip",
        {"inbody": True},
        on_bytes=counts.append,
    )
    seen = liar.seen[-1]
    assert seen.body == source.data
    assert seen.path == "/data/x?inbody=true"
    assert seen.headers["Content-Length"] == str(len(source.data))
    assert "Transfer-Encoding" not in seen.headers
    assert sum(counts) == len(source.data)
    assert len(counts) > 1
    assert source.all_closed()


def test_an_empty_upload_is_not_chunked(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x")
    connection.upload("PUT", "/data/x", Source(b""), 0, "text/plain")
    assert liar.seen[-1].headers["Content-Length"] == "0"
    assert "Transfer-Encoding" not in liar.seen[-1].headers


def test_an_upload_is_opened_anew_after_signing_in_again(liar: Any, connection: Connection) -> None:
    source = Source(b"x" * 300_000)
    counts: list[int] = []
    liar.forget_sessions()
    liar.on("PUT /data/x")
    connection.upload("PUT", "/data/x", source, 300_000, "text/plain", on_bytes=counts.append)
    assert len(source.opened) == 2
    assert source.all_closed()
    assert [len(one.body) for one in liar.calls("PUT /data/x")] == [300_000, 300_000]
    assert sum(counts) == 300_000


@pytest.mark.parametrize(("length", "word"), [(1000, "fewer"), (10, "more")])
def test_a_source_of_another_length_is_never_completed(
    liar: Any, connection: Connection, length: int, word: str
) -> None:
    source = Source(b"x" * 500)
    with pytest.raises(BadAnswer, match=word):
        connection.upload("PUT", "/data/x", source, length, "text/plain")
    assert not liar.calls("PUT /data/x") or len(liar.calls("PUT /data/x")[0].body) < length
    assert source.all_closed()


def test_an_unreadable_source_is_not_taken_for_a_lost_connection(liar: Any, connection: Connection) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(XnatTuiError, match="Input/output error") as caught:
        connection.upload("PUT", "/data/x", Broken, 10, "text/plain")
    assert type(caught.value) is XnatTuiError


def test_a_lost_upload_is_unclear(liar: Any, connection: Connection) -> None:
    liar.on("PUT /data/x", drop=True)
    with pytest.raises(Unclear):
        connection.upload("PUT", "/data/x", Source(b"x" * 10), 10, "text/plain")
    assert len(liar.calls("PUT /data/x")) == 1
