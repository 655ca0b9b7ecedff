"""Bytes on their way: checked against the source's catalog while they pass."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item
from xnat_tui.xnat.http.connection import Connection, Download, encode_uri

IN_MEMORY = 8_000_000
"""Bytes up to which a temporary file never touches the disk."""
CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Passed:
    """What went through: bytes, and their MD5 in lower-case hex."""

    size: int
    md5: str

    def check(self, item: Item) -> None:
        """Raises BadAnswer where the source delivers something else than it lists."""
        if item.bytes is not None and self.size != item.bytes:
            raise BadAnswer(
                f"{self.size} bytes came, the source lists {item.bytes}.", "Refresh the source's catalog."
            )
        if item.digest and self.md5 != item.digest:
            raise BadAnswer(
                "What came has another checksum than the source lists.", "Refresh the source's catalog."
            )


class Hash:
    """Counts and hashes what it is shown."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def update(self, chunk: bytes) -> None:
        self._md5.update(chunk)
        self.size += len(chunk)

    def through(self, chunks: Iterable[bytes], most: int | None) -> Iterator[bytes]:
        """What it is shown, hardly more than `most` bytes: what swells fills neither memory nor disk."""
        for chunk in chunks:
            self.update(chunk)
            yield chunk
            if most is not None and self.size > most:
                return

    @property
    def passed(self) -> Passed:
        return Passed(self.size, self._md5.hexdigest())


def spool() -> IO[bytes]:
    """A temporary file without a name that others could open; small ones stay in memory."""
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


def write(file: IO[bytes], chunk: bytes) -> None:
    """Raises XnatTuiError when the disk is full."""
    failure: XnatTuiError
    try:
        file.write(chunk)
    except OSError as error:
        failure = disk_failure(error)
    else:
        return
    raise failure


def disk_failure(error: OSError) -> XnatTuiError:
    """The user's error for a temporary file that cannot be written."""
    return XnatTuiError(
        f"The temporary file cannot be written: {error.strerror or type(error).__name__}.",
        "Free space in the temporary folder, or set TMPDIR to another.",
    )


def fetch(connection: Connection, item: Item, into: IO[bytes], control: Control) -> Passed:
    """Download one file. Raises BadAnswer where it is not what the source lists."""
    seen = Hash()
    with connection.download(encode_uri(item.uri)) as download:
        for chunk in download:
            control.check()
            seen.update(chunk)
            write(into, chunk)
    seen.passed.check(item)
    return seen.passed


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """A spooled file from its beginning."""
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


class _Again(io.RawIOBase):
    """Closing it leaves the file open for the next reader."""

    def __init__(self, file: IO[bytes], control: Control) -> None:
        super().__init__()
        self._file = file
        self._control = control
        file.seek(0)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        self._control.check()
        return self._file.read(size)


def again(file: IO[bytes], control: Control) -> BinaryIO:
    """A spooled file from its beginning, for one upload after the other; they end when the step shall end."""
    return cast(BinaryIO, _Again(file, control))


class Through(io.RawIOBase):
    """A download that an upload reads. The last bytes are given out only when all of them are right.

    When they are not, the upload ends short of its announced length, and the server stores nothing.
    """

    def __init__(self, connection: Connection, item: Item, control: Control) -> None:
        super().__init__()
        self._item = item
        self._control = control
        self._context: AbstractContextManager[Download] = connection.download(encode_uri(item.uri))
        download = self._context.__enter__()
        self._chunks: Iterator[bytes] = iter(download)
        self._pending = bytearray()
        self._ended = self._right = False
        self._seen = Hash()

    @property
    def passed(self) -> Passed:
        return self._seen.passed

    @property
    def complete(self) -> bool:
        """Whether all of it came and was right."""
        return self._right

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Raises BadAnswer for wrong bytes, Interrupted when the step was asked to stop."""
        self._control.check()
        wanted = CHUNK if size < 0 else size
        while not self._ended and len(self._pending) <= wanted:
            chunk = next(self._chunks, b"")
            if chunk:
                self._seen.update(chunk)
                self._pending += chunk
            else:
                self._ended = True
                self.passed.check(self._item)
                self._right = True
        given = bytes(self._pending[:wanted])
        del self._pending[:wanted]
        return given

    def close(self) -> None:
        """End the download under it, and give its connection back."""
        if not self.closed:
            self._context.__exit__(None, None, None)
        super().close()
