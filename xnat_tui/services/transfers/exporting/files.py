"""Files into an exported folder: only inside it, private, whole or not at all.

Places are words here: to make a Path of each takes longer than to write a small file.
"""

# ruff: noqa: PTH102, PTH104, PTH108, PTH120

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import BadAnswer, Conflict
from xnat_tui.paths import private_folder

_NOWHERE = frozenset({"", ".", ".."})
_AT_ONCE = os.sysconf("SC_IOV_MAX")
"""Pieces that one call can write."""


def inside(folder: Path, name: str, known: set[str] | None = None) -> str:
    """Where a file of this name goes, with the folders on the way made (0700).

    Raises Conflict where a symbolic link, or something else that is no folder, stands in the way, and
    BadAnswer for a name that would leave the folder. The folders in `known` are not looked at again, and
    it learns of these: with 10,000 files in one place, looking costs more than fetching.
    """
    *above, last = name.split("/")
    if not _NOWHERE.isdisjoint((*above, last)) or "\0" in name:
        raise BadAnswer("A name would leave the exported folder.")
    holder = name[: -len(last)]
    if known is None or holder not in known:
        _make_folders(folder, above, set() if known is None else known)
    target = f"{folder}/{name}"
    mode = _mode(target)
    if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        raise _in_the_way(folder, name)
    return target


def _make_folders(folder: Path, names: list[str], known: set[str]) -> None:
    """Those in `known` are there; it learns of the others, each with a `/` at its end."""
    if not known:
        private_folder(folder)
    below = ""
    for name in names:
        below += f"{name}/"
        if below in known:
            continue
        place = f"{folder}/{below[:-1]}"
        if not stat.S_ISDIR(_mode(place)):
            with suppress(FileExistsError):
                os.mkdir(place, mode=0o700)
            if not stat.S_ISDIR(_mode(place)):
                raise _in_the_way(folder, below[:-1])
        known.add(below)


def _mode(place: str) -> int:
    """What stands at a place itself, whatever a link there points to; 0 for nothing."""
    try:
        return os.lstat(place).st_mode
    except FileNotFoundError:
        return 0


def _in_the_way(folder: Path, name: str) -> Conflict:
    what = "a symbolic link" if (folder / name).is_symlink() else "something else"
    return Conflict(f"At {name} stands {what}.", "Move it away, or export to another folder.")


@dataclass(slots=True)
class Part:
    """A file that is being written where nobody takes it for a whole one."""

    target: str
    place: str
    """On the target's file system; nothing is there yet."""
    size: int = 0
    md5: str = ""
    mtime: int = 0
    """Nanoseconds, once it has landed."""
    _descriptor: int = -1

    def write(self, chunks: Iterable[bytes]) -> None:
        """A sequence with one call, anything else chunk by chunk as it comes.

        Raises OSError and whatever reading raises; nothing is left behind then.
        """
        digest = hashlib.md5(usedforsecurity=False)
        self._descriptor = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for batch in [chunks] if isinstance(chunks, Sequence) else ([chunk] for chunk in chunks):
                for chunk in batch:
                    digest.update(chunk)
                    self.size += len(chunk)
                self._append(batch)
        except BaseException:
            self.drop()
            raise
        self.md5 = digest.hexdigest()

    def _append(self, chunks: Sequence[bytes]) -> None:
        for start in range(0, len(chunks), _AT_ONCE):
            left: list[bytes | memoryview] = list(chunks[start : start + _AT_ONCE])
            while left:
                written = os.writev(self._descriptor, left)
                while left and written >= len(left[0]):
                    written -= len(left.pop(0))
                if written:
                    left[0] = memoryview(left[0])[written:]

    def land(self) -> None:
        """Have the bytes safely on the disk, then give them their name. Raises OSError; nothing is left then.

        Several threads at once take hardly longer than one: file systems join what is synced together.
        """
        try:
            os.fsync(self._descriptor)
            self.mtime = os.fstat(self._descriptor).st_mtime_ns
            self._close()
            os.rename(self.place, self.target)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Leave nothing of it."""
        self._close()
        with suppress(FileNotFoundError):
            os.unlink(self.place)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_whole(target: str, place: str, body: bytes) -> Part:
    """Replace one file at once or not at all; `place` is where it is written first."""
    part = Part(target, place)
    part.write([body])
    part.land()
    sync_folders([part])
    return part


def sync_folders(parts: Iterable[Part]) -> None:
    """Have the names of files that landed on the disk as well."""
    for folder in folders_of(parts):
        sync_folder(folder)


def folders_of(parts: Iterable[Part]) -> set[str]:
    """The folders that these land in."""
    return {os.path.dirname(part.target) for part in parts}


def sync_folder(folder: str) -> None:
    """Have the names in it on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
