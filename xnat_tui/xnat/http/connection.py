"""A connection to one server, shared by all threads: every request but those that sign in goes through here.

Reads are repeated where the server is briefly not available or what came cannot be read, writes only where
they were surely not carried out. A session that was forgotten is signed in again once, by one thread for all.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from xnat_tui.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    NotXnat,
    ServerError,
    ServerUnreachable,
    XnatTuiError,
)
from xnat_tui.model.clock import Clock
from xnat_tui.model.notice import Notice, Outage
from xnat_tui.xnat.http import pages, signin
from xnat_tui.xnat.http.addresses import Params, Value, encode_uri, url_path, with_format
from xnat_tui.xnat.http.answers import Answer, Expired, check_status, plain
from xnat_tui.xnat.http.retry import Patience, Unavailable, is_hiccup, is_late, waiting_time
from xnat_tui.xnat.http.streams import Download, Upload, complete, stopped
from xnat_tui.xnat.http.transport import Transport, log, route
from xnat_tui.xnat.tables.table import Table, parse_table

if TYPE_CHECKING:
    from types import TracebackType

    from requests import Response

    from xnat_tui.config import Server
    from xnat_tui.credentials import Credential

LARGEST_DOCUMENT = 64_000_000
LARGEST_LISTING = 1_000_000_000
"""Bytes. More than this is no answer but an accident."""
WRITE_SECONDS = 600.0
"""Renaming and archiving take minutes before the first byte of an answer."""
LONG_SECONDS = 900.0
"""Where XNAT reads, unpacks or moves every file before it answers: catalogs, archives, another owner."""
CLOSE_SECONDS = 5.0
UNKNOWN_VERSION = (1, 7)
_READING_POSTS = ("/data/services/validate-archive", "/xapi/archive/downloadwithsize")
_T = TypeVar("_T")

__all__ = ["Answer", "Connection", "Download", "encode_uri", "url_path"]


class Connection:
    """One signed-in session. `path` arguments are absolute on the server and already percent-encoded."""

    def __init__(self, server: Server, credential: Credential | None, transport: Transport) -> None:
        self.server = server
        self.user = ""
        self.version = ""
        """As the server writes it, "1.8.10"; "" where it does not tell."""
        self.event_reason = server.event_reason
        """Goes into the audit trail of every change below /data; "" sends none."""
        self.on_wait: Callable[[float, str], None] | None = None
        """Called with seconds and a reason before a read waits to be repeated."""
        self.on_notice: Callable[[Notice], None] | None = None
        """Called, in any thread, with what takes long and what it will cost, before it is done."""
        self.outage: Outage | None = None
        self.patience = Patience()
        self.xnatpy: Any = None
        """xnatpy's session (its object model not parsed), for what this class has no word for."""
        self._credential = credential
        self._transport = transport
        self._renewal = signin.Renewal(transport, credential)
        self._grown = 0.0
        self._stubborn: dict[tuple[object, ...], int] = {}
        """How many reads of a kind in a row have stayed unreadable."""

    @classmethod
    def open(cls, server: Server, credential: Credential | None) -> Connection:
        """Sign in; None is the guest. Five requests, one more for a redirect.

        Raises ServerUnreachable, TlsFailure, NotXnat, SignInFailed, PasswordExpired, Interrupted.
        """
        transport = Transport(server)
        connection = cls(server, credential, transport)
        try:
            connection.xnatpy = signin.sign_in(transport, server.url, credential)
            connection.user = plain(connection.xnatpy.logged_in_user)
            connection.version = signin.ask_version(transport)
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def url(self) -> str:
        """The address after redirects, with the context path, without a slash at its end."""
        return self._transport.base

    @property
    def clock(self) -> Clock:
        """The server's, by its configured zone and what it called the time when it was signed in to."""
        return Clock.of(self.server.timezone, self._transport.ahead)

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far: every one, retries, redirects and sign-ins included."""
        return self._transport.adapter.sent

    @property
    def version_tuple(self) -> tuple[int, ...]:
        """The leading numbers of the version; (1, 7), the least that is supported, where it is unknown."""
        found = re.match(r"\d+(\.\d+)*", self.version)
        return tuple(int(part) for part in found.group().split(".")) if found else UNKNOWN_VERSION

    @property
    def listing_seconds(self) -> float:
        """How long a listing is waited for: until its first byte, and between two pieces of it."""
        return max(self.patience.listing_seconds, self._grown)

    @property
    def stop(self) -> threading.Event:
        """Set by the next `interrupt`: what asks several questions for one answer looks between them."""
        return self._transport.stop

    def grow_patience(self, waited: float) -> bool:
        """Wait longer than these seconds for the listings that follow; False where that is the most."""
        if waited < self.listing_seconds:
            return True  # another thread's question has met that before
        self._grown = min(2 * waited, max(self.patience.most_seconds, waited))
        return self._grown > waited

    def tell(self, notice: Notice) -> None:
        """Log a notice, and hand it to `on_notice` where somebody listens."""
        log.info("%s: %s", self._transport.name, notice.short)
        if self.on_notice:
            self.on_notice(notice)

    def get_json(self, path: str, /, **params: Value) -> Any:
        """`format=json` is added below /data. Raises NotFound where a guest gets an empty 200, as XNAT
        answers guests for what is missing; BadAnswer where the answer is empty or no JSON."""
        return self.read_json(path, lambda answer: answer, **params)

    def read_json(self, path: str, read: Callable[[Any], _T], /, **params: Value) -> _T:
        """What `read` makes of the JSON; its BadAnswer, as a body that is cut off, has it asked for again."""

        def made(body: bytes) -> _T:
            if not body.strip():
                raise self._empty()
            return read(Answer(200, body).json())

        return self._get(path, with_format(path, params), LARGEST_LISTING, made)

    def table(self, path: str, /, *needed: str, **params: Value) -> Table:
        """A listing, decoded while it arrives. Raises BadAnswer where it is empty, an item, cut off,
        contradicts its own count, or has rows without a `needed` column."""
        return self._table(path, needed, params, self.listing_seconds)

    def table_within(self, seconds: float, path: str, /, *needed: str, **params: Value) -> Table:
        """As `table`, for a question that can be cut into parts: where it is late (`retry.is_late`), it is
        not waited for once more."""
        return self._table(path, needed, params, seconds, late_ends=True)

    def search(self, body: bytes) -> Table:
        """The rows that a search document finds: a POST that changes nothing, asked again like a listing."""
        read, limit = (lambda answer: parse_table(answer.pieces(LARGEST_LISTING))), LARGEST_LISTING
        return self._read("/data/search", {"format": "json"}, limit, read, self.listing_seconds, body=body)

    def get_text(self, path: str, /, **params: Value) -> str:
        return self._get(path, params, LARGEST_DOCUMENT, lambda body: Answer(200, body).text)

    def get_bytes(self, path: str, /, max_bytes: int = LARGEST_DOCUMENT, **params: Value) -> bytes:
        """A document such as an item's XML; raises BadAnswer where it is empty or longer than `max_bytes`."""
        return self.read_bytes(path, lambda body: body, max_bytes, **params)

    def read_bytes(
        self,
        path: str,
        read: Callable[[bytes], _T],
        /,
        max_bytes: int = LARGEST_DOCUMENT,
        **params: Value,
    ) -> _T:
        """What `read` makes of a document; its BadAnswer has it asked for again. Raises as `get_json`."""

        def made(body: bytes) -> _T:
            if not body:
                raise self._empty()
            return read(body)

        return self._get(path, params, max_bytes, made)

    @contextmanager
    def download(self, path: str, /, **params: Value) -> Iterator[Download]:
        """A file or a zip as it arrives, in chunks of up to 256 kB.

        Raises NotFound for 204 too (nothing to zip), and BadAnswer where a page came instead of the file.
        One that breaks off in the middle is not asked for again here: the receiver has to start anew.
        """
        address, what = self._transport.address(path, params), self._transport.doing()
        stop = self._transport.stop

        def attempt() -> Download:
            response = self._transport.get(
                address, stop, {"Accept": "*/*", "Accept-Encoding": "identity"}, self.patience.seconds
            )
            if response.status_code != 200:
                answer = complete(response, stop, what, LARGEST_DOCUMENT)
                if answer.status == 204:
                    raise NotFound(f"{what}: there is nothing to download.", status=204)
                check_status(answer, (), what)
            download = Download(response, stop, what, on_timeout=self._transport.limiter.slower)
            try:
                pages.check_file(download, path, what)
            except BaseException:
                download.close()
                raise
            return download

        self._transport.limiter.acquire(stop)
        try:
            with closing(self._repeated(attempt, stop)) as download:
                yield download
        finally:
            self._transport.limiter.release()

    def write(
        self,
        method: str,
        path: str,
        /,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str = "",
        accept_statuses: Container[int] = (200, 201),
        timeout: float = WRITE_SECONDS,
        page: bool = False,
    ) -> Answer:
        """POST, PUT or DELETE, once. Redirects are not followed: 301 is how XNAT tells where a moved
        prearchive session went, accept it where that is meant. `page`: a web page is what should come.

        Raises Unclear where the answer is lost, late, or a proxy's: it may have happened.
        """

        def send(stop: threading.Event, address: str, headers: dict[str, str]) -> Answer:
            response = self._transport.send(
                method, address, stop, headers=headers, body=body or b"", timeout=timeout, writing=True
            )
            return self._written(response, stop)

        return self._write(method, path, params, content_type, accept_statuses, send, page=page)

    def upload(
        self,
        method: str,
        path: str,
        /,
        source: Callable[[], BinaryIO],
        length: int,
        content_type: str,
        params: Params | None = None,
        on_bytes: Callable[[int], None] | None = None,
        timeout: float = WRITE_SECONDS,
    ) -> Answer:
        """Stream exactly `length` bytes of what `source` opens; it is opened again after a new sign-in,
        and `on_bytes` then gets the negative of what it was told before. Raises as `write`."""

        told = 0

        def tell(count: int) -> None:
            nonlocal told
            told += count
            if on_bytes and count:
                on_bytes(count)

        def sent(stop: threading.Event, address: str, headers: dict[str, str]) -> Answer:
            tell(-told)
            with closing(source()) as opened:
                body = Upload(opened, length, tell, stop)
                send = partial(self._transport.send, headers=headers, body=body, length=length)
                return self._written(send(method, address, stop, timeout=timeout, writing=True), stop)

        return self._write(method, path, params, content_type, (200, 201), sent)

    def interrupt(self) -> None:
        """End all that is under way, at once and in every thread, with Interrupted. Later requests work."""
        self.outage = None
        self._transport.interrupt()

    def close(self) -> None:
        """Log out (`DELETE /data/JSESSION`, five seconds at most) and close, whatever the server says."""
        transport = self._transport
        if transport.closed:
            return
        try:
            if transport.auth.session_id:
                address = f"{transport.base}/data/JSESSION"
                transport.send("DELETE", address, transport.stop, timeout=CLOSE_SECONDS).close()
        except XnatTuiError as error:
            log.info("%s: not logged out: %s", transport.name, type(error).__name__)
        finally:
            transport.closed = True
            transport.auth.session_id = ""
            if self.xnatpy is not None:
                self.xnatpy.disconnect()
            transport.session.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Connection to {self._transport.name}>"

    def _get(self, path: str, params: dict[str, Value], limit: int, made: Callable[[bytes], _T]) -> _T:
        return self._read(path, params, limit, lambda download: made(download.read(limit)))

    def _table(
        self,
        path: str,
        needed: tuple[str, ...],
        params: dict[str, Value],
        seconds: float,
        *,
        late_ends: bool = False,
    ) -> Table:
        limit, paged = LARGEST_LISTING, "limit" in params or "offset" in params

        def read(body: Download) -> Table:
            return parse_table(body.pieces(limit), *needed, paged=paged)

        return self._read(path, with_format(path, params), limit, read, seconds, late_ends=late_ends)

    def _read(
        self,
        path: str,
        params: dict[str, Value],
        limit: int,
        use: Callable[[Download], _T],
        seconds: float | None = None,
        *,
        late_ends: bool = False,
        body: bytes | None = None,
    ) -> _T:
        """What `use` makes of the body of a good answer; `body` is that of a POST that only reads.

        It is asked for anew, and used anew, where the answer breaks off, is an error of the server, or
        cannot be read (BadAnswer): as often as `retry.Patience` says.
        """
        address, what = self._transport.address(path, params), self._transport.doing()
        stop, wait = self._transport.stop, seconds or self.patience.seconds
        kind = (route(address), params.get("xsiType"), params.get("columns"))

        def attempt() -> _T:
            with self._transport.limiter.slot(stop):
                response = self._transport.get(address, stop, timeout=wait, body=body)
                slower = self._transport.limiter.slower
                with closing(Download(response, stop, what, on_timeout=slower)) as download:
                    if response.status_code == 200 and not pages.begins_in(download):
                        return use(download)
                    told = download.read(limit)
            answer = Answer(response.status_code, told, response.headers)
            check_status(answer, (200,), what)
            raise pages.instead_of_data(answer, what)

        meant = self._stubborn.get(kind, 0) >= self.patience.stubborn
        try:
            result = self._repeated(attempt, stop, 1 if meant else self.patience.tries, late_ends=late_ends)
        except (BadAnswer, ServerError, NotXnat) as error:
            if is_hiccup(error):
                self._stubborn[kind] = self._stubborn.get(kind, 0) + 1
            raise
        self._stubborn.pop(kind, None)
        return result

    def _repeated(
        self, attempt: Callable[[], _T], stop: threading.Event, tries: int = 1, *, late_ends: bool = False
    ) -> _T:
        """Again after a new sign-in (once) and while the server is briefly not available.

        `tries` are for a read that the server answers with an error, or with what cannot be read. Of a write,
        `Unavailable` says that it was not carried out: 429, or it never left.
        """
        number, signed_in, session_id = 0, False, ""
        expired: XnatTuiError | None = None
        while True:
            number += 1
            try:
                if expired is not None:
                    self._renewal.renew(session_id)
                    signed_in, expired = True, None
                session_id = self._transport.auth.session_id
                result = attempt()
            except Expired as error:
                foreign = isinstance(error, pages.ForeignPage)
                if not signed_in and (self._credential is not None or not foreign):
                    number, expired = number - 1, error
                    continue
                failure = pages.still_expired(error, self._transport.doing())
                if foreign and number < tries:
                    self._wait(waiting_time(number, None) or 0.0, failure.message, stop)
                    continue
            except Unavailable as error:
                if late_ends and is_late(error):
                    raise
                seconds = waiting_time(number, error.retry_after)
                if seconds is None:
                    self._doubt(error)
                    raise
                self.outage = Outage.of(self.server.name, error.status, seconds)
                self._wait(seconds, error.message, stop)
                continue
            except ServerUnreachable as error:
                self._doubt(error)
                raise
            except (BadAnswer, ServerError) as error:
                if number >= tries or not is_hiccup(error):
                    raise
                self._wait(waiting_time(number, None) or 0.0, error.message, stop)
                continue
            else:
                self._transport.limiter.faster()
                return result
            raise failure

    def _doubt(self, error: ServerUnreachable) -> None:
        """Whether nobody is there, or only this one request gets no answer: another one tells."""
        if not error.unreachable:
            return
        transport = self._transport
        with suppress(XnatTuiError):
            transport.send(
                "GET", f"{transport.base}/data/version", transport.stop, timeout=CLOSE_SECONDS
            ).close()
            error.unreachable = ""

    def _wait(self, seconds: float, reason: str, stop: threading.Event) -> None:
        if self.on_wait:
            self.on_wait(seconds, reason)
        if stop.wait(seconds):
            raise stopped()

    def _write(
        self,
        method: str,
        path: str,
        params: Params | None,
        content_type: str,
        accepted: Container[int],
        send: Callable[[threading.Event, str, dict[str, str]], Answer],
        *,
        page: bool = False,
    ) -> Answer:
        reading = method == "POST" and path in _READING_POSTS
        if self.server.read_only and not reading:
            raise Forbidden(
                f"{self._transport.name} is marked read-only here; nothing was sent to it.",
                "Remove the mark in the Servers panel or the configuration.",
            )
        address = self._transport.address(path, self._reasoned(path, params))
        what = self._transport.doing(writing=True)
        headers = {"Content-Type": content_type} if content_type else {}
        stop = self._transport.stop

        def attempt() -> Answer:
            with self._transport.limiter.slot(stop):
                answer = send(stop, address, headers)
            pages.check_written(answer, what, page=page)
            check_status(answer, accepted, what, writing=True)
            return answer

        return self._repeated(attempt, stop, self.patience.tries if reading else 1)

    def _written(self, response: Response, stop: threading.Event) -> Answer:
        what, slower = self._transport.doing(writing=True), self._transport.limiter.slower
        return complete(response, stop, what, LARGEST_DOCUMENT, writing=True, on_timeout=slower)

    def _reasoned(self, path: str, params: Params | None) -> Params:
        """With `event_reason`, as every changing call below /data takes it (`docs/xnat-contract.md` 0.3)."""
        if not self.event_reason or path in _READING_POSTS or not path.startswith(("/data/", "/REST/")):
            return params or ()
        pairs = params.items() if isinstance(params, Mapping) else params or ()
        return [*pairs, ("event_reason", self.event_reason)]

    def _empty(self) -> XnatTuiError:
        if self._credential is None:
            return NotFound(f"{self._transport.doing()}: not there, or sign-in needed.")
        return BadAnswer(f"{self._transport.doing()}: an empty answer.", "Reload, or ask its administrator.")
