"""What stands at and below an item, counted: all of it goes with the item."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import counted, size_words
from xnat_tui.model.entities import CHILD_KINDS, Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.administration.deleting.ownership import OWNED, Ownership, owner_of
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.tables import listing

_WORDS = {
    Kind.EXPERIMENT: "sessions",
    Kind.SCAN: "scans",
    Kind.ASSESSOR: "assessors",
    Kind.RECONSTRUCTION: "reconstructions",
    Kind.RESOURCE: "resources",
}


@dataclass(slots=True)
class Hanging:
    """Counts by kind; files and bytes are what the server recorded, None where it has not for some."""

    counts: Counter[Kind] = field(default_factory=Counter)
    files: int | None = 0
    bytes: int | None = 0
    shares: set[str] = field(default_factory=set)
    """Other projects that show something of it."""
    foreign: list[str] = field(default_factory=list)
    """What another project owns, in words: it would be deleted as well."""
    unread: list[str] = field(default_factory=list)
    """What could not be read, in words."""
    notes: list[str] = field(default_factory=list)

    def words(self) -> str:
        """All of it in one line: `goes with 2 sessions, 11 scans, 40 files, 3.2 MB; shared into P`."""
        parts = [
            counted(self.counts[kind], word.removesuffix("s"))
            for kind, word in _WORDS.items()
            if self.counts[kind]
        ]
        parts.append("an unknown number of files" if self.files is None else counted(self.files, "file"))
        parts.append("of unknown size" if self.bytes is None else size_words(self.bytes))
        shared = f"; shared into {', '.join(sorted(self.shares))}" if self.shares else ""
        return f"goes with {', '.join(parts)}{shared}"

    def fields(self) -> dict[str, str]:
        """What is shown of it: `scans`, `file_count`, `shared into` ..."""
        found = {word: str(self.counts[kind]) for kind, word in _WORDS.items() if self.counts[kind]}
        found["file_count"] = "unknown" if self.files is None else str(self.files)
        found["file_size"] = "unknown" if self.bytes is None else str(self.bytes)
        if self.shares:
            found["shared into"] = ", ".join(sorted(self.shares))
        return found


def hanging_on(reader: Reader, place: Place, owned: Ownership) -> Hanging:
    """Count what goes with an item of which the owner is known. Asks once or twice for each item below."""
    found = Hanging()
    if place.kind in OWNED:
        found.shares |= set(owned.shares)
    _count(reader, place, owned.owner, found)
    if place.kind is Kind.SUBJECT:
        _elsewhere(reader, place, owned, found)
    found.shares -= {owned.owner}
    return found


def _count(reader: Reader, place: Place, owner: str, found: Hanging) -> None:
    for kind in CHILD_KINDS[place.kind]:
        below = reader.below(place, kind)
        if below.error is not None:
            if kind is Kind.RESOURCE:
                found.files = found.bytes = None
                found.notes.append(f"resources of {place.location}: {below.error.message}")
            else:
                found.unread.append(f"{_WORDS[kind]} of {place.location}: {below.error.message}")
        for item in below.items:
            child = place.child(item)
            found.counts[kind] += 1
            if kind is Kind.RESOURCE:
                found.files = _sum(found.files, item.files)
                found.bytes = _sum(found.bytes, item.bytes)
                continue
            if kind in OWNED:
                _check_owner(reader, child, owner, found)
            _count(reader, child, owner, found)


def _check_owner(reader: Reader, place: Place, owner: str, found: Hanging) -> None:
    owned = owner_of(reader, place)
    if not owned.owner:
        found.unread.append(f"{place.location}: {owned.doubt}")
    elif owned.owner != owner:
        found.foreign.append(f"{place.location}, which {owned.owner} owns")
    found.shares |= set(owned.shares)


def _elsewhere(reader: Reader, subject: Place, owned: Ownership, found: Hanging) -> None:
    """Sessions that other projects made of a subject that is shared into them: this project's list is silent
    about them, and they go with their subject."""
    item = subject.item
    assert item is not None, "it is a subject"
    here = {one.id for one in reader.below(subject, Kind.EXPERIMENT).items}
    for name in owned.shares:
        project = Item(Kind.PROJECT, name, name, uri=f"/data/projects/{name}")
        try:
            there = listing.experiments(reader.connection, project, item)
            if there.error is not None:
                raise there.error
        except XnatTuiError as error:
            found.notes.append(
                f"sessions that {name} has of {item.key} could not be read ({error.message}): "
                "the server refuses where you may not delete them"
            )
            continue
        place = replace(subject, items=(project, item))
        for one in there.items:
            if one.id not in here:
                _check_owner(reader, place.child(one), owned.owner, found)


def _sum(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
