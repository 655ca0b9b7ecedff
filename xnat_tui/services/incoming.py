"""A hidden folder for files until they are proved, or passed on: what is in it is never taken for one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from xnat_tui.paths import private_folder

PREFIX = ".xnat-tui-incoming-"
_LOCK = "lock"


class Incoming:
    """The folder of one run (0700), made when it is first needed. Safe to use from several threads.

    Each run has its own, so that two in one export never write to one file. As long as a run lives it
    holds a lock in there; what a killed one left is cleared away by the next.
    """

    def __init__(self, export: Path) -> None:
        self._export = export
        self._folder: Path | None = None
        self._descriptor = -1
        self._numbers = count()
        self._lock = threading.Lock()

    def place(self) -> str:
        """Where a file that is about to be written can be; its name tells nothing."""
        with self._lock:
            if self._folder is None:
                clear(self._export)
                self._folder, self._descriptor = _locked_folder(private_folder(self._export))
            return f"{self._folder}/{next(self._numbers)}.part"

    def close(self) -> None:
        """Remove the folder, if one was made, with all that is in it."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                os.close(self._descriptor)
                self._folder = None


@contextmanager
def scratch() -> Iterator[Path]:
    """The same in the temporary folder, for one step."""
    place = Path(tempfile.gettempdir())
    clear(place)
    folder, descriptor = _locked_folder(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def clear(export: Path) -> None:
    """Remove what runs left there that live no more."""
    if not export.is_dir():
        return
    for folder in export.glob(f"{PREFIX}*"):
        if folder.is_symlink():
            continue
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # its run has just begun, was killed as it did, or is another user's
            with suppress(OSError):
                folder.rmdir()
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its run lives, or this file system has no locks: then nobody can tell
            continue
        finally:
            os.close(descriptor)


def _locked_folder(export: Path) -> tuple[Path, int]:
    """A new folder and its lock. Another run may clear it away before the lock is held: then one more."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=export))
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # a file system without locks: the others then leave the folder alone
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return folder, descriptor
        os.close(descriptor)
