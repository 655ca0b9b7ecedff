"""Long work of the server on one received session, watched in the prearchive's list until it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Interrupted,
    NotFound,
    ServerError,
    ServerUnreachable,
    Unclear,
    XnatTuiError,
)
from xnat_tui.model.prearchive import Received
from xnat_tui.xnat.actions import prearchive as wire
from xnat_tui.xnat.http.connection import Connection

POLL_SECONDS = 2.0
WATCH_SECONDS = 3600.0
"""How long work on one session is watched before it is left to itself."""
UNSEEN_LOOKS = 5
"""So many looks in a row at a list that cannot be read end a watch; what the server does is unknown then."""
UNCHANGED_LOOKS = 3
"""So many looks that show no work on a session after a lost answer mean that none was begun."""


def send_and_watch(
    connection: Connection,
    one: Received,
    send: Callable[[], object],
    stop: threading.Event,
    *,
    stays: bool = False,
) -> None:
    """Send, then look until the session has left its place, or with `stays` until it is at rest there.

    What the list shows decides, not the answer: XNAT answers 500 to its own time-out as well as to a failure
    (`docs/xnat-contract.md` 6.4). Raises what the server said where the session is still there, with the last
    line of its log; Unclear after WATCH_SECONDS; Interrupted when `stop` is set, and the server's work goes
    on then.
    """
    failure: XnatTuiError | None = None
    try:
        send()
    except (ServerError, Unclear, Conflict, ServerUnreachable) as error:
        failure = error
    waited, unchanged, unseen = 0.0, 0, 0
    while True:
        now = None
        try:
            now = wire.session(connection, one)
        except NotFound:
            if stays:
                raise
            return
        except (BadAnswer, ServerError, ServerUnreachable) as error:
            unseen += 1
            if unseen >= UNSEEN_LOOKS:
                raise _unseen(error) from None
        if now is not None:
            unseen = 0
            unchanged = unchanged + 1 if now.settled else 0
            if now.settled and stays and failure is None:
                _check_built(connection, now)
                return
            if unchanged >= (UNCHANGED_LOOKS if isinstance(failure, Unclear) else 1):
                raise _stuck(connection, one, now, failure)
        if waited >= WATCH_SECONDS:
            raise Unclear(f"It is still {(now or one).status} on the server.", "Look at the list later.")
        if stop.wait(POLL_SECONDS):
            raise Interrupted("Stopped watching; the server goes on with it.", "Look at the list later.")
        waited += POLL_SECONDS


def _unseen(error: XnatTuiError) -> Unclear:
    return Unclear(
        f"The prearchive cannot be read, and the server may still be at it. {error.message}",
        "Look at the list later, before repeating it.",
    )


def _check_built(connection: Connection, now: Received) -> None:
    if now.status == "ERROR":
        raise Conflict("It cannot be built: " + (wire.last_log(connection, now) or "no reason told."))


def _stuck(
    connection: Connection, before: Received, now: Received, failure: XnatTuiError | None
) -> XnatTuiError:
    """Why a session is still there and nobody works on it."""
    told = ""
    if now.status in ("CONFLICT", "ERROR"):
        try:
            told = wire.last_log(connection, now)
        except XnatTuiError as error:
            told = f"its log cannot be read: {error.message}"
    if failure is not None:
        if not told or told.partition(": ")[2] in failure.message:
            return failure
        return type(failure)(f"{failure.message} ({told})", failure.hint, status=failure.status)
    if told and now.status != before.status:
        return Conflict(f"It is {now.status} now: {told}", "See: xnat-tui prearchive show")
    return BadAnswer(
        f"The server said that it was done, and the session is still there ({now.status}).", "Reload."
    )
