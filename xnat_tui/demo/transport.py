"""The outermost layer: addresses as Restlet reads them, the request log, and ordered faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xnat_tui.demo import faults as fault
from xnat_tui.demo.replies import LOGIN_PAGE, error_page
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site

ARCHIVE_TWINS = ("projects", "subjects", "experiments")
POLL_SECONDS = 0.02
REFUSED = ("%2f", "%5c", ";", "//")
ADDRESS_LIMIT = 8192


class Dropped(Exception):
    """The connection has been closed on purpose."""


class Connections:
    """The open sockets by client address, so that a fault can close one."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def opened(self, client: tuple[str, int] | None, transport: asyncio.Transport) -> None:
        if client is not None:
            self._transports[client] = transport

    def closed(self, client: tuple[str, int] | None) -> None:
        if client is not None:
            self._transports.pop(client, None)

    def close(self, scope: Scope) -> None:
        transport = self._transports.get(tuple(scope["client"]))
        if transport is not None:
            transport.close()


class Exchange:
    """One request and its answer, counted, slowed down and spoilt as ordered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, faults: fault.Faults) -> None:
        self.scope, self._receive, self._send, self._faults = scope, receive, send, faults
        self.action: fault.Action | None = None
        self.status = self.received = self.sent = 0
        self.finished = self.begun = False
        self.before_start: Callable[[], None] = lambda: None
        """Called before any of the answer is sent."""
        self.before_end: Callable[[], None] = lambda: None
        """Called before the last of the answer is sent, and again where none is."""

    async def receive(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        self.received += size
        await self._pace(size)
        limit = self.action
        if isinstance(limit, fault.CutUpload) and self.received >= limit.after_bytes:
            raise Dropped
        return message

    async def send(self, message: Message) -> None:
        if self.finished:
            return
        if isinstance(self.action, fault.WriteThenDrop):
            if message["type"] == "http.response.body" and not message.get("more_body"):
                raise Dropped
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.before_start()
            if isinstance(self.action, fault.Truncate):
                message["headers"] = [
                    pair for pair in message["headers"] if pair[0].lower() != b"content-length"
                ]
            await self._send(message)
        else:
            await self._send_body(message)

    async def _send_body(self, message: MutableMapping[str, Any]) -> None:
        body: bytes = message.get("body", b"")
        limit = self.action
        if isinstance(limit, fault.WrongBytes) and body:
            body = bytes([body[0] ^ 0xFF]) + body[1:]
        last = not message.get("more_body", False)
        ends = None
        if isinstance(limit, fault.CutDownload | fault.Truncate):
            ends = max(limit.after_bytes - self.sent, 0)
            if len(body) >= ends:
                body, last = body[:ends], True
            else:
                ends = None
        await self._pace(len(body))
        cut = ends is not None and isinstance(limit, fault.CutDownload)
        self.sent += len(body)
        if last:
            self.before_end()
        await self._send({"type": "http.response.body", "body": body, "more_body": cut or not last})
        self.finished = last
        if cut:
            raise Dropped

    async def gone(self) -> None:
        """Wait until the server has noticed that the connection is closed."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _pace(self, size: int) -> None:
        if self._faults.bandwidth and size:
            await asyncio.sleep(size / self._faults.bandwidth)


