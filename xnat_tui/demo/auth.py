"""Who is asking: Basic, cookie, alias token or guest, and what the unauthenticated get."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from xnat_tui.demo.records import Session, User
from xnat_tui.demo.replies import LOGIN_PAGE, Refusal
from xnat_tui.demo.rights import GUEST
from xnat_tui.demo.site import Site

BROWSER = re.compile("MSIE|Mozilla|AppleWebKit|Opera")
LOGIN_ADDRESS = "/app/template/Login.vm"
PASSWORD_ADDRESS = "/app/template/ChangePassword.vm"  # noqa: S105 - an address
CHALLENGE = 'Basic realm="XNAT Protected Area"'


class LoginPage(Refusal):
    """The login page with 200, as some servers answer an expired session."""


@dataclass(slots=True)
class Caller:
    """The user of a request and the server session that answers it (None: no cookie is sent)."""

    user: User
    session: Session | None
    fresh: bool = False

    def set_cookies(self, site: Site, response: Response) -> None:
        """JSESSIONID for a new session, and on every answer SESSION_EXPIRATION_TIME, in quotes."""
        if self.session is None or self.session.id not in site.sessions:
            return
        path = site.settings.context_path or "/"
        if self.fresh:
            response.headers.append("Set-Cookie", f"JSESSIONID={self.session.id}; Path={path}; HttpOnly")
        now = int(time.time() * 1000)
        interval = int(site.settings.session_timeout_seconds * 1000)
        response.headers.append("Set-Cookie", f'SESSION_EXPIRATION_TIME="{now},{interval}"; Path={path}')


def authenticate(site: Site, request: Request, *, public: bool) -> Caller:
    """The caller of a request, or the refusal that an unauthenticated one meets."""
    session = _live_session(site, request.cookies.get("JSESSIONID", ""))
    browser = bool(BROWSER.search(request.headers.get("user-agent", "")))
    login = _basic(request.headers.get("authorization", ""))
    if login is not None:
        user = check_password(site, *login)
        if session is not None and session.login == user.login:
            return Caller(user, session)
        return Caller(user, new_session(site, user), fresh=True)
    if session is not None:
        user = site.users.get(session.login, GUEST)
        if user.password_expired and not public:
            raise Refusal(302, "Password expired", Location=_page(site, PASSWORD_ADDRESS))
        if browser and request.method in ("POST", "PUT", "DELETE"):
            _check_csrf(request, session)
        return Caller(user, session)
    if public:
        return Caller(GUEST, None)
    return _anonymous(site, request, browser)


def check_password(site: Site, name: str, password: str) -> User:
    """The account of a login or alias token; 401 for anything wrong, 403 for an old password."""
    login = name.rsplit("/", 1)[-1]
    token = site.tokens.get(login)
    if token is not None:
        valid = token.secret == password and token.expires > site.clock()
        user = site.users.get(token.login) if valid else None
        if valid and token.single_use:
            del site.tokens[login]
    else:
        user = site.users.get(login)
        if user is not None and user.password != password:
            user = None
    if user is None or not user.enabled:
        raise unauthorized()
    if user.password_expired:
        raise Refusal(403, "Your password has expired. Please log in and change it.")
    if not site.settings.initialized:
        raise Refusal(403, "Site has not yet been configured")
    return user


def new_session(site: Site, user: User) -> Session:
    """A server session of a user; 401 beyond the number that one user may have."""
    now, limit = time.monotonic(), site.settings.session_timeout_seconds
    own = [one for one in site.sessions.values() if one.login == user.login]
    live = [one for one in own if now - one.last_activity <= limit]
    if user is not GUEST and len(live) >= site.settings.concurrent_max_sessions:
        raise unauthorized("Maximum sessions for this principal exceeded")
    session = Session(secrets.token_hex(16).upper(), user.login, time.monotonic())
    session.csrf = secrets.token_hex(16)
    site.sessions[session.id] = session
    return session


def unauthorized(message: str = "Unauthorized") -> Refusal:
    return Refusal(401, message, WWW_Authenticate=CHALLENGE)


def _anonymous(site: Site, request: Request, browser: bool) -> Caller:
    if not site.settings.initialized:
        raise Refusal(403, "Site has not yet been configured")
    if not site.settings.require_login:
        return Caller(GUEST, new_session(site, GUEST), fresh=True)
    if browser:
        raise Refusal(302, "Login required", Location=_page(site, LOGIN_ADDRESS))
    if request.cookies.get("JSESSIONID") and site.settings.expired_answer == "login":
        raise LoginPage(200, LOGIN_PAGE)
    raise unauthorized()


def _live_session(site: Site, session_id: str) -> Session | None:
    session = site.sessions.get(session_id)
    if session is None:
        return None
    now = time.monotonic()
    if now - session.last_activity > site.settings.session_timeout_seconds:
        del site.sessions[session_id]
        return None
    if session.login != GUEST.login and not _enabled(site, session.login):
        return None
    session.last_activity = now
    return session


def _enabled(site: Site, login: str) -> bool:
    user = site.users.get(login)
    return user is not None and user.enabled


def _check_csrf(request: Request, session: Session) -> None:
    if request.query_params.get("XNAT_CSRF") != session.csrf:
        raise Refusal(403, "Invalid CSRF token")


def _page(site: Site, address: str) -> str:
    return f"{site.settings.context_path}{address}"


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise unauthorized() from error
    return name, password
