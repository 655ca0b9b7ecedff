"""When to ask again, how long to wait, and how many requests may run at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from xnat_tui.errors import BadAnswer, Interrupted, ServerError, ServerUnreachable, XnatTuiError

ATTEMPTS = 4
"""How often a read is sent at most."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
"""Seconds. A server that asks for more (`Retry-After`) is taken at its word: it is not available now."""
GROW_AFTER = 20
"""Good answers in a row after which one more request may run at once."""


_MEANT = frozenset({501, 505})
"""Errors of the server that say what it cannot do, not what went wrong this time."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long reads are waited for, and how often they are asked again. A test sets a smaller one."""

    tries: int = 3
    """Of a read that is answered with an error of the server, or with what cannot be read. A definite
    refusal (403, 404, 400, 422) is not asked for again."""
    stubborn: int = 3
    """After so many reads of one kind in a row that stayed unreadable, the next get one try: it is meant."""
    seconds: float = 60.0
    """Until the first byte of a document, and between two pieces of it."""
    listing_seconds: float = 120.0
    """The same for listings (`docs/xnat-contract.md` 11.3). XNAT answers them only when the whole join is
    done; a time-out doubles it for all that follow."""
    most_seconds: float = 300.0
    """As far as that grows."""
    halvings: int = 3
    """Into how many parts a bulk question is cut: 2, 4, 8."""
    named_from: int = 25
    """Requests that a fallback costs at least, to be told before it starts."""


class Unavailable(ServerUnreachable):
    """Worth asking again: no connection, 429, 502, 503, 504. `retry_after` seconds as the server wishes."""

    retry_after: float | None = None


class TimedOut(ServerUnreachable):
    """Nothing came within the limit. The server may still be working at it: this is no refusal."""


class Settled(BadAnswer):
    """A wrong answer that would be the same again."""


def is_hiccup(error: XnatTuiError) -> bool:
    """Whether the next answer to the same read may be a good one: 500, or a body that cannot be read."""
    if isinstance(error, ServerError):
        return error.status not in _MEANT
    return isinstance(error, BadAnswer) and not isinstance(error, Settled) and error.status is None


def is_late(error: XnatTuiError) -> bool:
    """Whether an answer took too long: for us, or for a proxy (504)."""
    return isinstance(error, TimedOut) or (isinstance(error, ServerUnreachable) and error.status == 504)


def waiting_time(attempt: int, wish: float | None) -> float | None:
    """Seconds before the next attempt, with jitter; None means give up. `attempt` counts from 1."""
    if attempt >= ATTEMPTS or (wish is not None and wish > LONGEST_WAIT):
        return None
    if wish is not None:
        return wish
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25))  # noqa: S311


def retry_after(header: str | None) -> float | None:
    """Seconds in a `Retry-After` header, given as such or as a date; None where it says nothing usable."""
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (OverflowError, TypeError, ValueError):
        return None


class Limiter:
    """At most `most` requests at once; fewer after `slower`, slowly more again after good answers.

    A thread that holds a slot gets further ones freely: who streams a download into an upload to the
    same server must never wait for itself.
    """

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self.limit = self.most
        self._busy = 0
        self._good = 0
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Raises Interrupted when `stop` is set while waiting."""
        self.acquire(stop)
        try:
            yield
        finally:
            self.release()

    def acquire(self, stop: threading.Event) -> None:
        """Take a slot, for what outlives a block; `release` it in the same thread.

        Raises Interrupted when `stop` is set while waiting.
        """
        depth = getattr(self._mine, "depth", 0)
        if depth == 0:
            with self._changed:
                self._changed.wait_for(lambda: stop.is_set() or self._busy < self.limit)
                if stop.is_set():
                    raise Interrupted("Stopped while waiting for the server.")
                self._busy += 1
        self._mine.depth = depth + 1

    def release(self) -> None:
        """Give back what this thread took last."""
        self._mine.depth -= 1
        if self._mine.depth == 0:
            with self._changed:
                self._busy -= 1
                self._changed.notify()

    def slower(self) -> None:
        """The server is short of breath (429, 503, a time-out)."""
        with self._changed:
            self.limit = max(1, self.limit // 2)
            self._good = 0

    def faster(self) -> None:
        """An answer was good: GROW_AFTER of them in a row let one more request run at once."""
        with self._changed:
            self._good += 1
            if self._good >= GROW_AFTER and self.limit < self.most:
                self.limit += 1
                self._good = 0
                self._changed.notify()

    def wake(self) -> None:
        """Let everyone who waits look at its stop event."""
        with self._changed:
            self._changed.notify_all()
