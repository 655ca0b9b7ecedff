"""`manifest.jsonl`: what an export fetched, line by line as it arrived, and what each file's bytes were.

The first line says what the folder is; every other one describes one file, or binds a name to the item
that has it. A later line about a path replaces an earlier one. A line is appended with one write, so that
a process which is killed leaves at most its last line unfinished; that one is not believed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from xnat_tui.errors import BadAnswer, Conflict, XnatTuiError
from xnat_tui.model.entities import Item
from xnat_tui.model.options import Layout
from xnat_tui.model.work import Binding
from xnat_tui.paths import private_folder

NAME = "manifest.jsonl"
FORMAT = 2
_FORMATS = (1, FORMAT)
"""1 had no names that are bound to their items."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an export."""

    path: str
    """Below the folder, with `/`."""
    size: int
    md5: str
    """Of the bytes that were written, lower-case hex."""
    location: str
    """Where it came from, in the short form."""
    item: str = ""
    """The same in XNAT's own words, from the project down: `projects/P/subjects/S/...`."""
    server: str = ""
    """The server's address."""
    uri: str = ""
    """Where the server answered for it, by IDs: tells two files of one location apart."""
    user: str = ""
    time: str = ""
    """UTC, ISO 8601."""
    source_digest: str = ""
    """The MD5 that the server's catalog had; "" where it had none."""
    original: str = ""
    """Its path as the server's names would make it, where that could not be kept."""
    kind: str = "file"
    """`file`, or `metadata` for what the export wrote beside the archive's files."""
    mtime: int = 0
    """Nanoseconds: while it and the size stay, the bytes need not be read again."""


_FIELDS = {field.name: str(field.type) for field in fields(Entry)}


