"""Web pages where data was asked: XNAT's sign-in page, a proxy's, or a file that really is HTML."""

from __future__ import annotations

import mimetypes
import re

from xnat_tui.errors import BadAnswer, NotXnat, SessionExpired, Unclear, XnatTuiError
from xnat_tui.xnat.http.answers import (
    PAGE_BYTES,
    Answer,
    Expired,
    is_page,
    is_password_page,
    is_sign_in_page,
    password_expired,
)
from xnat_tui.xnat.http.streams import Download

PEEK = 64 * 1024
"""Bytes of a page that are searched for a sign-in form."""
_TABLE = re.compile(rb"\s*<html\s[^>]*>\s*<body[^>]*>\s*<table", re.IGNORECASE)
_HINT = "A proxy may stand in between; open the address in a browser to see it."


class ForeignPage(Expired):
    """A page that is no sign-in page of XNAT's; perhaps that of a proxy in front of it."""


def instead_of_data(page: Answer, what: str) -> XnatTuiError:
    """Expired or PasswordExpired for a page with 200: nothing that is asked for is HTML."""
    if is_password_page(page.body):
        return password_expired()
    if is_sign_in_page(page.body):
        return Expired(f"{what}: the server asks to sign in again.")
    return ForeignPage(f"{what}: a web page came instead of data.", _HINT)


def check_written(answer: Answer, what: str, *, page: bool) -> None:
    """Raises Expired for the sign-in page, and Unclear for another, unless a `page` is what should come.

    XNAT answers some writes with a table in HTML, which begins otherwise, or with nothing, called HTML.
    """
    if answer.status not in (200, 201) or not is_page(answer.content_type, answer.body):
        return
    if is_sign_in_page(answer.body):
        raise Expired("The server asks to sign in again.")
    if is_password_page(answer.body):
        raise password_expired()
    if not page and is_page("", answer.body) and not _TABLE.match(answer.body):
        raise Unclear(
            f"{what}: a web page came instead of an answer: it may not have happened.",
            "Look at the destination before doing it again.",
        )


def begins_in(download: Download) -> bool:
    """Whether what arrives is a web page."""
    beginning = download.peek(200)
    if not beginning.strip():
        beginning = download.peek(PAGE_BYTES)
    return is_page(download.content_type, beginning)


def check_file(download: Download, path: str, what: str) -> None:
    """Raises Expired for the sign-in page, BadAnswer for a page in place of a file that is none by name."""
    if not begins_in(download):
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
