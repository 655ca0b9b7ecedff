"""Web pages where data was asked: XNAT's sign-in page, a proxy's, or a file that really is HTML."""

from __future__ import annotations

import mimetypes

from xnat_tui.errors import BadAnswer, NotXnat, SessionExpired, XnatTuiError
from xnat_tui.xnat.answers import (
    Answer,
    Expired,
    is_page,
    is_password_page,
    is_sign_in_page,
    password_expired,
)
from xnat_tui.xnat.streams import Download

PEEK = 64 * 1024
"""Bytes of a page that are searched for a sign-in form."""
_HINT = "A proxy may stand in between; open the address in a browser to see it."


class ForeignPage(Expired):
    """A page that is no sign-in page of XNAT's; perhaps that of a proxy in front of it."""


def check_data(answer: Answer, what: str) -> None:
    """Raises Expired (or PasswordExpired) for any page with 200: nothing that is asked for is HTML."""
    if not is_page(answer.content_type, answer.body):
        return
    if is_password_page(answer.body):
        raise password_expired()
    if is_sign_in_page(answer.body):
        raise Expired(f"{what}: the server asks to sign in again.")
    raise ForeignPage(f"{what}: a web page came instead of data.", _HINT)


def check_sign_in(answer: Answer) -> None:
    """Raises Expired for a sign-in page only: XNAT answers some writes in HTML."""
    if answer.status == 200 and is_page(answer.content_type, answer.body):
        if is_sign_in_page(answer.body):
            raise Expired("The server asks to sign in again.")
        if is_password_page(answer.body):
            raise password_expired()


def check_file(download: Download, path: str, what: str) -> None:
    """Raises Expired for the sign-in page, BadAnswer for a page in place of a file that is none by name."""
    if not is_page(download.content_type, download.peek(200)):
        return
    start = download.peek(PEEK)
    marked = b"/Login.vm" in start
    html_file = mimetypes.guess_type(path.rpartition("/")[2])[0] == "text/html"
    if marked or (not html_file and is_sign_in_page(start)):
        raise Expired(f"{what}: the server asks to sign in again.")
    if download.content_type.lower().startswith("text/html") and not html_file:
        raise BadAnswer(f"{what}: a web page came instead of the file.", _HINT)


def still_expired(error: XnatTuiError, what: str) -> XnatTuiError:
    """What it is called when signing in again did not help."""
    if isinstance(error, ForeignPage):
        return NotXnat(error.message, error.hint)
    return SessionExpired(f"{what}: signed in again, and still asked to sign in.", "Sign in anew.")
