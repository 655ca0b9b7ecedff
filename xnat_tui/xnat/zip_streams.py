"""A zip of files taken apart while it arrives: nothing of it waits on the disk.

XNAT sends no length, and a failure in the middle ends a 200 answer early but cleanly. Every member is
compared with its own checksum and size as its last byte is read, so that what came before such an end is
proved, and what is missing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stream_unzip import NO_ENCRYPTION, UnsupportedFeatureError, UnzipError, stream_unzip

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat import zips
from xnat_tui.xnat.addresses import Value
from xnat_tui.xnat.connection import Connection
from xnat_tui.xnat.streams import CHUNK

_T = TypeVar("_T")


class Unstreamable(BadAnswer):
    """A zip that tells only at its end where its files are: `spooled` can take it apart."""


@dataclass(frozen=True, slots=True, repr=False)
class Arriving:
    """A file in the zip. `owner` are the segments left of `resources`: session, `scans`, ID and type."""

    owner: tuple[str, ...]
    resource: str
    path: str
    """Below the resource, with `/`; never absolute, never climbing, no control characters."""
    chunks: Iterator[bytes]
    """To be read before the next file is asked for; they end with BadAnswer where the checksum is wrong."""

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
        yield _members(_told(download, on_bytes))


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
        yield (Arriving(one.owner, one.resource, one.path, one.chunks()) for one in members)


def _told(chunks: Iterable[bytes], on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    for chunk in chunks:
        if on_bytes:
            on_bytes(len(chunk))
        yield chunk


def _members(chunks: Iterable[bytes]) -> Iterator[Arriving]:
    found = stream_unzip(chunks, chunk_size=CHUNK, allowed_encryption_mechanisms=(NO_ENCRYPTION,))
    for raw, _, content in _checked(found):
        checked = _checked(content)
        member = _arriving(raw, checked)
        if member is not None:
            yield member
        for _ in checked:
            pass


def _checked(parts: Iterator[_T]) -> Iterator[_T]:
    failure: BadAnswer
    try:
        yield from parts
    except UnsupportedFeatureError:
        failure = Unstreamable("The server's zip cannot be taken apart while it arrives.")
    except UnzipError:
        failure = _damaged()
    else:
        return
    raise failure


def _damaged() -> BadAnswer:
    return BadAnswer("The server's zip is damaged or ended too early.", "Try again.")


def _arriving(raw: bytes, chunks: Iterator[bytes]) -> Arriving | None:
    """None for a folder, and for what cannot be a file's path below a resource."""
    name = _text(raw)
    if name.endswith("/"):
        return None
    try:
        owner, resource, path = zips.split(name)
    except BadAnswer:  # whoever knows that this file should have come asks for it by itself, and hears why
        return None
    return Arriving(owner, resource, path, chunks)


def _text(raw: bytes) -> str:
    """XNAT writes UTF-8; a zip that says nothing about its names may be older than that."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")
