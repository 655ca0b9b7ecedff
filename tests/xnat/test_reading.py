from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from xnat_tui.credentials import Credential
from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    NotXnat,
    PasswordExpired,
    Refused,
    ServerError,
    ServerUnreachable,
    SessionExpired,
    SignInFailed,
    UsageError,
    XnatTuiError,
)
from xnat_tui.xnat.http import retry
from xnat_tui.xnat.http.connection import Connection

LISTING = '{"ResultSet":{"Result":[{"ID":"P1"}],"totalRecords":"1"}}'
SIGN_IN_PAGE = (
    b"<!DOCTYPE html><html><!-- BEGIN xnat-templates/screens/Login.vm -->"
    b'<form><input type="password"/></form></html>'
)
Dial = Callable[..., Connection]


def test_format_json_is_asked_below_data_only(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", LISTING)
    liar.on("GET /xapi/plugins", "{}")
    connection.table("/data/projects", columns="ID,label")
    connection.get_json("/xapi/plugins")
    assert [one.path for one in liar.seen[-2:]] == [
        "/data/projects?format=json&columns=ID,label",
        "/xapi/plugins",
    ]


def test_no_request_looks_like_a_browsers(liar: Any, connection: Connection) -> None:
    agents = {one.headers["User-Agent"] for one in liar.seen}
    assert not any(word in agent for agent in agents for word in ("MSIE", "Mozilla", "AppleWebKit", "Opera"))


def test_the_guest_hears_that_an_empty_item_may_need_a_sign_in(liar: Any, dial: Dial) -> None:
    liar.sessions.add("GUESTSESSION")
    liar.expired.status, liar.expired.body, liar.expired.content_type = 200, b"GUESTSESSION", "text/plain"
    liar.on("GET /data/auth", b"User 'guest' is logged in")
    guest = dial(None)
    assert guest.user == "guest"
    liar.on("GET /data/experiments/X", b"")
    with pytest.raises(NotFound, match="sign-in needed"):
        guest.get_json("/data/experiments/X")


def test_a_guest_who_is_sent_away_is_not_signed_in_again(liar: Any, dial: Dial) -> None:
    liar.sessions.add("GUESTSESSION")
    liar.expired.status, liar.expired.body, liar.expired.content_type = 200, b"GUESTSESSION", "text/plain"
    liar.on("GET /data/auth", b"User 'guest' is logged in")
    guest = dial(None)
    liar.on("GET /data/projects", b"", 401)
    with pytest.raises(SignInFailed, match="guests"):
        guest.table("/data/projects")


@pytest.mark.parametrize("body", [b"", b"not json", b'{"a": ', b'{"a": "\xff"}'])
def test_an_answer_that_is_no_json_is_not_believed(liar: Any, connection: Connection, body: bytes) -> None:
    liar.on("GET /data/x", body)
    with pytest.raises(BadAnswer) as caught:
        connection.get_json("/data/x")
    assert caught.value.__context__ is None


def test_control_characters_inside_json_texts_are_tolerated(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/x", b'{"a": "line\nbreak"}')
    assert connection.get_json("/data/x") == {"a": "line\nbreak"}


def test_a_document_that_is_longer_than_expected_is_not_swallowed(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/x", b"<x>" + b"y" * 5000, content_type="text/xml")
    assert len(connection.get_bytes("/data/x", format="xml")) == 5003
    with pytest.raises(BadAnswer, match="more than 4000"):
        connection.get_bytes("/data/x", 4000)


def test_an_answer_that_ends_early_is_not_believed(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/x", b'{"a": 1}', announced=100)
    with pytest.raises(BadAnswer, match="too early"):
        connection.get_json("/data/x")


def test_a_listing_that_ends_early_says_so_and_not_that_it_is_no_listing(
    liar: Any, connection: Connection
) -> None:
    liar.on("GET /data/x", LISTING[:-10], announced=len(LISTING))
    with pytest.raises(BadAnswer, match="too early"):
        connection.table("/data/x")


def test_a_listing_that_breaks_off_before_it_begins_is_asked_for_again(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.0)
    liar.on("GET /data/x", drop=True)
    liar.on("GET /data/x", LISTING)
    assert [row["ID"] for row in connection.table("/data/x")] == ["P1"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (415, Refused),
        (417, Refused),
        (422, Refused),
        (423, Conflict),
        (500, ServerError),
        (204, BadAnswer),
    ],
)
def test_every_status_has_its_error_in_the_servers_words(
    liar: Any, connection: Connection, status: int, error: type[XnatTuiError]
) -> None:
    page = "<html><title>t</title><h3>No &lt;right&gt;\x07 to\n<b>this</b></h3>" + "<p>padding" * 1000
    liar.on("GET /data/x", page if status != 204 else b"", status, content_type="text/html")
    with pytest.raises(error) as caught:
        connection.get_json("/data/x")
    assert caught.value.status == status
    assert len(connection.server.name) + len(str(caught.value)) < 200
    assert status == 204 or "No <right> to this" in caught.value.message
    assert len(liar.calls("GET /data/x")) == (3 if status == 500 else 1), "a definite refusal is not repeated"


def test_a_long_plain_message_is_shortened(liar: Any, connection: Connection) -> None:
    liar.on("GET /xapi/x", "word " * 1000, 500, content_type="text/plain")
    with pytest.raises(ServerError) as caught:
        connection.get_json("/xapi/x")
    assert 300 < len(caught.value.message) < 400


@pytest.mark.parametrize("how", ["401", "redirect", "page"])
def test_an_expired_session_is_signed_in_again_without_a_lost_step(
    liar: Any, connection: Connection, how: str
) -> None:
    liar.on("GET /data/projects", LISTING)
    if how == "redirect":
        liar.expired.status, liar.expired.headers = 302, {"Location": f"{liar.url}/app/template/Login.vm"}
    if how == "page":
        liar.expired.status, liar.expired.body = 200, SIGN_IN_PAGE
    liar.forget_sessions()
    before = connection.requests
    assert len(connection.table("/data/projects")) == 1
    assert connection.requests - before == 3


def test_many_threads_sign_in_again_once(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", LISTING)
    liar.forget_sessions()
    rows: list[int] = []
    threads = [
        threading.Thread(target=lambda: rows.append(len(connection.table("/data/projects"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [1] * 8
    assert len(liar.calls("PUT /data/services/auth")) == 2


def test_a_refused_new_sign_in_is_tried_once_only_so_that_no_account_is_locked(
    liar: Any, connection: Connection
) -> None:
    liar.forget_sessions()
    liar.on("PUT /data/services/auth", "<html><h3>Locked</h3>", 401, content_type="text/html")
    for _ in range(3):
        with pytest.raises(SessionExpired, match="Locked"):
            connection.table("/data/projects")
    assert len(liar.calls("PUT /data/services/auth")) == 2


def test_a_server_that_forgets_at_once_is_not_asked_for_ever(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", b"", 401)
    with pytest.raises(SessionExpired):
        connection.table("/data/projects")
    assert len(liar.calls("GET /data/projects")) == 2


@pytest.mark.parametrize("where", ["page", "status", "redirect"])
def test_an_expired_password_is_said_as_such(liar: Any, connection: Connection, where: str) -> None:
    words = "<html><h3>Your password has expired</h3>"
    location = {"Location": "/app/template/ChangePassword.vm"} if where == "redirect" else {}
    status = {"page": 200, "status": 403, "redirect": 302}[where]
    liar.on("GET /data/projects", words, status, content_type="text/html", headers=location)
    with pytest.raises(PasswordExpired):
        connection.table("/data/projects")
    assert len(liar.calls("PUT /data/services/auth")) == 1


def test_a_proxys_page_is_no_xnat(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", "<html><body>Maintenance", content_type="text/html")
    with pytest.raises(NotXnat, match="web page"):
        connection.table("/data/projects")


def test_a_foreign_session_cookie_is_refused_and_others_are_kept(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/a", "{}", headers={"Set-Cookie": "JSESSIONID=GUEST0001; Path=/"})
    liar.on("GET /data/b", "{}", headers={"Set-Cookie": "route=node2; Path=/"})
    for path in ("/data/a", "/data/b", "/data/b"):
        connection.get_json(path)
    assert liar.seen[-1].headers["Cookie"] == "route=node2; JSESSIONID=SESSION00001"


def test_a_redirect_on_the_same_host_is_followed(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/old", b"", 301, headers={"Location": "/data/new"})
    liar.on("GET /data/new", '{"here": 1}')
    assert connection.get_json("/data/old") == {"here": 1}
    assert "JSESSIONID" in liar.seen[-1].headers["Cookie"]


def test_a_redirect_to_another_host_is_not_followed(liar: Any, connection: Connection) -> None:
    elsewhere = liar.url.replace("127.0.0.1", "localhost")
    liar.on("GET /data/x", b"", 302, headers={"Location": f"{elsewhere}/data/y"})
    with pytest.raises(NotXnat, match="another host"):
        connection.get_json("/data/x")
    assert not liar.calls("GET /data/y")


def test_redirects_in_a_circle_end(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/x", b"", 302, headers={"Location": "/data/x"})
    with pytest.raises(NotXnat, match="without end"):
        connection.get_json("/data/x")


@pytest.mark.parametrize(
    "trouble", [{"status": 503}, {"status": 502}, {"status": 504}, {"status": 429}, {"drop": True}]
)
def test_a_read_is_repeated_while_the_server_is_not_available(
    liar: Any, connection: Connection, trouble: dict[str, Any]
) -> None:
    waits: list[tuple[float, str]] = []
    connection.on_wait = lambda seconds, reason: waits.append((seconds, reason))
    for _ in range(2):
        liar.on("GET /data/projects", **trouble)
    liar.on("GET /data/projects", LISTING)
    assert len(connection.table("/data/projects")) == 1
    assert [seconds for seconds, _ in waits] == [0.0, 0.0]
    assert all("lab" in reason for _, reason in waits)


def test_repeating_ends(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", b"", 503)
    with pytest.raises(ServerUnreachable) as caught:
        connection.table("/data/projects")
    assert caught.value.status == 503
    assert len(liar.calls("GET /data/projects")) == retry.ATTEMPTS


def test_the_server_says_how_long_to_wait(
    liar: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 1000.0)
    waits: list[float] = []
    connection.on_wait = lambda seconds, reason: waits.append(seconds)
    liar.on("GET /data/projects", b"", 429, headers={"Retry-After": "0"})
    liar.on("GET /data/projects", LISTING)
    connection.table("/data/projects")
    assert waits == [0.0]


def test_a_server_that_wants_an_hour_is_not_available(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", b"", 503, headers={"Retry-After": "3600"})
    with pytest.raises(ServerUnreachable):
        connection.table("/data/projects")
    assert len(liar.calls("GET /data/projects")) == 1


def test_an_overloaded_server_gets_fewer_requests_at_once(liar: Any, connection: Connection) -> None:
    liar.on("GET /data/projects", b"", 503)
    liar.on("GET /data/projects", LISTING)
    connection.table("/data/projects")
    assert connection._transport.limiter.limit == connection.server.connections // 2


def test_an_address_without_a_slash_is_a_mistake_of_ours(connection: Connection) -> None:
    with pytest.raises(UsageError):
        connection.get_json("data/projects")


def test_the_environments_proxy_is_used_unless_excepted(
    liar: Any, olga: Credential, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", liar.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    dial()
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(XnatTuiError):
        dial(url="http://xnat.invalid")
    assert liar.seen[-1].path.startswith("http://xnat.invalid/")
