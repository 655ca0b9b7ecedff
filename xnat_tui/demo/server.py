"""The server that a test or the demonstration starts: uvicorn in a thread, on the loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from xnat_tui.demo.application import create_application
from xnat_tui.demo.faults import Faults, RequestLog
from xnat_tui.demo.site import Site
from xnat_tui.demo.transport import Connections

START_SECONDS = 15.0
POLL_SECONDS = 0.005


_TURNS = 5


class _Server(uvicorn.Server):
    """uvicorn's server, told to stop instead of looking ten times a second: tests start hundreds of them."""

    _told: asyncio.Event
    _loop: asyncio.AbstractEventLoop

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_loop = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        self.started_loop.set()
        while not self._told.is_set():
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := self.server_state.tasks:
            _, late = await asyncio.wait(tasks, timeout=self.config.timeout_graceful_shutdown)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        quiet = 0
        while quiet < _TURNS:
            going = [one for one in self._transports() if not one.is_closing()]
            quiet = 0 if going or self.server_state.connections else quiet + 1
            for transport in self._transports():
                transport.abort()  # a connection says so itself when its transport is closed
            await asyncio.sleep(0)

    def _transports(self) -> list[asyncio.WriteTransport]:
        """All that the loop knows: what was accepted last is nobody's connection yet, and would stay open."""
        known = getattr(self._loop, "_transports", None)  # of loops on selectors; others have no such window
        own = [one.transport for one in self.server_state.connections]
        return [*dict.fromkeys([*own, *(known.values() if known is not None else ())])]

    def stop(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._told.set)


class DemoServer:
    """A site behind HTTP on 127.0.0.1; ``port`` 0 takes a free one and keeps it on ``restart``.

    Use it as a context manager or with ``start`` and ``stop``. ``requests`` logs what was asked,
    ``faults`` orders trouble. Sessions live in the site and are lost by ``restart``.
    """

    def __init__(self, site: Site, *, port: int = 0) -> None:
        self.site = site
        self.requests = RequestLog()
        self.faults = Faults()
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address with the context path and without a trailing slash."""
        return f"http://127.0.0.1:{self._port}{self.site.settings.context_path}"

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> DemoServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken, ``RuntimeError`` when start fails."""
        connections = Connections()
        # asyncio sets TCP_NODELAY only where the protocol is named: without it each answer takes 40 ms
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self.faults.stopping = False
        application = create_application(self.site, self.faults, self.requests, connections)
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=_tracking_protocol(connections),
            ws="none",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = server = _Server(config)
        self._thread = threading.Thread(target=_run, args=(server, listener), name="demo-server", daemon=True)
        self._thread.start()
        _await_start(server, self._thread)

    def stop(self) -> None:
        """Close the socket and all connections; harmless when the server does not run."""
        if self._server is None or self._thread is None:
            return
        self.faults.stopping = True
        self._server.stop()
        self._thread.join()
        self._server = self._thread = None

    def restart(self) -> None:
        """Stop, forget all sessions, and listen again on the same port."""
        self.stop()
        self.expire_sessions()
        self.start()

    def expire_sessions(self) -> None:
        """End every server session, as a timeout would."""
        with self.site.lock:
            self.site.sessions.clear()


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        listener.close()


def _await_start(server: _Server, thread: threading.Thread) -> None:
    waited = 0.0
    while not server.started_loop.wait(POLL_SECONDS):
        waited += POLL_SECONDS
        if not thread.is_alive() or waited > START_SECONDS:
            raise RuntimeError("the demo server did not start")


def _tracking_protocol(connections: Connections) -> type[HttpToolsProtocol]:
    class TrackingProtocol(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            connections.opened(self.client, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self.client)
            super().connection_lost(exc)

    return TrackingProtocol
