"""Trouble on order: what tests make the server do wrong, and the log of what it was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A status with an HTML page; ``retry_after`` seconds go into the header."""

    status: int = 500
    message: str = "Simulated failure"
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class CutDownload:
    """The connection closes after this many body bytes of the answer."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CutUpload:
    """The connection closes after this many body bytes of the request; nothing is done."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """The body ends early but cleanly, chunked: a zip that fails in mid-stream."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer in place of the real one; nothing is done."""

    body: str | bytes = ""
    status: int = 200
    media_type: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoginPage:
    """200 with the HTML login page."""


@dataclass(frozen=True, slots=True)
class WriteThenDrop:
    """The request is carried out, then the connection closes without an answer."""


@dataclass(frozen=True, slots=True)
class WriteThenError:
    """The request is carried out, and answered with an error's page: something after it went wrong."""

    status: int = 500
    message: str = "Simulated failure"


@dataclass(frozen=True, slots=True)
class WrongBytes:
    """The first byte of every piece of the answer's body is another one."""


@dataclass(frozen=True, slots=True)
class ExpireSession:
    """All server sessions end before the request is looked at."""


@dataclass(frozen=True, slots=True)
class Late:
    """The right answer, and nothing of it before these many seconds: a join that takes its time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer until the client gives up or the server stops."""


Action = (
    ErrorPage
    | CutDownload
    | CutUpload
    | Truncate
    | Answer
    | LoginPage
    | WriteThenDrop
    | WriteThenError
    | WrongBytes
    | ExpireSession
    | Late
    | Hang
)

EMPTY_BODY = Answer()
"""200 and no body; for a write: 200 and nothing done."""
EMPTY_RESULT = Answer('{"ResultSet":{"Result":[],"totalRecords":"0"}}', 200, "application/json")
NO_RESULT_SET = Answer('{"items":[]}', 200, "application/json")
DO_NOTHING = EMPTY_BODY


def redirect(location: str, status: int = 302) -> Answer:
    return Answer("", status, headers=(("Location", location),))


@dataclass(slots=True)
class Fault:
    """An action for requests whose ``METHOD /path?query`` matches; counts are of matches."""

    pattern: re.Pattern[str]
    action: Action
    times: int | None
    after: int
    seen: int = 0
    fired: int = 0


@dataclass(slots=True)
class Faults:
    """The faults in force: ``latency`` in seconds per request, ``bandwidth`` in bytes per second.

    Both are off at 0. ``stopping`` frees hanging requests.
    """

    latency: float = 0.0
    bandwidth: float = 0.0
    stopping: bool = False
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, match: str, action: Action, *, times: int | None = None, after: int = 0) -> Fault:
        """Order a fault: ``match`` is searched in ``METHOD /path?query`` (without context path).

        The first ``after`` matching requests pass, the next ``times`` (None: all) are hit.
        """
        fault = Fault(re.compile(match), action, times, after)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults, latency and bandwidth included."""
        with self._lock:
            self._faults.clear()
        self.latency = self.bandwidth = 0.0

    def take(self, request_line: str) -> Action | None:
        """The action for a request; taking it counts."""
        with self._lock:
            for fault in self._faults:
                if not fault.pattern.search(request_line):
                    continue
                fault.seen += 1
                spent = fault.times is not None and fault.fired >= fault.times
                if fault.seen > fault.after and not spent:
                    fault.fired += 1
                    return fault.action
        return None


@dataclass(slots=True)
class Logged:
    """One request; status 0 means that the connection was dropped. Bytes grow while it is answered.

    ``path`` is without the context path and percent-encoded as sent; ``user`` "" when unknown.
    """

    method: str
    path: str
    query: str
    status: int = 0
    user: str = ""
    request_bytes: int = 0
    response_bytes: int = 0


class RequestLog:
    """The requests a server has begun to answer, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Logged] = []
        self._lock = threading.Lock()
        self._under_way = 0
        self.most_at_once = 0
        """The greatest number of requests that had come and were not answered whole yet."""

    def came(self) -> None:
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)

    def left(self) -> None:
        with self._lock:
            self._under_way -= 1

    def __iter__(self) -> Iterator[Logged]:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Logged) -> None:
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.most_at_once = self._under_way

    def count(self, method: str | None = None, path_prefix: str | None = None) -> int:
        return sum(
            (method is None or entry.method == method)
            and (path_prefix is None or entry.path.startswith(path_prefix))
            for entry in self
        )
