"""Files into an exported folder: only inside it, private, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.errors import BadAnswer, Conflict
from xnat_tui.paths import private_folder


def inside(folder: Path, name: str, known: set[Path] | None = None) -> Path:
    """Where a file of this name goes, with the folders on the way made (0700).

    Raises Conflict where a symbolic link, or something else that is no folder, stands in the way, and
    BadAnswer for a name that would leave the folder. The folders in `known` are not looked at again, and
    it learns of this one: with 10,000 files in one place, looking costs more than fetching.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise BadAnswer("A name would leave the exported folder.")
    target = folder.joinpath(*parts)
    if known is None or target.parent not in known:
        _make_folders(folder, parts[:-1])
        if known is not None:
            known.add(target.parent)
    mode = _mode(target)
    if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        raise _in_the_way(folder, target)
    return target


def _make_folders(folder: Path, names: list[str]) -> None:
    place = private_folder(folder)
    for name in names:
        place = place / name
        if not stat.S_ISDIR(_mode(place)):
            with suppress(FileExistsError):
                place.mkdir(mode=0o700)
            if not stat.S_ISDIR(_mode(place)):
                raise _in_the_way(folder, place)


def _mode(place: Path) -> int:
    """What stands at a place itself, whatever a link there points to; 0 for nothing."""
    try:
        return os.lstat(place).st_mode
    except FileNotFoundError:
        return 0


def _in_the_way(folder: Path, place: Path) -> Conflict:
    what = "a symbolic link" if place.is_symlink() else "something else"
    return Conflict(
        f"At {place.relative_to(folder)} stands {what}.", "Move it away, or export to another folder."
    )


@dataclass(slots=True)
class Part:
    """A file that is being written where nobody takes it for a whole one."""

    target: Path
    place: Path
    """On the target's file system; nothing is there yet."""
    size: int = 0
    md5: str = ""
    _descriptor: int = -1

    def write(self, chunks: Iterable[bytes]) -> None:
        """Raises OSError and whatever reading raises; nothing is left behind then."""
        digest = hashlib.md5(usedforsecurity=False)
        self._descriptor = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                digest.update(chunk)
                self.size += len(chunk)
        except BaseException:
            self.drop()
            raise
        self.md5 = digest.hexdigest()

    def land(self) -> None:
        """Have the bytes safely on the disk, then give them their name. Raises OSError; nothing is left then.

        Several threads at once take hardly longer than one: file systems join what is synced together.
        """
        try:
            os.fsync(self._descriptor)
            self._close()
            self.place.replace(self.target)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        self._close()
        self.place.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_whole(target: Path, place: Path, body: bytes) -> Part:
    """Replace one file at once or not at all; `place` is where it is written first."""
    part = Part(target, place)
    part.write([body])
    part.land()
    sync_folders([part])
    return part


def sync_folders(parts: Iterable[Part]) -> None:
    """Have the names of files that landed on the disk as well."""
    for folder in {part.target.parent for part in parts}:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
