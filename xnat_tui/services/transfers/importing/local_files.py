"""Files of this machine that are to be sent: found, measured, told apart."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.work import FileToSend

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class LocalFile:
    """A file, and the path under which it is sent: its own name, or its way below the named folder.

    A file in an archive is the `member`-th there; `path` is then that of the archive, which had
    `archive_size` bytes.
    """

    path: Path
    name: str
    size: int
    member: int | None = None
    archive_size: int = 0

    @classmethod
    def within(cls, archive: LocalFile, member: int, name: str, size: int) -> LocalFile:
        shown = f"{archive.name}/{name}".encode("utf-8", "replace").decode()
        return cls(archive.path, shown, size, member, archive.size)

    def __repr__(self) -> str:
        return f"<LocalFile of {self.size} bytes>"

    def check(self) -> None:
        """Raises XnatTuiError where it is gone, or has another size than when it was planned."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            reason = error.strerror or type(error).__name__
        else:
            planned = self.size if self.member is None else self.archive_size
            if size == planned:
                return
            reason = f"it had {planned} bytes when this was planned, now {size}"
        raise XnatTuiError(f"{self.name} cannot be sent: {reason}.", "Plan again.")

    def md5(self) -> str:
        """Lower-case hex. Raises XnatTuiError where it cannot be read."""
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with self.path.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    digest.update(chunk)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        else:
            return digest.hexdigest()
        raise XnatTuiError(f"{self.name} cannot be read: {reason}.", "Check its rights.")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at some paths. `left_out`: neither file nor folder, or a name that no server can keep."""

    files: tuple[LocalFile, ...]
    left_out: tuple[str, ...] = ()


def collect(paths: Iterable[Path]) -> Found:
    """Files by themselves, folders with all below them, sorted; links to folders are not followed.

    Raises NotFound for a path that is not there, XnatTuiError for a folder that cannot be read.
    """
    files: list[LocalFile] = []
    left_out: list[str] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.", "Check the path.")
        members = _below(path) if path.is_dir() else [(path, path.name)]
        for member, name in members:
            if not _is_file(member) or not _is_text(name):
                left_out.append(name.encode("utf-8", "replace").decode())
            else:
                files.append(LocalFile(member.absolute(), name, member.stat().st_size))
    return Found(tuple(files), tuple(left_out))


def packed(files: Iterable[LocalFile]) -> tuple[FileToSend, ...]:
    """Files as a step carries them."""
    return tuple(FileToSend(str(one.path), one.name, one.size, one.member, one.archive_size) for one in files)


def unpacked(files: Iterable[FileToSend]) -> list[LocalFile]:
    """The files that a step carries, as they were found."""
    return [LocalFile(Path(one.path), one.name, one.size, one.member, one.archive_size) for one in files]


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    def failed(error: OSError) -> None:
        raise XnatTuiError(f"{error.filename} cannot be read: {error.strerror}.", "Check its rights.")

    for where, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        for name in sorted(names):
            member = Path(where) / name
            yield member, member.relative_to(folder).as_posix()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
