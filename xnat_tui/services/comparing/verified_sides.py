"""What stands on each side of a verification: a server's listing, a folder's bytes, a manifest's words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.errors import NotFound, UsageError, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.location import relative_path
from xnat_tui.model.place import Place, step_of
from xnat_tui.services.browsing.find import keeps
from xnat_tui.services.browsing.show import Branch, walk
from xnat_tui.services.incoming import PREFIX
from xnat_tui.services.reading.awaiting import results
from xnat_tui.services.reading.file_lists import read_files
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.manifest import NAME, Entry, Manifest, md5_of
from xnat_tui.services.transfers.exporting.planning import stands_beside

HASHED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One file as a side knows it; a resource only where its files could not be read."""

    path: str
    """In XNAT's own words, relative to the verified root; below the folder for what came from nowhere."""
    kind: str = "file"
    size: int | None = None
    digest: str = ""
    error: XnatTuiError | None = None
    note: str = ""


@dataclass(slots=True)
class Ledger:
    """Everything that one side holds."""

    name: str
    records: list[Record] = field(default_factory=list)
    requests: int = 0
    seen_by: str = ""


class Folder:
    """An exported folder. Raises UsageError where there is none."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UsageError(f"{path} is no folder.")
        self.path = path.resolve()
        self.manifest = Manifest(self.path)
        self.entries = [one for one in self.manifest if not self._is_gone(one)]
        self.projects = {entry.item.split("/")[1] for entry in self.entries if entry.item}

    def _is_gone(self, entry: Entry) -> bool:
        """Whether it was cleared away, as it was told, after the same item had got another name."""
        now = self.manifest.place_of(entry.server, entry.uri) if entry.uri else entry.path
        return now not in ("", entry.path) and not os.path.lexists(self.path / entry.path)

    def require_manifest(self) -> None:
        """Raises UsageError where nothing says what the folder's files are."""
        if not self.manifest.exists and (self.path / NAME).is_file():
            raise UsageError(
                f"The first line of {self.path / NAME} is gone: its other lines are not believed.",
                "Export again into this folder; what is complete is not fetched again.",
            )
        if not self.manifest.exists:
            raise UsageError(
                f"{self.path} has no {NAME}: it is no export.", "Name the folder that was given to --to."
            )

    def recorded(self) -> Ledger:
        """What the manifest says, with nothing read of the files."""
        return Ledger(str(self.path), [_as_recorded(entry, self.own_path(entry)) for entry in self.entries])

    def own_path(self, entry: Entry) -> str:
        """A file's path in XNAT's own words, the project first; of what came from no server its place."""
        return entry.item if entry.kind == "file" else entry.path

    def hashed(self, paths: Iterable[tuple[Entry, str]]) -> list[Record]:
        """These files as they are now, each under the path given with it; missing ones are not in it."""
        with ThreadPoolExecutor(HASHED_AT_ONCE, "hash") as pool:
            found = pool.map(lambda one: self._as_it_is(*one), list(paths))
            return [record for record in found if record is not None]

    def extra(self) -> list[Record]:
        """Files that the manifest does not know."""
        known = {entry.path for entry in self.entries} | {NAME}
        return self._read(path for path in self.all_files() if path not in known)

    def as_paths(self) -> Ledger:
        """Every file by its place in the folder, hashed."""
        return Ledger(str(self.path), self._read(path for path in self.all_files() if path != NAME))

    def all_files(self) -> Iterator[str]:
        """Every file and link by its path in the folder, sorted; what is still coming in is left out."""
        for above, folders, names in os.walk(self.path):
            at_top = Path(above) == self.path
            folders[:] = sorted(one for one in folders if not (at_top and one.startswith(PREFIX)))
            links = [name for name in folders if (Path(above) / name).is_symlink()]
            for name in sorted((*names, *links)):
                yield (Path(above) / name).relative_to(self.path).as_posix()

    def _read(self, paths: Iterable[str]) -> list[Record]:
        pairs = [(Entry(path, 0, "", ""), path) for path in paths]
        return [
            Record(record.path, "file", record.size, record.digest, record.error)
            for record in self.hashed(pairs)
        ]

    def _as_it_is(self, entry: Entry, path: str) -> Record | None:
        place = self.path / entry.path
        kind = "file"
        try:
            if place.is_symlink():
                error = XnatTuiError(f"{entry.path} is a symbolic link, and is not followed.")
                return Record(path, kind, error=error)
            if place.parent.resolve() != place.parent:
                error = XnatTuiError(f"{entry.path} stands behind a symbolic link, which is not followed.")
                return Record(path, kind, error=error)
            digest, size = md5_of(place), place.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return Record(path, kind, error=XnatTuiError(f"{entry.path} cannot be read: {reason}."))
        same = digest == entry.md5
        return Record(path, kind, size, digest, note="" if same else "changed since it was exported")


def _as_recorded(entry: Entry, path: str) -> Record:
    """By the server's own digest, where it had one: `--no-verify` keeps what differs from it."""
    return Record(path, "file", entry.size, entry.source_digest or entry.md5)


