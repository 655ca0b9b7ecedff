"""Prove an export: its files' bytes against its manifest, a server's listing, or another folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.pairing import FieldDifference, Status
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.comparing.verified_sides import Folder, Ledger, Record, Scope, server_ledger
from xnat_tui.services.reading.reader import Reader


@dataclass(frozen=True, slots=True)
class Finding:
    """One path and what became of it."""

    path: str
    kind: str
    status: Status
    fields: tuple[FieldDifference, ...] = ()
    unverified: bool = False
    """Equal by size, while a side has no digest."""
    note: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """An item of `compare`'s document; `unverified`, `note` and `reason` only where there is one."""
        found: dict[str, Any] = {
            "path": self.path,
            "kind": self.kind,
            "status": str(self.status),
            "fields": [asdict(difference) for difference in self.fields],
        }
        optional = {"unverified": self.unverified, "note": self.note, "reason": self.reason}
        return found | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True, slots=True)
class Verification:
    """Two sides, file by file."""

    source: Ledger
    destination: Ledger
    findings: tuple[Finding, ...]

    @property
    def summary(self) -> dict[str, int]:
        """As a comparison counts: what is equal without a digest is `unverified`, and not `same`."""
        counts = Counter("unverified" if one.unverified else str(one.status) for one in self.findings)
        names = ("same", "differs", "only_source", "only_destination", "unreadable", "unverified")
        return {name: counts[name] for name in names}

    def document(self, *, everything: bool = False, seconds: float = 0.0) -> dict[str, Any]:
        """The JSON document of `verify`, which is that of `compare` at the depth `digests`."""
        return {
            "source": self.source.name,
            "destination": self.destination.name,
            "depth": "digests",
            "summary": self.summary,
            "items": [one.to_dict() for one in self.findings if everything or one.status is not Status.SAME],
            "requests": {"source": self.source.requests, "destination": self.destination.requests},
            "seconds": round(seconds, 3),
            "seen_by": {"source": self.source.seen_by, "destination": self.destination.seen_by},
        }


def verify_manifest(folder: Path) -> Verification:
    """A folder against its own manifest: no server is asked. Raises UsageError where there is none."""
    opened = Folder(folder)
    opened.require_manifest()
    there = Ledger(str(opened.path), opened.hashed((one, opened.own_path(one)) for one in opened.entries))
    there.records += opened.extra()
    return _matched(opened.recorded(), there)


def verify_folders(source: Path, destination: Path) -> Verification:
    """Two folders: by what their manifests say the files are, or by their places where one has none."""
    one, other = Folder(source), Folder(destination)
    if not (one.manifest.exists and other.manifest.exists):
        return _matched(one.as_paths(), other.as_paths())
    sides = []
    for folder in (one, other):
        files = [entry for entry in folder.entries if entry.kind == "file"]
        records = folder.hashed((entry, folder.own_path(entry)) for entry in files)
        sides.append(Ledger(str(folder.path), records + folder.extra()))
    return _matched(*sides)


def verify_against(
    reader: Reader,
    places: Sequence[Place],
    folder: Path,
    *,
    filters: Filters = NO_FILTERS,
    folder_is_source: bool = False,
) -> Verification:
    """A folder against what a server lists of some places now.

    What the server lists and the folder lacks, what differs, and what the folder has beside it. A listing
    that failed is `unreadable`, and says nothing about the folder. Raises UsageError for a folder that is
    no export.
    """
    opened = Folder(folder)
    opened.require_manifest()
    scope = Scope(places, opened)
    listed, left_out = server_ledger(reader, scope, settled(filters, reader, places))
    inside = [(entry, path) for entry in opened.entries if (path := scope.path(entry)) is not None]
    meant = [(entry, path) for entry, path in inside if path.rpartition("/files/")[0] not in left_out]
    there = Ledger(str(opened.path), opened.hashed(meant) + opened.extra())
    listed.records += [Record(path, "file", one.size, one.md5) for one, path in meant if one.kind != "file"]
    return _matched(there, listed) if folder_is_source else _matched(listed, there)


def _matched(source: Ledger, destination: Ledger) -> Verification:
    return Verification(source, destination, tuple(_findings(source.records, destination.records)))


def _findings(source: Sequence[Record], destination: Sequence[Record]) -> Iterator[Finding]:
    waiting: dict[str, list[Record]] = defaultdict(list)
    unread_there = _unread(destination)
    for record in destination:
        waiting[record.path].append(record)
    for record in source:
        others = waiting[record.path]
        if record.error is not None:
            yield _unreadable(record)
            if record.kind == "file" and others:
                others.pop(0)
        elif others:
            other = next((one for one in others if one.digest and one.digest == record.digest), others[0])
            others.remove(other)
            yield _unreadable(other) if other.error else _judged(record, other)
        else:
            yield _alone(record, Status.ONLY_SOURCE, unread_there)
    unread = _unread(source)
    for records in waiting.values():
        for record in records:
            if record.error is not None:
                yield _unreadable(record)
            else:
                yield _alone(record, Status.ONLY_DESTINATION, unread)


def _unread(records: Sequence[Record]) -> tuple[str, ...]:
    """The beginnings of paths of which a side knows only a part."""
    failed = (one for one in records if one.error is not None and one.kind != "file")
    return tuple(f"{one.path}/" if one.path else "" for one in failed)


def _unreadable(record: Record) -> Finding:
    assert record.error is not None
    return Finding(record.path, record.kind, Status.UNREADABLE, reason=record.error.message)


def _alone(record: Record, status: Status, unread: tuple[str, ...]) -> Finding:
    """A list that could not be read whole says nothing about what it lacks."""
    if record.path.startswith(unread):
        reason = "The other side's list could not be read."
        return Finding(record.path, record.kind, Status.UNREADABLE, reason=reason)
    return Finding(record.path, record.kind, status)


def _judged(record: Record, other: Record) -> Finding:
    found = []
    note = record.note or other.note
    if None not in (record.size, other.size) and record.size != other.size:
        found.append(FieldDifference("size", str(record.size), str(other.size)))
    if record.digest and other.digest:
        if record.digest != other.digest:
            found.append(FieldDifference("digest", record.digest, other.digest))
    elif not found:
        note = f"no digest on one side{'; ' + note if note else ''}"
        return Finding(record.path, record.kind, Status.SAME, unverified=True, note=note)
    status = Status.DIFFERS if found else Status.SAME
    return Finding(record.path, record.kind, status, tuple(found), note=note if found else "")
