"""An XNAT that lies on order, on the loopback: what no well-behaved server can be made to do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.xnat.http.connection import Connection

LOGIN_PAGE = (
    b'<!DOCTYPE html>\n<html><body><!-- BEGIN xnat-templates/screens/Login.vm --><form name="form1">'
    b'<input name="password" type="password"/></form></body></html>'
)


@dataclass
class Reply:
    """`announced`: a Content-Length that is a lie; `drop`: closed before any answer; `raw`: these bytes in
    place of an answer, and the connection reset; `itself`: what comes without an order; `hold` and
    `stall` are waited for, before the answer and after its body."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    chunked: bool = False
    drop: bool = False
    raw: bytes | None = None
    itself: bool = False
    hold: threading.Event | None = None
    stall: threading.Event | None = None


@dataclass
class Seen:
    method: str
    path: str
    headers: Any
    body: bytes


class Liar:
    """`on` orders replies to a route, one after the other; the last one stays. Sign-in works by itself."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.sessions: set[str] = set()
        self.expired = Reply(401, b"<html><h3>Unauthorized</h3></html>", "text/html")
        self.always: Reply | None = None
        """The answer to everything but signing in and out."""
        self.date = ""
        """What it calls the time; "" is the right one."""
        self.password = "pa&ss wörd"
        self.arrived = threading.Semaphore(0)
        self._orders: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self._issued = 0

    url: str = ""
    server: ThreadingHTTPServer

    def on(self, route: str, body: bytes | str = b"", status: int = 200, **more: Any) -> Reply:
        reply = Reply(status, body.encode() if isinstance(body, str) else body, **more)
        self._orders.setdefault(route, []).append(reply)
        return reply

    def calls(self, route: str) -> list[Seen]:
        return [one for one in self.seen if f"{one.method} {one.path.partition('?')[0]}" == route]

    def forget_sessions(self) -> None:
        self.sessions.clear()

    def reply_to(self, seen: Seen) -> Reply:
        route = f"{seen.method} {seen.path.partition('?')[0]}"
        with self._lock:
            self.seen.append(seen)
            orders = self._orders.get(route)
            if orders and route in _OPEN:
                reply = orders.pop(0) if len(orders) > 1 else orders[0]
                if not reply.itself:
                    return reply
            if route in _OPEN or route == "GET /data/JSESSION":
                return self._open(route, seen)
            if self._session(seen) not in self.sessions:
                return self.expired
            if orders:
                return orders.pop(0) if len(orders) > 1 else orders[0]
            if self.always is not None and route not in _SIGNING:
                return self.always
            return self._own(route, seen)

    def _open(self, route: str, seen: Seen) -> Reply:
        if route == "PUT /data/services/auth":
            good = seen.body == b"username=olga&password=pa%26ss+w%C3%B6rd"
            return (
                self._start() if good else Reply(401, b"<html><h3>Bad credentials</h3></html>", "text/html")
            )
        if route == "GET /data/JSESSION":
            if self._session(seen) in self.sessions:
                return Reply(200, self._session(seen).encode(), "text/plain")
            return self._start() if "Authorization" in seen.headers else self.expired
        return Reply(200, b"<html>front page</html>", "text/html")

    def _start(self) -> Reply:
        self._issued += 1
        session = f"SESSION{self._issued:05}"
        self.sessions.add(session)
        cookie = {"Set-Cookie": f"JSESSIONID={session}; Path=/; HttpOnly"}
        return Reply(200, session.encode(), "text/plain", cookie)

    def _own(self, route: str, seen: Seen) -> Reply:
        if route == "GET /data/auth":
            return Reply(200, b"User 'olga' is logged in", "text/plain")
        if route == "GET /xapi/siteConfig/buildInfo":
            return Reply(200, b'{"version": "1.8.10"}')
        if route == "DELETE /data/JSESSION":
            self.sessions.discard(self._session(seen))
            return Reply()
        return Reply(404, b"<html><h3>Unable to find it</h3></html>", "text/html")

    @staticmethod
    def _session(seen: Seen) -> str:
        cookies = seen.headers.get("Cookie", "").split("; ")
        return next((one.partition("=")[2] for one in cookies if one.startswith("JSESSIONID=")), "")


_OPEN = ("GET /", "PUT /data/services/auth")
_SIGNING = ("GET /data/auth", "GET /xapi/siteConfig/buildInfo", "DELETE /data/JSESSION")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    liar: Liar

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        seen = Seen(self.command, self.path, self.headers, body)
        reply = self.liar.reply_to(seen)
        self.liar.arrived.release()
        if reply.hold is not None:
            reply.hold.wait(20)
        if reply.drop or reply.raw is not None:
            self.close_connection = True
            self.wfile.write(reply.raw or b"")
            if reply.raw is not None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(reply.body), reply.body))
            return
        announced = len(reply.body) if reply.announced is None else reply.announced
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.stall is not None:
            reply.stall.wait(20)
        self.close_connection = announced != len(reply.body)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the library's names

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.liar.date or super().date_time_string(timestamp)

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True


@contextmanager
def running() -> Iterator[Liar]:
    one = Liar()
    handler = type("Handler", (_Handler,), {"liar": one})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    one.server = server
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def liar() -> Iterator[Liar]:
    with running() as one:
        yield one


@pytest.fixture
def neighbour() -> Iterator[Liar]:
    """Another program on another port of the same host."""
    with running() as one:
        yield one


@pytest.fixture
def olga(liar: Liar) -> Credential:
    return Credential("olga", Secret(liar.password), "test")


@pytest.fixture
def dial(liar: Liar, olga: Credential) -> Iterator[Callable[..., Connection]]:
    """Opens connections to the liar that are closed at the end; keywords are those of Server."""
    with ExitStack() as opened:

        def dial_one(credential: Credential | None = olga, **settings: Any) -> Connection:
            server = Server("lab", settings.pop("url", liar.url), **settings)
            return opened.enter_context(Connection.open(server, credential))

        yield dial_one


@pytest.fixture
def connection(dial: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
    return dial()
