"""Logging in and out, the session's user, and alias tokens."""

from __future__ import annotations

import secrets
import string
import uuid
from datetime import timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.auth import LOGIN_ADDRESS, PASSWORD_ADDRESS, check_password, new_session
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.records import AliasToken
from xnat_tui.demo.replies import LOGIN_PAGE, Refusal, html, json_reply, text
from xnat_tui.demo.rights import GUEST

_ALPHABET = string.ascii_letters + string.digits


def start_session(call: Call) -> Response:
    """The session ID as plain text; with a cookie the same one again (heartbeat)."""
    session = call.caller.session
    return text(_with_csrf(call, "" if session is None else session.id))


def end_session(call: Call) -> Response:
    session = call.caller.session
    if session is not None:
        call.site.sessions.pop(session.id, None)
    return text("")


def log_in(call: Call) -> Response:
    """``PUT /data/services/auth``: form in, session ID out; 401 bad, 400 unknown provider."""
    name = call.plain.get("username") or call.plain.get("j_username", "")
    password = call.plain.get("password") or call.plain.get("j_password", "")
    for key in ("provider", "login_method", "authenticatorId"):
        if call.plain.get(key, "localdb") not in ("localdb", "xnat", ""):
            raise Refusal(400, "Unknown authentication provider")
    user = check_password(call.site, name, password)
    call.caller.user = user
    call.caller.session = new_session(call.site, user)
    call.caller.fresh = True
    return text(call.caller.session.id)


def whoami(call: Call) -> Response:
    return text(_with_csrf(call, f"User '{call.user.login}' is logged in"))


def issue_token(call: Call) -> Response:
    """A token for the caller; for somebody else only by an admin, never for guests."""
    login = call.path.get("user", call.user.login)
    if call.user.login == GUEST.login or (login != call.user.login and not call.user.admin):
        raise Refusal(403, "Not allowed to issue this token")
    if login not in call.site.users:
        raise Refusal(404, "Unknown user")
    now = call.site.clock()
    token = AliasToken(
        call.site.count("token"),
        str(uuid.uuid4()),
        "".join(secrets.choice(_ALPHABET) for _ in range(64)),
        login,
        now,
        now + timedelta(seconds=call.site.settings.token_lifetime_seconds),
    )
    call.site.tokens[token.alias] = token
    return json_reply(_token_json(token))


def show_tokens(call: Call) -> Response:
    own = [one for one in call.site.tokens.values() if one.login == call.user.login]
    return json_reply([_token_json(one) for one in own])


def validate_token(call: Call) -> Response:
    token = _token(call)
    return json_reply({"valid": token.login if token.secret == call.path["secret"] else None})


def invalidate_token(call: Call) -> Response:
    token = _token(call)
    if token.login != call.user.login and not call.user.admin:
        raise Refusal(403, "Not allowed to invalidate this token")
    del call.site.tokens[token.alias]
    return json_reply({"result": "OK"})


def root(call: Call) -> Response:
    """The start page; clients use it to follow redirects and to be logged in by Basic."""
    name = call.user.login
    shown = f'<a href="/app/template/XDATScreen_UpdateUser.vm">{name}</a>'
    if name == GUEST.login:
        shown = '<span style="color:red;">Guest</span>'
    return html(
        f'<html><body><span id="user_info">Logged in as: &nbsp;{shown}</span></body></html>'
        if name != GUEST.login
        else f'<html><body><span id="user_info">Logged in as: {shown}</span></body></html>'
    )


def login_page(_call: Call) -> Response:
    return html(LOGIN_PAGE)


def password_page(_call: Call) -> Response:
    return html("<html><body><h3>Your password has expired. Please change it.</h3></body></html>")


def routes() -> list[Route]:
    tokens = "/data/services/tokens"
    return [
        route("/", public=True, GET=root),
        route(LOGIN_ADDRESS, public=True, GET=login_page, POST=login_page),
        route(PASSWORD_ADDRESS, public=True, GET=password_page),
        route("/data/JSESSION", GET=start_session, POST=start_session, DELETE=end_session),
        route("/data/services/auth", public=True, PUT=log_in, POST=log_in),
        route("/data/auth", GET=whoami),
        route(f"{tokens}/issue", GET=issue_token),
        route(f"{tokens}/issue/user/{{user}}", GET=issue_token),
        route(f"{tokens}/show", GET=show_tokens),
        route(f"{tokens}/validate/{{alias}}/{{secret}}", GET=validate_token),
        route(f"{tokens}/invalidate/{{alias}}", GET=invalidate_token),
        route(f"{tokens}/invalidate/{{alias}}/{{secret}}", GET=invalidate_token),
    ]


def _with_csrf(call: Call, body: str) -> str:
    session = call.caller.session
    wanted = session is not None and call.flag("CSRF")
    return f"{body}; XNAT_CSRF={session.csrf}" if wanted and session is not None else body


def _token(call: Call) -> AliasToken:
    token = call.site.tokens.get(call.path["alias"])
    if token is None:
        raise Refusal(404, "Unknown alias")
    return token


def _token_json(token: AliasToken) -> dict[str, Any]:
    created = int(token.created.timestamp() * 1000)
    return {
        "alias": token.alias,
        "secret": token.secret,
        "xdatUserId": token.login,
        "singleUse": token.single_use,
        "estimatedExpirationTime": int(token.expires.timestamp() * 1000),
        "validIPAddresses": [],
        "id": token.number,
        "enabled": True,
        "created": created,
        "timestamp": created,
        "disabled": 0,
    }
