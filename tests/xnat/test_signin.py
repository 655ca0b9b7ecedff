from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.errors import (
    NotXnat,
    PasswordExpired,
    ServerUnreachable,
    SignInFailed,
    TlsFailure,
    XnatTuiError,
)
from xnat_tui.xnat.http.connection import Connection

Dial = Callable[..., Connection]


def test_signing_in_takes_five_requests_and_tells_user_and_version(liar: Any, dial: Dial) -> None:
    connection = dial()
    assert (connection.user, connection.version, connection.version_tuple) == ("olga", "1.8.10", (1, 8, 10))
    assert connection.requests == len(liar.seen) == 5
    assert connection.url == liar.url


def test_closing_logs_out(liar: Any, dial: Dial) -> None:
    connection = dial()
    connection.close()
    connection.close()
    assert len(liar.calls("DELETE /data/JSESSION")) == 1
    assert not liar.sessions
    with pytest.raises(ServerUnreachable, match="closed"):
        connection.get_json("/data/projects")


@pytest.mark.parametrize(
    ("body", "version", "numbers"),
    [
        (b'{"version": "1.10.0-RC2"}', "1.10.0-RC2", (1, 10, 0)),
        (b'{"version": "1.9.2.1"}', "1.9.2.1", (1, 9, 2, 1)),
        (b'{"version": null}', "", (1, 7)),
        (b"no json", "", (1, 7)),
        (b"[]", "", (1, 7)),
    ],
)
def test_odd_versions(liar: Any, dial: Dial, body: bytes, version: str, numbers: tuple[int, ...]) -> None:
    liar.on("GET /xapi/siteConfig/buildInfo", body)
    connection = dial()
    assert (connection.version, connection.version_tuple) == (version, numbers)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_version_that_is_refused_does_not_stop_the_sign_in(liar: Any, dial: Dial, status: int) -> None:
    liar.on("GET /xapi/siteConfig/buildInfo", b"", status)
    assert dial().version_tuple == (1, 7)


def test_a_redirected_front_page_gives_the_context_path(liar: Any, dial: Dial) -> None:
    liar.on("GET /", b"", 302, headers={"Location": "/xnat/app/template/Login.vm;jsessionid=1"})
    with pytest.raises(SignInFailed):
        dial()
    assert liar.seen[-1].path.startswith("/xnat/data/services/auth")


def test_the_password_never_goes_to_another_host(liar: Any, dial: Dial) -> None:
    liar.on("GET /", b"", 302, headers={"Location": "http://localhost:9/app/template/Login.vm"})
    assert dial().url == liar.url


def test_an_alias_token_signs_in_with_basic_authentication_once(liar: Any, dial: Dial) -> None:
    token = Credential("0a1b2c3d-0000-4000-8000-0123456789ab", Secret("s3cret"), "test", True)
    connection = dial(token)
    liar.on("GET /data/projects", b"{}")
    connection.get_json("/data/projects")
    signed = [one for one in liar.seen if "Authorization" in one.headers]
    assert [one.path for one in signed] == ["/data/JSESSION"]
    assert connection.user == "olga"


def test_the_guest_sends_no_credentials_whatever_the_environment_holds(
    liar: Any, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_USER", "olga")
    monkeypatch.setenv("XNAT_PASS", liar.password)
    with pytest.raises(SignInFailed, match="without signing in"):
        dial(None)
    assert liar.seen
    assert all("Authorization" not in one.headers and one.method == "GET" for one in liar.seen)


def test_a_wrong_password_is_said_in_the_servers_words_and_never_shown(liar: Any, dial: Dial) -> None:
    with pytest.raises(SignInFailed, match="Bad credentials") as caught:
        dial(Credential("olga", Secret("hunter" * 3), "test"))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "hunterhunter" not in shown


def test_a_lost_connection_during_sign_in_shows_no_password(liar: Any, dial: Dial) -> None:
    liar.on("PUT /data/services/auth", drop=True)
    with pytest.raises(ServerUnreachable) as caught:
        dial(Credential("olga", Secret("hunter" * 3), "test"))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "hunterhunter" not in shown


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status": 403, "body": "<html><h3>Your password has expired.</h3>"}, PasswordExpired),
        ({"status": 302, "headers": {"Location": "/app/template/ChangePassword.vm"}}, PasswordExpired),
        ({"status": 302, "headers": {"Location": "/app/template/Login.vm"}}, SignInFailed),
        ({"status": 404, "body": "<html><title>nothing</title>"}, NotXnat),
        ({"status": 200, "body": "<!DOCTYPE html><p>Welcome to nginx", "content_type": "text/html"}, NotXnat),
        ({"status": 200, "body": '{"ok": true}'}, NotXnat),
        ({"status": 503, "body": "busy"}, ServerUnreachable),
    ],
)
def test_what_signing_in_meets(
    liar: Any, dial: Dial, reply: dict[str, Any], error: type[XnatTuiError]
) -> None:
    liar.on("PUT /data/services/auth", **reply)
    with pytest.raises(error) as caught:
        dial()
    assert caught.value.message
    assert caught.value.hint


def test_a_sign_in_page_with_200_is_a_refusal(liar: Any, dial: Dial) -> None:
    page = liar.expired.body + b'<input type="password">'
    liar.on("PUT /data/services/auth", page, content_type="text/html")
    with pytest.raises(SignInFailed):
        dial()


def test_a_server_that_does_not_say_who_is_signed_in_is_no_xnat(liar: Any, dial: Dial) -> None:
    liar.on("GET /data/auth", b"hello")
    with pytest.raises(NotXnat, match="who is signed in"):
        dial()
    assert not liar.sessions


def test_being_signed_in_as_guest_is_not_being_signed_in(liar: Any, dial: Dial) -> None:
    liar.on("GET /data/auth", b"User 'guest' is logged in")
    with pytest.raises(SignInFailed):
        dial()


def test_nothing_listens(liar: Any, olga: Credential) -> None:
    with pytest.raises(ServerUnreachable, match="connection refused"):
        Connection.open(Server("lab", "http://127.0.0.1:9"), olga)


def test_tls_where_there_is_none(liar: Any, olga: Credential) -> None:
    with pytest.raises(TlsFailure):
        Connection.open(Server("lab", liar.url.replace("http:", "https:")), olga)


def test_neither_password_nor_session_is_in_a_repr(dial: Dial, liar: Any) -> None:
    connection = dial()
    shown = repr(vars(connection)) + repr(vars(connection._transport))
    assert "SESSION0" not in shown
    assert liar.password not in shown


_CUT = {"body": b"SESS", "announced": 200}


@pytest.mark.parametrize(
    ("route", "lost"),
    [
        ("GET /", {"drop": True}),
        ("PUT /data/services/auth", {"drop": True}),
        ("PUT /data/services/auth", _CUT),
        ("GET /data/auth", {"drop": True}),
        ("GET /data/auth", _CUT),
    ],
)
def test_a_server_that_goes_while_it_signs_somebody_in_is_one_that_cannot_be_reached(
    liar: Any, dial: Dial, route: str, lost: dict[str, Any]
) -> None:
    liar.on(route, **lost)
    with pytest.raises(ServerUnreachable) as caught:
        dial()
    assert caught.value.unreachable == "lab"


def test_a_servers_wrong_clock_is_known_once_it_is_signed_in_to(liar: Any, dial: Dial) -> None:
    assert dial().clock.ahead == timedelta(0)
    liar.date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    assert abs(dial().clock.ahead - timedelta(hours=2)) < timedelta(seconds=10)
