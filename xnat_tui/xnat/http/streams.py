"""Bodies as streams: a download that knows when it is short, an upload that knows its length."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO

import requests
from urllib3.exceptions import DecodeError, HTTPError

from xnat_tui.errors import BadAnswer, Interrupted, XnatTuiError
from xnat_tui.xnat.http.answers import Answer, timed_out, transport_failure
from xnat_tui.xnat.http.retry import Settled

CHUNK = 256 * 1024
"""Bytes at a time: larger ones cost other threads time, smaller ones throughput."""


def stopped(*, writing: bool = False) -> Interrupted:
    """`writing`: something was being sent, and nobody knows whether the server has carried it out."""
    if writing:
        return Interrupted("Stopped while something was being written.", "Look at the destination.")
    return Interrupted("Stopped.", "What was finished is kept.")


class Download:
    """A file as it arrives. Iterate it once; `length` is None where the server does not tell (zips).

    `on_timeout` is called when nothing more of it comes for too long.
    """

    def __init__(
        self,
        response: requests.Response,
        stop: threading.Event,
        what: str,
        *,
        writing: bool = False,
        on_timeout: Callable[[], None] | None = None,
    ) -> None:
        self.content_type = response.headers.get("Content-Type", "")
        self._encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        self._announced = _number(response.headers.get("Content-Length"))
        self.length = None if self._encoded else self._announced
        self._response = response
        self._stop = stop
        self._what = what
        self._writing = writing
        self._on_timeout = on_timeout
        self._peeked = b""

    def peek(self, size: int) -> bytes:
        """Up to `size` first bytes (fewer when the body is shorter); they are still delivered."""
        while len(self._peeked) < size:
            chunk = self._read()
            if not chunk:
                break
            self._peeked += chunk
        return self._peeked[:size]

    def __iter__(self) -> Iterator[bytes]:
        """Raises BadAnswer when the body ends early, ServerUnreachable or Interrupted when cut off."""
        seen = len(self._peeked)
        if self._peeked:
            chunk, self._peeked = self._peeked, b""
            yield chunk
        while chunk := self._read():
            seen += len(chunk)
            yield chunk
        if self.length is not None and seen != self.length:
            raise self._short(seen)

    def close(self) -> None:
        self._response.close()

    def pieces(self, limit: int) -> Iterator[bytes]:
        """The body; raises BadAnswer when it is longer than `limit` bytes."""
        size = 0
        for chunk in self:
            size += len(chunk)
            if size > limit:
                raise Settled(f"{self._what}: more than {limit} bytes came, far beyond what belongs there.")
            yield chunk

    def read(self, limit: int) -> bytes:
        """The whole body, as `pieces` gives it."""
        return b"".join(self.pieces(limit))

    def _read(self) -> bytes:
        failure: XnatTuiError
        try:
            chunk: bytes = self._response.raw.read1(CHUNK, decode_content=self._encoded)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = self._failure(error)
        else:
            if not self._stop.is_set():
                return chunk
            failure = stopped(writing=self._writing)
        raise failure

    def _failure(self, error: Exception) -> XnatTuiError:
        if self._stop.is_set():
            return stopped(writing=self._writing)
        if self._on_timeout and timed_out(error):
            self._on_timeout()
        if "IncompleteRead" in repr(error):
            return self._short(None)
        if isinstance(error, DecodeError) and not self._writing:
            return BadAnswer(f"{self._what}: what came cannot be unpacked.", "A proxy may stand in between.")
        return transport_failure(error, self._what, writing=self._writing)

    def _short(self, seen: int | None) -> XnatTuiError:
        if self._writing:
            return transport_failure(EOFError(), self._what, writing=True)
        came = "" if seen is None or self.length is None else f" after {seen} of {self.length} bytes"
        return BadAnswer(f"{self._what}: the answer ended too early{came}.", "Try again.")


def complete(
    response: requests.Response,
    stop: threading.Event,
    what: str,
    limit: int,
    *,
    writing: bool = False,
    on_timeout: Callable[[], None] | None = None,
) -> Answer:
    """The whole answer, and its connection given back."""
    with closing(response):
        body = Download(response, stop, what, writing=writing, on_timeout=on_timeout).read(limit)
    return Answer(response.status_code, body, response.headers)


class Upload:
    """The body of one attempt to send exactly `length` bytes; `read` is called by the HTTP library."""

    def __init__(
        self, source: BinaryIO, length: int, on_bytes: Callable[[int], None] | None, stop: threading.Event
    ) -> None:
        self._source = source
        self._length = length
        self._on_bytes = on_bytes
        self._stop = stop
        self.sent = 0

    def read(self, size: int = CHUNK) -> bytes:
        """Raises BadAnswer when the source is not as long as was said: the server then stores nothing."""
        if self._stop.is_set():
            raise stopped(writing=True)
        if self.sent == self._length:
            if self._from_source(1):
                raise self._mismatch("more")
            return b""
        chunk = self._from_source(min(size, self._length - self.sent))
        if not chunk:
            raise self._mismatch("fewer")
        self.sent += len(chunk)
        if self.sent == self._length and self._from_source(1):
            raise self._mismatch("more")
        if self._on_bytes:
            self._on_bytes(len(chunk))
        return chunk

    def _from_source(self, size: int) -> bytes:
        failure: XnatTuiError
        try:
            return self._source.read(size)
        except OSError as error:  # the HTTP library would take it for a lost connection
            reason = error.strerror or type(error).__name__
            failure = XnatTuiError(f"What is to be sent cannot be read: {reason}.")
        raise failure

    def _mismatch(self, word: str) -> BadAnswer:
        return BadAnswer(f"What is to be sent has {word} than the {self._length} bytes that were announced.")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None
