"""What an answer means: its status, whether it is a page where data was asked, and the server's own words."""

from __future__ import annotations

import html
import json
import re
import ssl
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3 import exceptions as urllib3_errors

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    NotXnat,
    PasswordExpired,
    Refused,
    ServerError,
    SignInFailed,
    TlsFailure,
    Unclear,
    XnatTuiError,
)
from xnat_tui.xnat.http.retry import TimedOut, Unavailable, retry_after

WORDS = 300
"""Characters of a server's message that are shown."""
PAGE_BYTES = 4096
"""By then a page has shown that it is one: XNAT's templates begin with many empty lines."""

_REFUSED = frozenset({400, 405, 406, 413, 414, 415, 417, 422})
_BUSY = frozenset({429, 502, 503, 504})
_TITLES = [re.compile(rf"(?is)<{tag}[^>]*>(.*?)</{tag}>") for tag in ("h3", "h1", "title")]
_TAG = re.compile(r"<[^>]*>")
_PASSWORD_PAGE = re.compile(rb"(?i)password (has|is) expired|ChangePassword\.vm|XDATScreen_UpdateUser")
_SIGN_IN_FORM = re.compile(rb"<input[^>]+type=[\"']?password", re.IGNORECASE)
_UNCLEAR_HINT = "Look at the destination before doing it again."


class Expired(XnatTuiError):
    """The server does not know our session any more; never leaves the gateway."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A complete answer. `headers` are found in any case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    def json(self) -> Any:
        """Raises BadAnswer; control characters inside strings are tolerated, XNAT does not escape them."""
        try:
            return json.loads(self.body, strict=False)
        except (ValueError, RecursionError):  # the error would carry the whole document
            pass
        raise BadAnswer(
            "The server's answer is not the JSON that was asked for, or is cut off.",
            "Try again; a proxy may stand between.",
        )

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


def is_page(content_type: str, start: bytes) -> bool:
    """Whether this is an HTML page, by its type or by how it begins."""
    beginning = start[:PAGE_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return beginning.startswith((b"<!doctype html", b"<html")) or content_type.lower().startswith("text/html")


def is_sign_in_page(body: bytes) -> bool:
    """XNAT's login page, which many servers send with 200 once a session has ended
    (`docs/xnat-contract.md` 1.6)."""
    return b"screens/Login.vm" in body or b"template/Login.vm" in body or bool(_SIGN_IN_FORM.search(body))


def is_password_page(body: bytes) -> bool:
    """The page, or the words of a 403, that ask for a new password before anything else."""
    return bool(_PASSWORD_PAGE.search(body))


def password_expired() -> PasswordExpired:
    """What a user is told, however the server says that the password has to be changed."""
    return PasswordExpired("The server wants a new password.", "Sign in with a browser and change it there.")


def check_redirect(location: str) -> None:
    """Raises Expired or PasswordExpired where a redirect leads to XNAT's pages for those."""
    if "Login.vm" in location:
        raise Expired("The server asks to sign in again.")
    if is_password_page(location.encode()):
        raise password_expired()


def check_status(answer: Answer, accepted: Any, what: str, *, writing: bool = False) -> None:
    """Raises for a status that is not accepted; `what` names the request ("Asking lab").

    XNAT says 404 to what may not be read as well as to what is missing, and 401 for an ended session
    (`docs/xnat-contract.md` 0.5).
    A proxy's 502 to 504 leaves open whether a write was carried out.
    """
    status, location = answer.status, answer.headers.get("Location", "")
    if 300 <= status < 400:
        check_redirect(location)
    if status == 401:
        raise Expired("The server asks to sign in again.", status=401)
    if status in accepted:
        return
    if status == 403 and is_password_page(answer.body):
        raise password_expired()
    if status in _BUSY:
        if writing and status != 429:
            raise Unclear(
                f"{what}: {status} came instead of an answer: it may have happened.",
                _UNCLEAR_HINT,
                status=status,
            )
        failure = Unavailable(
            f"{what}: the server is not available now ({status}).", "Try again later.", status=status
        )
        failure.retry_after = retry_after(answer.headers.get("Retry-After"))
        raise failure
    raise _refusal(status, server_words(answer), what)