@dataclass(slots=True)
class Scope:
    """Which part of a folder some places of a server mean, and what its files are called there."""

    places: Sequence[Place]
    folder: Folder

    @property
    def depth(self) -> int:
        """How many steps the root has that paths are relative to."""
        return len(self.places[0].items) if len(self.places) == 1 else 1

    def path(self, entry: Entry) -> str | None:
        """An entry's path relative to the root; None where it is outside of all places.

        Labels count and server names do not, so that a copy elsewhere can be verified too. So does the
        project's ID, unless the folder holds one project only.
        """
        if not entry.item:
            return entry.path
        for place in self.places:
            words = self._renamed(entry.item, place)
            if _below(words, place.path_below(Place(place.server))) is None:
                continue
            root = Place(place.server, place.items[: self.depth])
            return _below(words, root.path_below(Place(place.server))) if entry.kind == "file" else entry.path
        return None

    def _renamed(self, words: str, place: Place) -> str:
        """The words with the ID of the project that is looked at, where the folder holds one only."""
        if len(self.folder.projects) != 1 or not place.items:
            return words
        _, _, rest = words.removeprefix("projects/").partition("/")
        project = Place(place.server, place.items[:1]).path_below(Place(place.server))
        return f"{project}/{rest}" if rest else project


def _below(words: str, above: str) -> str | None:
    """What follows in a path of XNAT's words; None where it does not begin so."""
    if not above:
        return words
    return words[len(above) + 1 :] if f"{words}/".startswith(f"{above}/") else None


def server_ledger(reader: Reader, scope: Scope, filters: Filters = NO_FILTERS) -> tuple[Ledger, set[str]]:
    """What the server lists of the places, and the resources that are not meant: filtered out, or shared
    in and never exported.

    Two requests or more for each place, and one for ten sessions. Raises NotFound where the
    filters leave nothing.
    """
    reader.ask_modalities(wanted=filters.by_modality)
    before = reader.connection.requests
    exported = {
        path.rpartition("/files/")[0] for entry in scope.folder.entries if (path := scope.path(entry))
    }
    ledger = Ledger(_named(scope.places), seen_by=reader.connection.user)
    left_out: set[str] = set()
    meant: list[Place] = []
    seen: set[str] = set()
    for place in scope.places:
        for branch in walk(reader, place.up_to(Kind.RESOURCE), "resources").walk():
            path = _path(branch.place, scope.depth)
            if branch.error is not None:
                ledger.records.append(Record(path, str(branch.place.kind), error=branch.error))
            resource = branch.place.item
            if resource is None or resource.kind is not Kind.RESOURCE or resource.uri in seen:
                continue
            seen.add(resource.uri)
            named = branch.place == place.up_to(Kind.RESOURCE)
            if not _is_meant(branch, filters, named=named) or (
                _is_shared(branch.place, place) and path not in exported
            ):
                left_out.add(path)
            else:
                meant.append(branch.place)
    _drop_subjects(meant, left_out, filters, scope.depth)
    if left_out and filters.narrows and not meant and not ledger.records:
        raise NotFound(
            f"Of all in {ledger.name} nothing that has files passes the filters: nothing can be verified.",
            "Names are taken exactly, upper and lower case told apart, and else as shell globs.",
        )
    with ThreadPoolExecutor(max(2, reader.connection.server.connections), "verify") as pool:
        results(read_files(reader, meant, pool), reader.connection)
    if reader.take_reread():  # the files show resources that the lists did not
        again, left_out = server_ledger(reader, scope, filters)
        again.requests = reader.connection.requests - before
        return again, left_out
    for place in meant:
        ledger.records += _files(reader, place, scope)
    ledger.requests = reader.connection.requests - before
    return ledger, left_out


def _files(reader: Reader, resource: Place, scope: Scope) -> Iterator[Record]:
    listing = reader.below(resource, Kind.FILE)
    path = _path(resource, scope.depth)
    if listing.error is not None:
        yield Record(path, "resource", error=listing.error)
    only = {place.item.key for place in scope.places if place.kind is Kind.FILE and place.item}
    for item in listing.items:
        if not only or item.key in only:
            name = _path(resource.child(item), scope.depth)
            yield Record(name, "file", item.bytes, item.digest or "")


def _path(place: Place, depth: int) -> str:
    return relative_path(step_of(item) for item in place.items[depth:])


def _named(places: Sequence[Place]) -> str:
    if len(places) == 1:
        return str(places[0].location)
    return str(Place(places[0].server, places[0].items[:1]).location)


def _is_meant(branch: Branch, filters: Filters, *, named: bool) -> bool:
    return keeps(branch.place, filters) and (named or not stands_beside(branch.place, filters))


def _is_shared(place: Place, top: Place) -> bool:
    return any(item.shared_from is not None for item in place.items[len(top.items) :])


def _drop_subjects(meant: list[Place], left_out: set[str], filters: Filters, depth: int) -> None:
    """Keep the first `limit_subjects` subjects, as every verb does."""
    if filters.limit_subjects is None:
        return
    subjects = dict.fromkeys(item.id for place in meant if (item := place.of(Kind.SUBJECT)))
    kept = set(list(subjects)[: filters.limit_subjects])
    for place in list(meant):
        subject = place.of(Kind.SUBJECT)
        if subject is not None and subject.id not in kept:
            meant.remove(place)
            left_out.add(_path(place, depth))
