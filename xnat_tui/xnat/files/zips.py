"""A zip of files as XNAT streams it: fetched whole, and taken apart.

XNAT sends no length, and a failure in the middle ends a 200 answer early but cleanly. The central
directory at the end and the checksum of every member are the only evidence that it is whole
(`docs/xnat-contract.md` 4.6).
Entries are named `{session}/scans/{ID}-{type}/resources/{R}/files/{path}`; where the whole session was asked
for with `all`, scans are named by their ID alone. XNAT makes the names by replacing texts: a path that has
the session's or a scan's ID in it may come changed, and its file must then be asked for by itself.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.xnat.http.addresses import Value
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.http.streams import CHUNK

IN_MEMORY = 8_000_000
"""Bytes up to which a zip never touches the disk."""
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What reading a member raises where the zip is damaged, beside OSError."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and what is no character at all."""
_DRIVE = re.compile(r"[A-Za-z]:")
_HINT = "Try again, or ask for less at once: one scan, or one resource."


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the zip. `owner` are the segments left of `resources`: session, `scans`, ID and type."""

    owner: tuple[str, ...]
    resource: str
    path: str
    """Below the resource, with `/`; never absolute, never climbing, no control characters."""
    size: int
    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo

    def open(self) -> IO[bytes]:
        """Its bytes. Several members can be open at once, in one thread."""
        return self._archive.open(self._info)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes; they end with BadAnswer where the zip is damaged."""
        try:
            with self.open() as opened:
                while chunk := opened.read(CHUNK):
                    yield chunk
        except DAMAGED:
            damaged = True
        else:
            damaged = False
        if damaged:
            raise BadAnswer("The server's zip is damaged: a file in it cannot be read.", _HINT)

    def __repr__(self) -> str:
        return f"<Member of {self.size} bytes>"


@contextmanager
def fetch(
    connection: Connection,
    path: str,
    /,
    *,
    folder: Path | None = None,
    on_bytes: Callable[[int], None] | None = None,
    **params: Value,
) -> Iterator[tuple[Member, ...]]:
    """Download `path` as a zip (`format=zip` is added) and give its members, each tested as it is read.

    The temporary file has no name that another user could open and is gone afterwards; `folder` says
    where it is kept. Raises NotFound where there is nothing to zip, and BadAnswer for a zip that is cut
    off, holds a name twice, or a name that must not become a path.
    """
    with archive(connection, path, folder=folder, on_bytes=on_bytes, **params) as opened:
        yield members(opened)


@contextmanager
def archive(
    connection: Connection,
    path: str,
    /,
    *,
    folder: Path | None = None,
    on_bytes: Callable[[int], None] | None = None,
    **params: Value,
) -> Iterator[zipfile.ZipFile]:
    """The zip as it came, for what is not laid out as resources and files: its names are not checked."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder) if folder else None) as spool:
        _receive(connection, path, {"format": "zip", **params}, spool, on_bytes)
        with _opened(spool) as opened:
            yield opened


def members(archive: zipfile.ZipFile) -> tuple[Member, ...]:
    """Every file of an archive. Raises BadAnswer as `fetch` does."""
    found: dict[str, Member] = {}
    for info in archive.infolist():
        if info.is_dir():
            continue
        member = _member(archive, info)
        if info.filename in found:
            raise BadAnswer("The server's zip holds two files of the same name.", _HINT)
        found[info.filename] = member
    return tuple(found.values())


def split(name: str) -> tuple[tuple[str, ...], str, str]:
    """The name of an entry → owner's segments, resource label, path below the resource.

    Splits at the first `resources/{R}/files/` from the left, as paths below a resource may repeat it.
    Raises BadAnswer for a name without it, absolute, with `..`, a drive, or control characters.
    """
    parts = name.split("/")
    if _UNPRINTABLE.search(name) or not _safe(name):
        raise BadAnswer(
            "The server's zip holds a name that cannot be a file's path.", "Ask its administrator."
        )
    for place in range(len(parts) - 3):
        if parts[place] == "resources" and parts[place + 2] == "files":
            path = "/".join(parts[place + 3 :])
            if not _safe(path):
                break
            return tuple(parts[:place]), parts[place + 1], path
    raise BadAnswer("The server's zip is not laid out as resources and files.", _HINT)


def _safe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return not (_DRIVE.match(name) or "" in parts or "." in parts or ".." in parts)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    owner, resource, path = split(info.orig_filename)
    return Member(owner, resource, path, info.file_size, archive, info)


@contextmanager
def _opened(spool: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(spool)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        archive = None
    if archive is None:
        raise BadAnswer("The server's zip ended too early or is no zip.", _HINT)
    with archive:
        yield archive


def _receive(
    connection: Connection,
    path: str,
    params: dict[str, Value],
    spool: IO[bytes],
    on_bytes: Callable[[int], None] | None,
) -> None:
    failure: XnatTuiError
    with connection.download(path, **params) as download:
        for chunk in download:
            try:
                spool.write(chunk)
            except OSError as error:
                failure = XnatTuiError(
                    f"The temporary file cannot be written: {error.strerror or type(error).__name__}.",
                    "Free space in the temporary folder, or set TMPDIR to another.",
                )
            else:
                if on_bytes:
                    on_bytes(len(chunk))
                continue
            raise failure
    spool.seek(0)
