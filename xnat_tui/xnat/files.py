"""One file from a server to a folder, whole and verified or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.xnat.connection import Connection


@dataclass(frozen=True, slots=True)
class Saved:
    """What arrived: its bytes, and their MD5 in lower-case hex, the digest that XNAT's catalogs keep."""

    bytes: int
    md5: str


def save(
    connection: Connection,
    path: str,
    target: Path,
    *,
    size: int | None,
    digest: str | None,
    on_bytes: Callable[[int], None] | None = None,
) -> Saved:
    """Download into a hidden file beside it (0600, a name of nobody else's), check, then rename.

    `size` and `digest` (MD5, hex) are those of the server's listing, None where it has none. Raises
    BadAnswer where what came differs, whatever the download raises, and XnatTuiError where the disk
    refuses. Nothing is left behind then.
    """
    failure: XnatTuiError
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".xnat-tui-", suffix=".part", dir=target.parent)
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as opened:
                saved = _receive(connection, path, opened.fileno(), on_bytes)
            _check(saved, size, digest)
            part.replace(target)
        except BaseException:
            with suppress(OSError):  # what went wrong first is what the user must hear
                part.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        failure = XnatTuiError(
            f"{target.name} cannot be written: {error.strerror or type(error).__name__}.",
            "Check the folder, its rights and the space left.",
        )
    else:
        return saved
    raise failure


def _receive(
    connection: Connection, path: str, descriptor: int, on_bytes: Callable[[int], None] | None
) -> Saved:
    md5 = hashlib.md5(usedforsecurity=False)
    count = 0
    with connection.download(path) as download:
        for chunk in download:
            _write_all(descriptor, chunk)
            md5.update(chunk)
            count += len(chunk)
            if on_bytes:
                on_bytes(len(chunk))
    os.fsync(descriptor)
    return Saved(count, md5.hexdigest())


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _check(saved: Saved, size: int | None, digest: str | None) -> None:
    if size is not None and saved.bytes != size:
        raise BadAnswer(
            f"{saved.bytes} bytes came, the server lists {size}.", "Reload the listing, try again."
        )
    if digest and saved.md5 != digest.lower():
        raise BadAnswer("What came has another checksum than the server lists.", "Try again.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
