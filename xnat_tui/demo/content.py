"""What a stored file consists of: bytes held in memory, or a pattern made while it is read."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Iterator
from functools import cached_property
from random import Random
from typing import IO, Protocol

CHUNK = 256 * 1024
IN_MEMORY_LIMIT = 32 * 1024 * 1024


class Content(Protocol):
    """The bytes of one file; ``size`` in bytes, ``md5`` as 32 lower-case hex digits."""

    @property
    def size(self) -> int: ...

    @property
    def md5(self) -> str: ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes in order, in pieces of at most ``CHUNK`` bytes."""
        ...


class BytesContent:
    """A file held in memory."""

    __slots__ = ("_md5", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._md5 = ""

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def md5(self) -> str:
        if not self._md5:
            self._md5 = _md5(self.chunks())
        return self._md5

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), CHUNK):
            yield self.data[start : start + CHUNK]


class PatternContent:
    """A file of any size that never exists whole: the same seed and size give the same bytes."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self.seed = seed

    @cached_property
    def md5(self) -> str:
        return _md5(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        block = Random(self.seed).randbytes(CHUNK)  # noqa: S311 - a pattern, not a secret
        for number, start in enumerate(range(0, self.size, CHUNK)):
            piece = number.to_bytes(8, "big") + block[8:]
            yield piece[: self.size - start]


class DiskContent:
    """A large upload, kept in its temporary file, which vanishes with this object."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = file.seek(0, os.SEEK_END)
        file.flush()
        self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    @cached_property
    def md5(self) -> str:
        return _md5(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, self.size, CHUNK):
            yield os.pread(self._descriptor, min(CHUNK, self.size - start), start)


def stored(file: IO[bytes]) -> BytesContent | DiskContent:
    """The content of an upload: in memory while it is small, else on disk."""
    if file.seek(0, os.SEEK_END) > IN_MEMORY_LIMIT:
        return DiskContent(file)
    file.seek(0)
    return BytesContent(file.read())


def _md5(chunks: Iterator[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