def _refusal(status: int, words: str, what: str) -> XnatTuiError:
    said = f": {words}" if words else f" ({status})."
    if "justification" in words.lower():
        hint = (
            "This site wants a reason for each change: --event-reason, or event_reason of the saved server."
        )
        return Refused(f"{what}: refused{said}", hint, status=status)
    if status in (404, 410):
        message = f"{what}: not there, or not to be read by this user{said}"
        return NotFound(message, "Check the label and your rights.", status=status)
    if status in (403, 412):
        return Forbidden(f"{what}: not allowed{said}", "Ask its owner for the right.", status=status)
    if status in (409, 423):
        return Conflict(f"{what}: conflict{said}", "Look at what is there now.", status=status)
    if status in _REFUSED:
        return Refused(f"{what}: refused{said}", "The server's own words tell what it wants.", status=status)
    if status >= 500:
        return ServerError(f"{what}: the server failed{said}", "Its log tells more.", status=status)
    if 300 <= status < 400:
        return NotXnat(f"{what}: redirected somewhere else.", "Check the server's address.", status=status)
    message = f"{what}: an answer that was not expected ({status})."
    return BadAnswer(message, "Try again; a proxy may stand between.", status=status)


def server_words(answer: Answer) -> str:
    """The server's message in one short line: the first `<h3>` of an error page, or a plain text
    (`docs/xnat-contract.md` 11.1)."""
    start = answer.body[:20_000].decode("utf-8", "replace")
    if not is_page(answer.content_type, answer.body):
        return plain(start)
    for pattern in _TITLES:
        if found := pattern.search(start):
            return plain(html.unescape(_TAG.sub(" ", found.group(1))))
    return ""


def plain(text: str) -> str:
    """One line without control characters, at most 300 characters."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= WORDS else line[: WORDS - 1] + "…"


def transport_failure(error: BaseException, what: str, *, writing: bool = False) -> XnatTuiError:
    """The user's error for one of requests, urllib3 or the socket.

    None of their texts are passed on: they carry addresses with queries, and proxies with passwords.
    """
    links = list(_chain(error))
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in links):
        return TlsFailure(
            f"{what}: the server's certificate could not be verified{_certificate_reason(links)}.",
            "Give the CA file of the site with the server, or check the address and the clock.",
        )
    plain_os_error = isinstance(error, OSError) and not isinstance(error, requests.RequestException)
    if plain_os_error and getattr(error, "errno", None) is None:
        return TlsFailure(f"{what}: the CA file or folder to verify with is not there.", "Check its path.")
    unsent = any(isinstance(link, _BEFORE_SENDING) for link in links)
    if writing and not unsent:
        return Unclear(
            f"{what}: the connection was lost before the answer: it may have happened.", _UNCLEAR_HINT
        )
    if any(isinstance(link, requests.exceptions.SSLError | ssl.SSLError) for link in links):
        return TlsFailure(f"{what}: no secure connection could be made.", "Check https in the address.")
    if isinstance(error, requests.exceptions.InvalidURL | UnicodeError | ValueError):
        return NotXnat(f"{what}: the address cannot be used.", "Write https://host or https://host/xnat.")
    if _timed_out(links):
        return TimedOut(f"{what}: no answer in time.", "Try again, or check the network.")
    return Unavailable(f"{what}: {_reason(links)}.", "Check the address, the network, a VPN.")


_BEFORE_SENDING = (
    urllib3_errors.NewConnectionError,
    urllib3_errors.ConnectTimeoutError,
    urllib3_errors.ProxyError,
    ssl.SSLCertVerificationError,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidURL,
)


def timed_out(error: BaseException) -> bool:
    """Whether one of requests, urllib3 or the socket waited too long."""
    return _timed_out(list(_chain(error)))


def _timed_out(links: list[BaseException]) -> bool:
    return any(
        isinstance(link, TimeoutError | urllib3_errors.ReadTimeoutError | requests.exceptions.Timeout)
        for link in links
    )


def _reason(links: list[BaseException]) -> str:
    for link in links:
        if isinstance(link, urllib3_errors.NameResolutionError):
            return "the host's name is not known"
        if isinstance(link, ConnectionRefusedError):
            return "nothing answers at this address (connection refused)"
        if isinstance(link, urllib3_errors.ProxyError | requests.exceptions.ProxyError):
            return "the proxy of the environment cannot be used"
    return "the connection could not be made or was lost"


def _certificate_reason(links: list[BaseException]) -> str:
    for link in links:
        if isinstance(link, ssl.SSLCertVerificationError) and link.verify_message:
            return f" ({plain(link.verify_message)})"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def sign_in_refused(words: str) -> SignInFailed:
    """A 401 at sign-in; `words` are the server's own, "" for none."""
    said = f": {words}" if words else "."
    return SignInFailed(
        f"The server does not accept this user and password or token{said}",
        "Check both; a token may have run out, an account may be locked.",
        status=401,
    )
