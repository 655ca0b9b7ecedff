"""Files into an exported folder: only inside it, private, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import BadAnswer, Conflict
from xnat_tui.paths import private_folder

BATCH_FILES = 64
BATCH_BYTES = 64_000_000
"""Files are forced to the disk so many at a time: one by one would cost more than fetching them. They
stay open until then, in each of the workers."""


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
    if _mode(target, stat.S_ISLNK) or _mode(target, stat.S_ISDIR):
        raise _in_the_way(folder, target)
    return target


def _make_folders(folder: Path, names: list[str]) -> None:
    place = private_folder(folder)
    for name in names:
        place = place / name
        if not _mode(place, stat.S_ISDIR):
            with suppress(FileExistsError):
                place.mkdir(mode=0o700)
            if not _mode(place, stat.S_ISDIR):
                raise _in_the_way(folder, place)


def _mode(place: Path, is_it: Callable[[int], bool]) -> bool:
    """What stands at a place itself, whatever a link there points to; nothing is neither."""
    try:
        return is_it(os.lstat(place).st_mode)
    except FileNotFoundError:
        return False


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

    def sync(self) -> None:
        """Have the bytes on the disk."""
        os.fsync(self._descriptor)
        self._close()

    def drop(self) -> None:
        self._close()
        self.place.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(slots=True)
class Batch:
    """Written files that get their names together, once all of them are safely on the disk."""

    parts: list[Part] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.parts) >= BATCH_FILES or sum(part.size for part in self.parts) >= BATCH_BYTES

    def finish(self) -> list[Part]:
        """Those that are in their places now."""
        for part in self.parts:
            part.sync()
        for part in self.parts:
            part.place.replace(part.target)
        for folder in {part.target.parent for part in self.parts}:
            _sync_folder(folder)
        done, self.parts = self.parts, []
        return done

    def drop(self) -> None:
        for part in self.parts:
            part.drop()
        self.parts = []


def write_whole(target: Path, place: Path, body: bytes) -> Part:
    """Replace one file at once or not at all; `place` is where it is written first."""
    part = Part(target, place)
    part.write([body])
    return Batch([part]).finish()[0]


def _sync_folder(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