class Gateway:
    """Wraps the application: every request is logged once, before anybody can have seen its answer."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        faults: fault.Faults,
        log: fault.RequestLog,
        connections: Connections,
    ) -> None:
        self._application, self._site = app, site
        self._faults, self._log, self._connections = faults, log, connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        path = _without_context(scope, self._site.settings.context_path)
        query = scope["query_string"].decode("latin-1")
        scope["path"] = route_path(path)
        scope["xnat"] = {"user": ""}
        exchange = Exchange(scope, receive, send, self._faults)

        entry = fault.Logged(scope["method"], path, query)

        def keep() -> None:
            """What the answer has come to so far."""
            entry.status, entry.user = exchange.status, scope["xnat"]["user"]
            entry.request_bytes, entry.response_bytes = exchange.received, exchange.sent

        def begin() -> None:
            keep()
            if not exchange.begun:
                exchange.begun = True
                self._log.append(entry)

        def end() -> None:
            exchange.before_end = lambda: None
            self._log.left()

        exchange.before_start, exchange.before_end = begin, end
        self._log.came()
        try:
            await self._serve(exchange, f"{scope['method']} {path}" + (f"?{query}" if query else ""))
        except Dropped:
            exchange.status = exchange.status if exchange.sent else 0
            self._connections.close(scope)
            await exchange.gone()
        finally:
            exchange.before_end()
            begin()

    async def _serve(self, exchange: Exchange, request_line: str) -> None:
        if self._faults.latency:
            await asyncio.sleep(self._faults.latency)
        action = exchange.action = self._faults.take(request_line)
        scope = exchange.scope
        if isinstance(action, fault.Hang):
            await self._hang(exchange)
        elif isinstance(action, fault.CutUpload) and not action.after_bytes:
            raise Dropped
        elif isinstance(action, fault.ErrorPage | fault.Answer | fault.LoginPage):
            await _drain(exchange)
            await _answer(action)(scope, exchange.receive, exchange.send)
        elif isinstance(action, fault.WriteThenError):
            await self._application(scope, exchange.receive, _swallow)
            await error_page(action.status, action.message)(scope, exchange.receive, exchange.send)
        else:
            if isinstance(action, fault.ExpireSession):
                self._site.sessions.clear()
            if isinstance(action, fault.Late):
                await asyncio.sleep(action.seconds)
            target = self._application
            if _refused(self._site.settings, request_line):
                await _drain(exchange)
                target = error_page(400, "HTTP Status 400 – Bad Request")
            await target(scope, exchange.receive, exchange.send)

    async def _hang(self, exchange: Exchange) -> None:
        waiting = asyncio.ensure_future(exchange.gone())
        while not waiting.done() and not self._faults.stopping:
            await asyncio.wait([waiting], timeout=POLL_SECONDS)
        waiting.cancel()
        raise Dropped


def route_path(path: str) -> str:
    """The one spelling under which routes are registered.

    ``/REST`` and ``/data/archive`` are twins of ``/data`` for archive items; trailing slashes
    matter only where a folder of files is listed. The path stays percent-encoded under ``/data``.
    """
    parts = path.split("/")
    if len(parts) > 1 and parts[1] == "REST":
        parts[1] = "data"
    if len(parts) > 3 and parts[1:3] == ["data", "archive"] and parts[3] in ARCHIVE_TWINS:
        del parts[2]
    if "files" not in parts:
        while len(parts) > 2 and not parts[-1]:
            parts.pop()
    return "/".join(parts)


def _refused(settings: Settings, request_line: str) -> bool:
    path, _, query = request_line.lower().partition("?")
    if settings.percent_refused and "%25" in path:
        return True
    odd = any(part in path for part in REFUSED) or "[" in query or "]" in query
    return settings.strict_addresses and (odd or len(request_line) > ADDRESS_LIMIT)


def _without_context(scope: Scope, context: str) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.split(b"?")[0].decode("latin-1")
    if context and (path == context or path.startswith(context + "/")):
        return path[len(context) :] or "/"
    return path if not context else "/-outside-the-context" + path


def _answer(action: fault.ErrorPage | fault.Answer | fault.LoginPage) -> Response:
    if isinstance(action, fault.LoginPage):
        return Response(LOGIN_PAGE, media_type="text/html")
    if isinstance(action, fault.ErrorPage):
        page = error_page(action.status, action.message)
        if action.retry_after is not None:
            page.headers["Retry-After"] = str(action.retry_after)
        return page
    return Response(action.body, action.status, headers=dict(action.headers), media_type=action.media_type)


async def _swallow(_: Message) -> None:
    """An answer that nobody gets."""


async def _drain(exchange: Exchange) -> None:
    while True:
        message = await exchange.receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