class Manifest:
    """The manifest of one folder; what it holds already is read at once. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = ""
        """The layout that the folder was begun with; "" where there is no manifest yet."""
        self._entries: dict[str, Entry] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], dict[str, None]] = {}
        self._bindings: dict[str, Binding] = {}
        self._read_to = 0
        self._lock = threading.Lock()
        self._read()

    @property
    def exists(self) -> bool:
        return bool(self.layout)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries.values()))

    def get(self, path: str) -> Entry | None:
        with self._lock:
            return self._entries.get(path)

    def place_of(self, server: str, uri: str) -> str:
        """Where a server's file was put; "" for one that never came."""
        with self._lock:
            return self._places.get((server, uri), "")

    def names_of(self, server: str, uri: str) -> list[str]:
        """Every place that a server's file was put at, the last one first."""
        with self._lock:
            return list(reversed(self._names.get((server, uri), {})))

    def doubles(self) -> list[tuple[Entry, str]]:
        """Files that another name of their item has succeeded, and that are still there; with that name."""
        with self._lock:
            entries = [one for one in self._entries.values() if one.kind == "file" and one.uri]
            places = [self._places[one.server, one.uri] for one in entries]
        found = [(one, now) for one, now in zip(entries, places, strict=True) if now != one.path]
        return [(one, now) for one, now in found if os.path.lexists(self.folder / one.path)]

    def is_here(self, path: str, uri: str, server: str) -> bool:
        """Whether this is the place that an item's file is known by, and not an earlier one of it."""
        return self.get(path) is not None and self.place_of(server, uri) == path

    def places_of(self, server: str, resource: str, paths: Iterable[str]) -> dict[str, str]:
        """Where files of a resource were put, by path; those that never came are not in it."""
        found = {path: self.place_of(server, f"{resource}/files/{path}") for path in paths}
        return {path: place for path, place in found.items() if place}

    @property
    def bindings(self) -> list[Binding]:
        """Every name that an item has here, in the order in which they were given."""
        with self._lock:
            return list(self._bindings.values())

    def bind(self, bindings: Iterable[Binding]) -> None:
        """Note whose these names are, before anything gets them; what is noted already costs nothing.

        Raises Conflict for a name that another export in this folder has given to another item since.
        """
        wanted = list(bindings)
        with self._lock:
            if all(self._bindings.get(one.key) == one for one in wanted):
                return
            with self._alone():
                self._read()
                for one in wanted:
                    known = self._bindings.get(one.key, one)
                    if known.owner != one.owner:
                        raise Conflict(
                            f"{one.name} has become the name of another item here.", "Plan the export again."
                        )
                fresh = [one for one in wanted if self._bindings.get(one.key) != one]
                self._append(
                    [{"name": one.name, "layout": one.layout, "owner": list(one.owner)} for one in fresh]
                )
                self._bindings |= {one.key: one for one in fresh}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process binds names here."""
        private_folder(self.folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.folder / NAME, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def has(self, path: str, item: Item, uri: str, server: str) -> bool:
        """Whether a file is there as the server lists it, by its line here and its size and time.

        Nothing is read of the file itself: a change that keeps size and time is what verifying finds.
        """
        entry = self.get(path)
        if entry is None or (entry.uri, entry.server) != (uri, server):
            return False
        if item.bytes not in (None, entry.size) or (item.digest and item.digest != entry.md5):
            return False
        try:
            found = os.lstat(f"{self.folder}/{path}")
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (entry.size, entry.mtime)

    def belongs_to_another(self, path: str, uri: str, server: str) -> bool:
        """Whether a file of something else is there: what another export brought, and must not be lost."""
        entry = self.get(path)
        if entry is None or not entry.uri or (entry.uri, entry.server) == (uri, server):
            return False
        return os.path.lexists(self.folder / path)

    def begin(self, layout: Layout) -> None:
        """Write the first line, unless there is one."""
        with self._lock:
            if not self.layout:
                self.layout = str(layout)
                self._append([{"manifest": FORMAT, "layout": self.layout}])

    def add(self, entries: Iterable[Entry]) -> None:
        """Note files that are complete on disk."""
        added = list(entries)
        with self._lock:
            for entry in added:
                self._keep(entry)
            if added:
                self._append([{name: getattr(entry, name) for name in _FIELDS} for entry in added])

    def _append(self, records: list[dict[str, Any]]) -> None:
        private_folder(self.folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self.folder / NAME, flags, 0o600)
        try:
            text = "".join(json.dumps(record) + "\n" for record in records)
            if _ends_in_mid_line(descriptor):
                text = "\n" + text
            rest = memoryview(text.encode())
            before, size = os.lseek(descriptor, 0, os.SEEK_END), len(rest)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
            if before == self._read_to and os.lseek(descriptor, 0, os.SEEK_END) == before + size:
                self._read_to = before + size  # nobody else has written: all of it is known
        finally:
            os.close(descriptor)

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.path] = entry
        if entry.uri:
            self._places[entry.server, entry.uri] = entry.path
            names = self._names.setdefault((entry.server, entry.uri), {})
            names.pop(entry.path, None)
            names[entry.path] = None

    def _read(self) -> None:
        """Take what has been written since the last time."""
        records, self._read_to = _records(self.folder / NAME, self._read_to)
        for record in records:
            self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        if "manifest" in record:
            if record["manifest"] not in _FORMATS:
                raise XnatTuiError(
                    f"{self.folder}: its manifest was written by another version of this program."
                )
            self.layout = str(record.get("layout", ""))
            return
        if "owner" in record:
            bound = _binding(record)
            if bound is None:
                raise BadAnswer(f"{self.folder / NAME} holds a line that binds no name in it.")
            self._bindings[bound.key] = bound
            return
        known = {name: record[name] for name in _FIELDS if name in record}
        if not _is_entry(known):
            raise BadAnswer(f"{self.folder / NAME} holds a line that describes no file in it.")
        self._keep(Entry(**known))


def _binding(record: dict[str, Any]) -> Binding | None:
    name, layout, owner = (record.get(key) for key in ("name", "layout", "owner"))
    if not (isinstance(name, str) and isinstance(layout, str) and isinstance(owner, list)):
        return None
    if any(part in ("", ".", "..") for part in name.split("/")):
        return None
    return Binding(name, layout, tuple(owner)) if all(isinstance(part, str) for part in owner) else None


def _is_entry(record: dict[str, Any]) -> bool:
    types = {"str": str, "int": int}
    needed = {"path", "size", "md5", "location"} <= record.keys()
    if not needed or any(part in ("", ".", "..") for part in str(record["path"]).split("/")):
        return False
    return all(isinstance(value, types[_FIELDS[name]]) for name, value in record.items())


def _ends_in_mid_line(descriptor: int) -> bool:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _records(path: Path, start: int) -> tuple[list[dict[str, Any]], int]:
    """Every whole line from a position on, and the position behind the last of them.

    A line that a killed process left unfinished is passed over.
    """
    try:
        with path.open("rb") as opened:
            opened.seek(start)
            text = opened.read()
    except FileNotFoundError:
        return [], start
    found = []
    for line in text.split(b"\n"):
        try:
            record = json.loads(line) if line else None
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found, start + text.rfind(b"\n") + 1


def md5_of(path: Path) -> str:
    """The MD5 of a file's bytes, in lower-case hex. Raises OSError, also for a pipe, which could keep
    its reader for ever; a symbolic link is not followed.
    """
    found = hashlib.md5(usedforsecurity=False)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no ordinary file")
        while chunk := opened.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
