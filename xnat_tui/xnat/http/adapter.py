"""What stands between `requests` and the wire: counted requests, known sockets, one session cookie."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from http.cookiejar import Cookie, DefaultCookiePolicy
from io import BufferedReader
from typing import Any, cast
from urllib.request import Request
from weakref import WeakSet

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from xnat_tui.xnat.http.addresses import Origin, origin

SESSION_COOKIE = "JSESSIONID"
BLOCK = 256 * 1024
"""Bytes read from an upload's body at a time."""
AHEAD = 64 * 1024
"""Bytes of an answer that are taken from the socket at once, where it sends them in small chunks."""

_BETWEEN_CHUNKS = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n")


class Sockets:
    """Every socket of a connection to one server, so that threads blocked on them can be freed.

    Closing a response in another thread frees nobody; only `shutdown` wakes a blocked read.
    """

    def __init__(self) -> None:
        self._all: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, stop: threading.Event) -> Iterator[None]:
        """Sockets that this thread opens belong here, and fall at once where `stop` is set already."""
        before = getattr(_current, "watch", None)
        _current.watch = (self, stop)
        try:
            yield
        finally:
            _current.watch = before

    def add(self, opened: socket.socket, stop: threading.Event) -> None:
        """Watch one more; it falls at once where `stop` is set already."""
        with self._lock:
            self._all.add(opened)
        if stop.is_set():
            _shut(opened)

    def shutdown(self) -> None:
        """Wake every thread that reads from one of them or writes to it: what it does then fails."""
        with self._lock:
            for opened in self._all:
                _shut(opened)


_current = threading.local()


def _shut(opened: socket.socket) -> None:
    # SSLSocket.shutdown drops the TLS layer under the reading thread; the plain one leaves it to see the end.
    with suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _register(opened: Any) -> None:
    watch = getattr(_current, "watch", None)
    if watch is not None and isinstance(opened, socket.socket):
        sockets, stop = watch
        sockets.add(opened, stop)


class Reply(HTTPResponse):
    """An answer whose chunks are given out several at once: Tomcat makes them of 8 kB."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = cast(BufferedReader, sock.makefile("rb", AHEAD))

    def read1(self, n: int = -1) -> bytes:
        """Up to `n` bytes, as they come."""
        first = super().read1(n)
        if not first or not self.chunked or self.chunk_left != 0:
            return first
        following = self._whole_chunks(n - len(first))
        return b"".join((first, *following)) if following else first

    def _whole_chunks(self, most: int) -> list[memoryview]:
        """Those that have come whole after the one that was just read; what is odd is left to the library."""
        ahead, place = self.fp.peek(1), 0
        found: list[memoryview] = []
        while between := _BETWEEN_CHUNKS.match(ahead, place):
            size, start = int(between[1], 16), between.end()
            if not 0 < size <= min(most, len(ahead) - start):
                break
            found.append(memoryview(ahead)[start : start + size])
            most -= size
            place = start + size
        self.fp.read(place)
        return found


class _PlainConnection(HTTPConnection):
    response_class = Reply

    def connect(self) -> None:
        super().connect()
        _register(self.sock)


class _TlsConnection(HTTPSConnection):
    response_class = Reply

    def connect(self) -> None:
        super().connect()
        _register(self.sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    def _validate_conn(self, conn: Any) -> None:
        # The parent also warns on stderr for each request of a server whose certificate is not to be checked.
        if conn.is_closed:
            conn.connect()


_POOLS = {"http": _PlainPool, "https": _TlsPool}


class Adapter(HTTPAdapter):
    """Counts what it sends, redirects and sign-ins included, and opens sockets that are known.

    Whoever made a request, and whatever it was redirected from: nothing that signs in leaves `home`.
    """

    def __init__(self, connections: int) -> None:
        self.sent = 0
        self.home: Origin | None = None
        """The scheme, host and port that session, cookies and passwords are for."""
        self._lock = threading.Lock()
        # A thread may stream a download into an upload to the same server: two sockets each.
        super().__init__(pool_connections=4, pool_maxsize=2 * max(1, connections))

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Pools whose sockets are known, and which send bodies BLOCK bytes at a time."""
        super().init_poolmanager(connections, maxsize, block, blocksize=BLOCK, **options)
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same behind a proxy; but a SOCKS proxy has pools of its own, whose sockets are not known."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = dict(_POOLS)
        return manager

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Counted, and without what signs in where it does not go to `home`."""
        with self._lock:
            self.sent += 1
        if origin(request.url or "") != self.home:
            for name in ("Cookie", "Authorization"):
                request.headers.pop(name, None)
        return super().send(request, *args, **options)


class OneSession(DefaultCookiePolicy):
    """Keeps cookies (of load balancers, say) but never a JSESSIONID, and none of another port.

    Any answer may carry one, and in a jar that all threads share it would turn them all into guests.
    """

    home: Origin | None = None

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Whether a cookie is kept."""
        if cookie.name.upper() == SESSION_COOKIE or origin(request.get_full_url()) != self.home:
            return False
        return super().set_ok(cookie, request)


class SessionAuth(AuthBase):
    """Sends the server session that was signed in, and nothing else that could sign in."""

    def __init__(self, session_id: str = "") -> None:
        self.session_id = session_id

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.session_id:
            others = request.headers.get("Cookie")
            own = f"{SESSION_COOKIE}={self.session_id}"
            request.headers["Cookie"] = f"{others}; {own}" if others else own
        return request

    def __repr__(self) -> str:
        return "<SessionAuth>"
