"""A zip of files taken apart while it arrives: nothing of it waits on the disk.

XNAT sends no length, and a failure in the middle ends a 200 answer early but cleanly. Every member is
compared with its own sizes and checksum as its last byte is read, so that what came before such an end is
proved, and what is missing is known. Who compares an MD5 anyway can leave the checksum out.

Only what is written without looking back is read here, as XNAT's Java does it: deflated or of a known size,
not encrypted, the checksum behind it under its signature (APPNOTE.TXT 4.3.7 and 4.3.9). Any other zip is
`Unstreamable`, and `spooled` takes it apart. The library for it, stream-unzip, always computes the checksum
and hands every chunk through several generators; zipfile needs the end of a zip before its beginning.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.files import zips
from xnat_tui.xnat.http.addresses import Value
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.http.streams import CHUNK

_FILE, _DIRECTORY, _END, _DESCRIPTOR = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\7\x08"
_HEADER = struct.Struct("<2xHH4xIIIHH")
"""Of a file: flags, method, checksum, packed size, size, lengths of name and extra fields."""
_STORED, _DEFLATED = 0, 8
_LATER, _UTF8, _HARMLESS = 0x0008, 0x0800, 0x0006
"""Flags: checksum and sizes come behind the content; the name is UTF-8; how hard it was packed."""
_IN_EXTRA = 0xFFFFFFFF
_ZIP64 = 1


class Unstreamable(BadAnswer):
    """A zip that tells only at its end where its files are: `spooled` can take it apart."""


class Content:
    """The bytes of a file, to be read once. They end with BadAnswer where they are not as the zip says."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def unsummed(self) -> Iterator[bytes]:
        """The same, but only their number is compared: for who knows a better sum. See `damaged`."""
        return self._chunks

    def damaged(self, chunks: Iterable[bytes]) -> bool:
        """Whether the zip's checksum is of other bytes than these, which were read `unsummed`."""
        del chunks
        return False


@dataclass(frozen=True, slots=True, repr=False)
class Arriving:
    """A file in the zip. `owner` are the segments left of `resources`: session, `scans`, ID and type."""

    owner: tuple[str, ...]
    resource: str
    path: str
    """Below the resource, with `/`; never absolute, never climbing, no control characters."""
    content: Content

    @property
    def chunks(self) -> Iterator[bytes]:
        """To be read once, before the next file is asked for; they end with BadAnswer where the checksum is
        wrong."""
        return iter(self.content)

    def __repr__(self) -> str:
        return "<Arriving>"


@contextmanager
def stream(
    connection: Connection, path: str, /, *, on_bytes: Callable[[int], None] | None = None, **params: Value
) -> Iterator[Iterator[Arriving]]:
    """Download `path` as a zip (`format=zip` is added) and give its files in their order.

    What the reader leaves of a file passes by, and so does a file whose name must not become a path.
    Iterating raises BadAnswer where the zip is damaged or ends early, and whatever a download raises; the
    files that were read to their ends until then are whole. Raises NotFound where there is nothing to zip.
    """
    with connection.download(path, format="zip", **params) as download:
        yield _members(_Source(_told(download, on_bytes)))


@contextmanager
def spooled(
    connection: Connection,
    path: str,
    /,
    *,
    folder: Path | None = None,
    on_bytes: Callable[[int], None] | None = None,
    **params: Value,
) -> Iterator[Iterator[Arriving]]:
    """The same by way of a temporary file, in `folder`, as `zips.fetch` keeps it; for any zip."""
    with zips.fetch(connection, path, folder=folder, on_bytes=on_bytes, **params) as members:
        yield (Arriving(one.owner, one.resource, one.path, Content(one.chunks())) for one in members)


