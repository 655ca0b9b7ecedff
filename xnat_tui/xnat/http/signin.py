"""Finding the server behind an address, and signing in to it (`docs/xnat-contract.md` 1)."""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import MutableMapping
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import requests

from xnat_tui.errors import (
    BadAnswer,
    NotAllowed,
    NotXnat,
    PasswordExpired,
    ServerUnreachable,
    SessionExpired,
    SignInFailed,
    XnatTuiError,
)
from xnat_tui.model.clock import ahead_of_us
from xnat_tui.xnat.http.adapter import SESSION_COOKIE
from xnat_tui.xnat.http.answers import (
    Answer,
    Expired,
    check_status,
    is_page,
    is_sign_in_page,
    plain,
    server_words,
    sign_in_refused,
)
from xnat_tui.xnat.http.retry import is_hiccup
from xnat_tui.xnat.http.streams import Upload, complete
from xnat_tui.xnat.http.transport import CONNECT_SECONDS, READ_SECONDS, REDIRECTS, Transport, log

if TYPE_CHECKING:
    from xnat_tui.credentials import Credential

PAGE_BYTES = 2_000_000
_SECONDS = (CONNECT_SECONDS, READ_SECONDS)
_SESSION_ID = re.compile(r"[A-Za-z0-9._!-]{8,200}")
_NO_XNAT = "Check the address: some sites need a path at its end, such as /xnat."


def sign_in(transport: Transport, server_url: str, credential: Credential | None) -> Any:
    """A new server session, as xnatpy's on top of ours; None is the guest.

    Raises SignInFailed, PasswordExpired, NotXnat, TlsFailure, Interrupted; and ServerUnreachable, which tells
    `unreachable` for an answer that broke off too: a server that goes away while it is asked is gone.
    """
    try:
        find_base(transport)
        transport.auth.session_id = start_session(transport, credential)
        return xnatpy_session(transport, server_url, credential)
    except ServerUnreachable as error:
        if error.status is None and not isinstance(error, NotXnat):
            error.unreachable = transport.name
        raise
    except BadAnswer as error:
        if not is_hiccup(error):
            raise
        gone = ServerUnreachable(error.message, error.hint)
        gone.unreachable = transport.name
        raise gone from None


def find_base(transport: Transport) -> None:
    """Follow the redirects of the server's front page: from http to https, and into a context path.

    Only the same host is believed, and never a step back to http: the password goes where this leads.
    XNAT redirects its front page to `/app/template/...`, or answers it.
    """
    for _ in range(REDIRECTS):
        with closing(transport.send("GET", transport.base + "/", transport.stop)) as response:
            location = response.headers.get("Location", "")
            transport.ahead = ahead_of_us(response.headers.get("Date", ""))
            status = response.status_code
            if status in (502, 503, 504):
                check_status(Answer(status, b""), (), f"Signing in to {transport.name}")
        if status not in (301, 302, 303, 307, 308) or not location:
            return
        here = urlsplit(transport.base)
        try:
            there = urlsplit(urljoin(transport.base + "/", location))
            same_port = there.port is not None and there.port == here.port
        except ValueError:
            return
        if there.hostname != here.hostname:
            return
        upgraded = here.scheme == "http" and there.scheme == "https"
        if upgraded and same_port:
            return
        context, page, _ = _split_page(there.path)
        scheme, netloc = (there.scheme, there.netloc) if upgraded else (here.scheme, here.netloc)
        base = urlunsplit((scheme, netloc, context, "", "")).rstrip("/")
        if base == transport.base:
            return
        transport.base = base
        if page:
            return


def _split_page(path: str) -> tuple[str, str, str]:
    found = re.search(r"/(app|data)/", path)
    if found:
        return path[: found.start()], path[found.start() :], ""
    return path.partition(";")[0], "", ""


def start_session(transport: Transport, credential: Credential | None) -> str:
    """The ID of a new server session: `PUT /data/services/auth` with a form, or for alias tokens and guests
    `GET /data/JSESSION`, with Basic authentication or without.

    Raises SignInFailed, PasswordExpired, NotXnat, ServerUnreachable.
    """
    answer, cookies = _ask(transport, credential)
    what = f"Signing in to {transport.name}"
    words = server_words(answer)
    if answer.status in (404, 405):
        raise NotXnat(f"{what}: there is no XNAT at {transport.base}.", _NO_XNAT, status=answer.status)
    guest_refused = SignInFailed(
        f"{transport.name} lets nobody in without signing in.",
        f"Save it with a user: xnat-tui server add NAME {transport.base} --user USER, "
        "or set XNAT_HOST, XNAT_USER and XNAT_PASS.",
    )
    expired = False
    try:
        check_status(answer, (200,), what)
    except Expired:
        expired = True
    if expired or (is_page(answer.content_type, answer.body) and is_sign_in_page(answer.body)):
        raise guest_refused if credential is None else sign_in_refused(words)
    if is_page(answer.content_type, answer.body):
        raise NotXnat(f"{what}: a web page came instead of XNAT's answer.", _NO_XNAT)
    # The cookie is what the server's load balancer knows; the body is the same ID without it.
    for session_id in (*cookies, answer.text.strip().partition(";")[0]):
        if _SESSION_ID.fullmatch(session_id):
            return session_id
    raise NotXnat(f"{what}: no session came back; this is no XNAT.", _NO_XNAT)


