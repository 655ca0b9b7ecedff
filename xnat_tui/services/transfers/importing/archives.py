"""Zips and tars of this machine, read member by member as streams: nothing is unpacked to disk.

Members go by their place in the archive, since names may repeat and need not be text. What an archive holds
is bounded before it is believed: one that swells beyond all measure is refused.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, cast

from xnat_tui.errors import XnatTuiError
from xnat_tui.services.transfers.importing.local_files import CHUNK, LocalFile
from xnat_tui.xnat.files.zips import DAMAGED

ZIP, TAR = "zip", "tar"
ALLOWED_BYTES = 4_000_000_000
"""What any archive may hold; a larger one …"""
ALLOWED_RATIO = 200
"""… holds at most so many times its own size. Masks that are all zeros shrink to a thousandth."""
_BROKEN = (*DAMAGED, tarfile.TarError, lzma.LZMAError, gzip.BadGzipFile, ValueError, LookupError)
"""What reading an archive raises where it is damaged; bz2 raises an OSError without a number."""
_ZIPPED = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ZIP_END = b"PK\x05\x06"
_LONGEST_END = 22 + 65_535
"""Bytes from where the end of a zip may begin: a comment follows (APPNOTE.TXT 4.3.16)."""
_MANY = 0xFFFF
"""Stands for a number of files that is written elsewhere."""
_PACKED: dict[bytes, Callable[[Path], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_OTHERS = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
_ZIP_NAMES = (".zip", ".zar")
_TAR_NAMES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
"""What is called so and cannot be read is a damaged archive, not just something else."""
_LONGEST_NAME = 1_000_000
"""Bytes of the header of a member in a tar: it is read into memory."""


class DamagedArchiveError(Exception):
    """Nothing more can be read of a member, or of an archive; the text is the reason in a word or two."""


class WorthlessArchiveError(DamagedArchiveError):
    """What was read of the archive before is not to be believed either."""


@dataclass(slots=True)
class Member:
    """One file in an archive, to be read before the next one is asked for. `problem`: why it cannot be."""

    file: LocalFile
    problem: str = ""
    opened: IO[bytes] | None = None

    def chunks(self) -> Iterator[bytes]:
        """Its bytes. Raises DamagedArchiveError, in a zip also at the end for a wrong checksum."""
        assert self.opened is not None, "it can be read"
        while chunk := _read(self.opened, CHUNK):
            yield chunk


def kind_of(path: Path) -> str:
    """ZIP, TAR, or "" for a file that is no archive. Raises OSError."""
    name = path.name.lower()
    with path.open("rb") as opened:
        start = opened.read(512)
    if start.startswith(_ZIPPED) or name.endswith(_ZIP_NAMES):
        return ZIP
    if _is_tar_header(start) or name.endswith(_TAR_NAMES):
        return TAR
    return TAR if start.startswith(tuple(_PACKED)) and _is_packed_tar(path) else ""


def looks_packed(start: bytes) -> bool:
    """Whether something is an archive, or compressed, by its first 512 bytes."""
    return start.startswith((*_ZIPPED, *_PACKED.keys(), *_OTHERS)) or _is_tar_header(start)


def members(file: LocalFile, kind: str) -> Iterator[Member]:
    """Every file in an archive, in its order. Raises DamagedArchiveError, OSError."""
    most = max(ALLOWED_BYTES, ALLOWED_RATIO * file.size)
    with _Archive(file.path, kind) as archive:
        total = archive.announced
        for member in archive.members(file):
            total += 0 if archive.announced else member.file.size
            if total > most:
                raise WorthlessArchiveError(f"it would swell to more than {most} bytes")
            yield member
        archive.check_rest(most)


class Contents:
    """Opens files, and members of archives: those of one archive in their order are read in one go."""

    def __init__(self) -> None:
        self._archive: _Archive | None = None

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive is not None:
            self._archive.__exit__()
            self._archive = None

    def chunks(self, file: LocalFile) -> Iterator[bytes]:
        """All its bytes. Raises XnatTuiError where it cannot be read."""
        reason = ""
        try:
            with self._opened(file) as opened:
                while chunk := _read(opened, CHUNK):
                    yield chunk
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except DamagedArchiveError as error:
            reason = str(error)
        if reason:
            raise XnatTuiError(f"{file.name} cannot be read: {reason}.", "Check it, and plan again.")

    @contextmanager
    def _opened(self, file: LocalFile) -> Iterator[IO[bytes]]:
        if file.member is None:
            with file.path.open("rb") as opened:
                yield opened
            return
        if self._archive is None or not self._archive.has_ahead(file):
            self.__exit__()
            self._archive = _Archive(file.path, kind_of(file.path))
        with self._archive.open(file.member) as opened:
            yield opened


class _Archive:
    """A zip or tar while it is read. Raises DamagedArchiveError, OSError."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path = path
        self._files = ExitStack()
        self._at = -1
        self._zip = self._tar = None
        with _named():
            if kind == ZIP:
                self._zip = self._files.enter_context(_listed(path))
            else:
                self._stream = self._files.enter_context(_unpacking(path))
                self._tar = self._files.enter_context(
                    tarfile.TarFile.open(fileobj=self._stream, mode="r|", tarinfo=_Entry)
                )

    @property
    def announced(self) -> int:
        """Bytes of all members, where the archive tells before they are read."""
        return sum(info.file_size for info in self._zip.infolist()) if self._zip is not None else 0

    def check_rest(self, most: int) -> None:
        """Read a tar to its end, where what it is packed with keeps a checksum of all of it."""
        if self._tar is None:
            return
        try:
            for _ in range(most // CHUNK):
                if not _read(self._stream, CHUNK):
                    return
        except DamagedArchiveError:
            pass
        raise WorthlessArchiveError("its checksum is wrong: a file in it is not what it was")

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def has_ahead(self, file: LocalFile) -> bool:
        """Whether a member can be opened without beginning again."""
        assert file.member is not None, "it stands in an archive"
        return file.path == self._path and (self._zip is not None or file.member > self._at)

    def members(self, file: LocalFile) -> Iterator[Member]:
        if self._zip is not None:
            for number, info in enumerate(self._zip.infolist()):
                if info.is_dir():
                    continue
                inside = LocalFile.within(file, number, info.filename, info.file_size)
                member = self._zipped(inside, info)
                with member.opened or nullcontext():  # an open member keeps the archive's file open
                    yield member
            return
        while (entry := self._next()) is not None:
            if entry.isdir():
                continue
            inside = LocalFile.within(file, self._at, entry.name, entry.size)
            if not entry.isreg():
                yield Member(inside, "a link or a device, no file")
                continue
            with self._taken(entry) as opened:
                yield Member(inside, opened=opened)

    @contextmanager
    def open(self, number: int) -> Iterator[IO[bytes]]:
        if self._zip is not None:
            with _named():
                infos = self._zip.infolist()
                opened = self._zip.open(infos[number])
            with opened:
                yield opened
            return
        while self._at < number:
            entry = self._next()
            if entry is None:
                raise DamagedArchiveError("the archive has changed since it was planned")
        assert entry is not None, "it is further on"
        with self._taken(entry) as taken:
            yield taken

    def _zipped(self, inside: LocalFile, info: zipfile.ZipInfo) -> Member:
        assert self._zip is not None
        if info.flag_bits & 0x1:
            return Member(inside, "encrypted")
        try:
            with _named():
                return Member(inside, opened=self._zip.open(info))
        except DamagedArchiveError as error:
            return Member(inside, str(error))

    def _next(self) -> tarfile.TarInfo | None:
        assert self._tar is not None
        with _named():
            entry = self._tar.next()
            self._tar.members = []  # type: ignore[attr-defined]  # it would remember every one
        self._at += 1
        return entry

    @contextmanager
    def _taken(self, entry: tarfile.TarInfo) -> Iterator[IO[bytes]]:
        assert self._tar is not None
        with _named():
            opened = self._tar.extractfile(entry)
        yield opened or io.BytesIO()


class _Entry(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Raises TarError for what tarfile would read into memory however long it is."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.size > _LONGEST_NAME and entry.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE):
            raise tarfile.TarError("a header without end")
        return entry


def _listed(path: Path) -> zipfile.ZipFile:
    """A zip with the list of its files, which stands at its end. Raises DamagedArchiveError, OSError."""
    with path.open("rb") as opened:
        begins = opened.read(4).startswith(_ZIPPED)
        opened.seek(-min(path.stat().st_size, _LONGEST_END), os.SEEK_END)
        _, end, rest = opened.read().rpartition(_ZIP_END)
    if not begins and not end:
        raise DamagedArchiveError("no zip, though it is called so, or its beginning and its end are lost")
    if not end:
        raise DamagedArchiveError("cut at its end, where a zip lists its files")
    try:
        found = zipfile.ZipFile(path)
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        found = None
    if found is None or not _lists_all(found, rest):
        raise DamagedArchiveError("damaged where a zip lists its files")
    return found


def _lists_all(opened: zipfile.ZipFile, end: bytes) -> bool:
    """Whether as many files are listed as the end announces: damage can hide one in another's name."""
    (announced,) = struct.unpack("<H", end[6:8]) if len(end) >= 8 else (_MANY,)
    return bool(announced == _MANY or announced == len(opened.infolist()) % (_MANY + 1))


@contextmanager
def _named() -> Iterator[None]:
    """All that damage raises becomes one error."""
    reason = ""
    try:
        yield
    except DamagedArchiveError:
        raise
    except NotImplementedError:
        reason = "packed in a way that is not known"
    except _BROKEN:
        reason = "damaged"
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a place before the beginning, which a zip named
            raise
        reason = "damaged"
    if reason:
        raise DamagedArchiveError(reason)


def _read(opened: IO[bytes], size: int) -> bytes:
    with _named():
        return opened.read(size)


def _unpacking(path: Path) -> IO[bytes]:
    """A tar as it is, or through what it is packed with. Raises OSError."""
    with path.open("rb") as opened:
        start = opened.read(8)
    for magic, unpack in _PACKED.items():
        if start.startswith(magic):
            return cast(IO[bytes], unpack(path))
    return path.open("rb")


def _is_tar_header(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _is_packed_tar(path: Path) -> bool:
    with _unpacking(path) as opened, suppress(DamagedArchiveError):
        return _is_tar_header(_read(opened, 512))
    return False