def _told(chunks: Iterable[bytes], on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    for chunk in chunks:
        if on_bytes:
            on_bytes(len(chunk))
        yield chunk


class _Source:
    """The bytes of a zip, in the pieces in which they come or by number. They end with BadAnswer."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._piece = memoryview(b"")
        self._place = 0

    def piece(self) -> memoryview:
        """What is left of the last piece, else the next one; never empty."""
        while self._place == len(self._piece):
            self._piece, self._place = memoryview(self._next()), 0
        rest = self._piece[self._place :]
        self._place = len(self._piece)
        return rest

    def give_back(self, count: int) -> None:
        """So many bytes of the last piece are still to come."""
        self._place -= count

    def ahead(self, size: int) -> bytes:
        """The next bytes, which are still to come."""
        if len(self._piece) - self._place < size:
            joined = bytes(self._piece[self._place :])
            while len(joined) < size:
                joined += self._next()
            self._piece, self._place = memoryview(joined), 0
        return bytes(self._piece[self._place : self._place + size])

    def exactly(self, size: int) -> bytes:
        found = self.ahead(size)
        self._place += size
        return found

    def to_the_end(self) -> None:
        for _ in self._chunks:
            pass

    def _next(self) -> bytes:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise _damaged()
        return chunk


@dataclass(slots=True)
class _Member:
    """What the header of a file says; where `later` is set, the sizes and the checksum are still unknown."""

    name: bytes
    method: int
    later: bool
    checksum: int
    packed: int
    size: int


def _members(source: _Source) -> Iterator[Arriving]:
    while (signature := source.exactly(4)) == _FILE:
        member = _member(source)
        content = _Coming(source, member)
        arriving = _arriving(member.name, content)
        if arriving is not None:
            yield arriving
        content.pass_by()
    if signature not in (_DIRECTORY, _END):
        raise _damaged()
    source.to_the_end()


def _member(source: _Source) -> _Member:
    flags, method, checksum, packed, size, name_length, extra_length = _HEADER.unpack(source.exactly(26))
    name, extra = source.exactly(name_length), source.exactly(extra_length)
    later = bool(flags & _LATER)
    if _IN_EXTRA in (packed, size):
        packed, size = _long_sizes(extra)
    usable = method == _DEFLATED or (method == _STORED and not later)
    if not usable or flags & ~(_LATER | _UTF8 | _HARMLESS):
        raise Unstreamable("The server's zip cannot be taken apart while it arrives.")
    return _Member(name, method, later, checksum, packed, size)


def _long_sizes(extra: bytes) -> tuple[int, int]:
    """Packed and not, from the extra field of a file beyond 4 GB (APPNOTE.TXT 4.5.3)."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _ZIP64 and 16 <= length <= len(extra) - 4:
            size, packed = struct.unpack_from("<QQ", extra, 4)
            return packed, size
        extra = extra[4 + length :]
    raise _damaged()


class _Coming(Content):
    """The content of a file while it comes, in pieces of bounded size."""

    def __init__(self, source: _Source, member: _Member) -> None:
        super().__init__(self._sized())
        self._source = source
        self._member = member
        self._packed = 0
        """Bytes of the zip so far."""
        self._checksum: int | None = None
        """What the bytes come to, where somebody reckons it."""

    def __iter__(self) -> Iterator[bytes]:
        self._checksum = 0
        return self._chunks  # itself: a generator around it would end it with a reader who stops early

    def damaged(self, chunks: Iterable[bytes]) -> bool:
        checksum = 0
        for chunk in chunks:
            checksum = zlib.crc32(chunk, checksum)
        return checksum != self._member.checksum

    def pass_by(self) -> None:
        for _ in self._chunks:
            pass

    def _sized(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stored() if self._member.method == _STORED else self._inflated():
            if self._checksum is not None:
                self._checksum = zlib.crc32(chunk, self._checksum)
            size += len(chunk)
            yield chunk
        if self._member.later:
            self._read_descriptor(size)
        right = (self._packed, size) == (self._member.packed, self._member.size)
        if not right or self._checksum not in (None, self._member.checksum):
            raise _damaged()

    def _stored(self) -> Iterator[bytes]:
        while self._packed < self._member.size:
            piece = self._source.piece()
            taken = bytes(piece[: self._member.size - self._packed])
            self._packed += len(taken)
            self._source.give_back(len(piece) - len(taken))
            yield taken

    def _inflated(self) -> Iterator[bytes]:
        inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        while not inflater.eof:
            given: bytes | memoryview = inflater.unconsumed_tail
            if not given:
                given = self._source.piece()
                self._packed += len(given)
            try:
                piece = inflater.decompress(given, CHUNK)
            except zlib.error:
                raise _damaged() from None
            if piece:
                yield piece
        self._packed -= len(inflater.unused_data)
        self._source.give_back(len(inflater.unused_data))

    def _read_descriptor(self, size: int) -> None:
        """What stands behind a file whose header did not tell: its sizes take four bytes each, or eight."""
        short = self._source.exactly(16)
        if not short.startswith(_DESCRIPTOR):
            raise Unstreamable("The server's zip cannot be taken apart while it arrives.")
        checksum, packed, told = struct.unpack_from("<III", short, 4)
        known = (packed, told) == (self._packed, size)
        if not known or self._source.ahead(4) not in (_FILE, _DIRECTORY):
            packed, told = struct.unpack("<QQ", short[8:] + self._source.exactly(8))
        self._member.checksum, self._member.packed, self._member.size = checksum, packed, told


def _damaged() -> BadAnswer:
    return BadAnswer("The server's zip is damaged or ended too early.", "Try again.")


def _arriving(raw: bytes, content: Content) -> Arriving | None:
    """None for a folder, and for what cannot be a file's path below a resource."""
    name = _text(raw)
    if name.endswith("/"):
        return None
    try:
        owner, resource, path = zips.split(name)
    except BadAnswer:  # whoever knows that this file should have come asks for it by itself, and hears why
        return None
    return Arriving(owner, resource, path, content)


def _text(raw: bytes) -> str:
    """XNAT writes UTF-8; a zip that says nothing about its names may be older than that."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")