def _ask(transport: Transport, credential: Credential | None) -> tuple[Answer, list[str]]:
    stop, session = transport.stop, transport.base + "/data/JSESSION"
    if credential is None:
        response = transport.send("GET", session, stop, auth=_Nobody())
    elif credential.is_token:
        response = transport.send("GET", session, stop, auth=_basic(credential))
    else:
        length, form = _form(credential, stop)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        address = transport.base + "/data/services/auth"
        response = transport.send(
            "PUT", address, stop, headers=headers, body=form, length=length, auth=_Nobody()
        )
    cookies = [cookie.value or "" for cookie in response.cookies if cookie.name == SESSION_COOKIE]
    return complete(response, stop, f"Signing in to {transport.name}", PAGE_BYTES), cookies


def _form(credential: Credential, stop: threading.Event) -> tuple[int, Upload]:
    """A stream, as a traceback that prints local variables would print the password in a plain body."""
    form = urlencode({"username": credential.user, "password": credential.secret.reveal()}).encode()
    return len(form), Upload(io.BytesIO(form), len(form), None, stop)


def _basic(credential: Credential) -> requests.auth.HTTPBasicAuth:
    return requests.auth.HTTPBasicAuth(credential.user.encode(), credential.secret.reveal().encode())


class _Nobody(requests.auth.AuthBase):
    """Keeps an old session's cookie out of a sign-in."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def xnatpy_session(transport: Transport, server_url: str, credential: Credential | None) -> Any:
    """xnatpy's session on top of ours, its object model not parsed; checks who is signed in.

    `xnat.connect` itself is not used: it takes no CA file, asks on the terminal for a missing password,
    reads ~/.netrc and XNAT_USER for guests, and makes an HTTP session that nobody can interrupt.

    Raises PasswordExpired, SignInFailed, NotXnat, ServerUnreachable.
    """
    import xnat
    from xnat.session import BaseXNATSession

    logger = _XnatpyLog(log)
    failure: XnatTuiError
    try:
        with transport.watching():
            user = xnat.check_auth(
                transport.session,
                server=transport.base,
                user=None,
                jsession=transport.auth.session_id,
                logger=logger,
                timeout=_SECONDS,
            )
            if credential is not None and user == "guest":
                raise sign_in_refused("")
            return BaseXNATSession(
                server=transport.base,
                logger=logger,
                interface=transport.session,
                keepalive=False,
                original_uri=server_url,
                logged_in_user=user,
                default_timeout=_SECONDS,
                jsession=transport.auth.session_id,
            )
    except xnat.exceptions.XNATExpiredCredentialsError:
        failure = PasswordExpired("The password has expired.", "Sign in with a browser and change it there.")
    except xnat.exceptions.XNATLoginFailedError:
        failure = sign_in_refused("")
    except (xnat.exceptions.XNATError, ValueError):
        failure = NotXnat(f"{transport.name} does not say who is signed in; it may be no XNAT.", _NO_XNAT)
    raise failure


class _XnatpyLog(logging.LoggerAdapter[logging.Logger]):
    """xnatpy logs what it also raises, and on a level of its own."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:  # noqa: ARG002 - every level counts as debug
        super().log(logging.DEBUG, msg, *args, **options)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs

    def verbose(self, msg: object, *args: object) -> None:
        self.log(logging.DEBUG, msg, *args)


class Renewal:
    """Signs in again when the server has forgotten the session, whichever thread notices it first."""

    def __init__(self, transport: Transport, credential: Credential | None) -> None:
        self._transport = transport
        self._credential = credential
        self._signing_in = threading.Lock()
        self._refusal: NotAllowed | None = None

    def renew(self, used: str) -> None:
        """One thread signs in for all; those who waited reuse it. A refusal is remembered, so that many
        threads with an old password do not lock the account.

        `used` is the session that was refused. Raises SessionExpired, PasswordExpired, and SignInFailed for
        guests.
        """
        if self._credential is None:
            raise SignInFailed(
                f"{self._transport.name} does not show this to guests.", "Sign in.", status=401
            )
        with self._signing_in:
            if self._transport.auth.session_id != used:
                return
            if self._refusal is None:
                log.info("%s: session expired, signing in again", self._transport.name)
                try:
                    self._transport.auth.session_id = start_session(self._transport, self._credential)
                except PasswordExpired as error:
                    self._refusal = PasswordExpired(error.message, error.hint)
                except (NotAllowed, NotXnat) as error:
                    failure = SessionExpired(
                        f"The session on {self._transport.name} has ended, and signing in again failed: "
                        f"{error.message}",
                        error.hint,
                    )
                    if isinstance(error, NotXnat):  # a page about maintenance, say, locks no account
                        raise failure from None
                    self._refusal = failure
                else:
                    return
            raise type(self._refusal)(self._refusal.message, self._refusal.hint)


def ask_version(transport: Transport) -> str:
    """As the server writes it, "1.8.10"; "" where it does not tell."""
    address, stop = f"{transport.base}/xapi/siteConfig/buildInfo", transport.stop
    try:
        answer = complete(transport.get(address, stop), stop, "", PAGE_BYTES)
        build = answer.json() if answer.status == 200 else {}
    except (BadAnswer, NotAllowed, ServerUnreachable, Expired) as error:
        log.info("%s: version unknown: %s", transport.name, type(error).__name__)
        return ""
    version = build.get("version") if isinstance(build, dict) else ""
    return plain(version) if isinstance(version, str) else ""
