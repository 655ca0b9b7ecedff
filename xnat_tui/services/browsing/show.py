"""Walk down from a place and add up: what `show` prints and what a plan counts."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import CHILD_KINDS, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.census import Census, count
from xnat_tui.services.reading.awaiting import results
from xnat_tui.services.reading.file_lists import read_files
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader

DEPTHS = {
    "projects": Kind.PROJECT,
    "subjects": Kind.SUBJECT,
    "sessions": Kind.EXPERIMENT,
    "scans": Kind.SCAN,
    "resources": Kind.RESOURCE,
    "files": Kind.FILE,
}
_LEVEL = {
    Kind.SERVER: 0,
    Kind.PROJECT: 1,
    Kind.SUBJECT: 2,
    Kind.EXPERIMENT: 3,
    Kind.SCAN: 4,
    Kind.ASSESSOR: 4,
    Kind.RECONSTRUCTION: 4,
    Kind.RESOURCE: 5,
    Kind.FILE: 6,
}


@dataclass(slots=True)
class Branch:
    """A place, what stands below it as far as asked, and the sums of that."""

    place: Place
    children: list[Branch] = field(default_factory=list)
    error: XnatTuiError | None = None
    """Why some of the children could not be read; they are then not all here."""
    files: int | None = None
    bytes: int | None = None
    narrowed: bool = False
    """Whether filters left out some of what stands directly below."""
    census: Census | None = None
    """What a project owns, where a server's projects are shown and nothing below them."""

    def walk(self) -> Iterator[Branch]:
        """This one and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def cut(self, depth: str) -> None:
        """Drop what stands deeper; the sums still are of all that was read."""
        self.children = [one for one in self.children if _LEVEL[one.place.kind] <= _LEVEL[DEPTHS[depth]]]
        for child in self.children:
            child.cut(depth)


def default_depth(kind: Kind) -> str:
    """Deep enough to see what is there, shallow enough to be quick."""
    return {Kind.SERVER: "projects", Kind.PROJECT: "sessions", Kind.SUBJECT: "scans"}.get(kind, "resources")


def deepest(kinds: Iterable[Kind], depth: str | None = None) -> str | None:
    """The depth at which the last of these kinds stands, or the given one where that is deeper."""
    found = {kind for kind in kinds if kind in DEPTHS.values()} | ({DEPTHS[depth]} if depth else set())
    return max((name for name, kind in DEPTHS.items() if kind in found), key=_level, default=None)


def depth_for(depth: str, filters: Filters) -> str:
    """How deep has to be looked to show a depth: what a filter leaves out deeper down is not counted, and
    whether it lets anything pass is known only there."""
    return deepest(filters.narrowed, depth) or depth


def _level(depth: str) -> int:
    return _LEVEL[DEPTHS[depth]]


def kinds_of(depth: str) -> frozenset[Kind]:
    """What a walk down to a depth of DEPTHS looks at."""
    return frozenset(kind for kind, at in _LEVEL.items() if at <= _level(depth))


def walk(
    reader: Reader,
    root: Place,
    depth: str,
    filters: Filters = NO_FILTERS,
    tally: Tally | None = None,
    *,
    kinds: Collection[Kind] = tuple(Kind),
) -> Branch:
    """Read everything from `root` down to a depth of DEPTHS, or only what is of these `kinds`; sums are then
    of those.

    A listing that failed is an error on its branch; the rest is read all the same. A `tally` of these
    filters learns what they let pass.
    """
    level = _LEVEL[DEPTHS[depth]]
    reader.ask_modalities(wanted=filters.by_modality)
    with ThreadPoolExecutor(max(2, reader.connection.server.connections), "show") as pool:
        return _Walk(reader, filters, level, pool, tally, kinds).branch(root)


class _Walk:
    def __init__(
        self,
        reader: Reader,
        filters: Filters,
        level: int,
        pool: ThreadPoolExecutor,
        tally: Tally | None = None,
        kinds: Collection[Kind] = tuple(Kind),
    ) -> None:
        self.kinds = kinds
        self.reader = reader
        self.filters = filters
        self.tally = tally or Tally(filters)
        self.level = level
        self.pool = pool

    def branch(self, place: Place) -> Branch:
        branch = Branch(place)
        sessions_matter = self.level >= _LEVEL[Kind.EXPERIMENT] or self.filters.selects_sessions
        if place.kind is Kind.PROJECT and sessions_matter:
            sessions_below = self.level > _LEVEL[Kind.EXPERIMENT]
            read_project(self.reader, place, self.pool, sessions_below=sessions_below)
            if self.level >= _LEVEL[Kind.FILE]:
                self._read_files(place)
        self._grow(branch)
        if place.kind is Kind.SERVER and self.level == _LEVEL[Kind.PROJECT]:
            counts = count(self.reader.connection, [child.place.items[-1] for child in branch.children])
            for child in branch.children:
                child.census = counts[child.place.items[-1].id]
        return branch

    def _grow(self, branch: Branch) -> None:
        place = branch.place
        above = [item.kind for item in place.items]
        for kind in CHILD_KINDS[place.kind]:
            if _LEVEL[kind] > self.level or kind not in self.kinds:
                continue
            if self.filters.leaves_beside(kind, above):
                branch.narrowed = True
                continue
            listing = self.reader.below(place, kind)
            branch.error = branch.error or listing.error
            kept = [item for item in listing.items if self.tally.keeps(item)]
            branch.narrowed |= len(kept) < len(listing.items)
            below = (self._below(place.child(item)) for item in kept)
            if kind is Kind.SUBJECT:
                branch.children += itertools.islice(
                    filter(self._is_meant, below), self.filters.limit_subjects
                )
                branch.narrowed |= len(branch.children) < len(kept)
            else:
                branch.children += below
        _add_up(branch)

    def _below(self, place: Place) -> Branch:
        if place.kind is Kind.PROJECT:
            return self.branch(place)
        branch = Branch(place)
        self._grow(branch)
        return branch

    def _is_meant(self, subject: Branch) -> bool:
        """With a filter on sessions, subjects without any that passes are not, unless they cannot say."""
        if not self.filters.selects_sessions:
            return True
        found = self.reader.below(subject.place, Kind.EXPERIMENT)
        return found.error is not None or any(self.tally.keeps(item) for item in found.items)

    def _read_files(self, project: Place) -> None:
        resources = [
            branch.place
            for branch in _Walk(self.reader, self.filters, _LEVEL[Kind.RESOURCE], self.pool)._known(project)
            if branch.place.kind is Kind.RESOURCE
        ]
        results(read_files(self.reader, resources, self.pool), self.reader.connection)

    def _known(self, project: Place) -> Iterator[Branch]:
        branch = Branch(project)
        self._grow(branch)
        return branch.walk()


def _add_up(branch: Branch) -> None:
    """Sums, known only where everything below was read and counted."""
    item = branch.place.item
    if item is not None and item.kind in (Kind.RESOURCE, Kind.FILE):
        branch.files = 1 if item.kind is Kind.FILE else item.files
        branch.bytes = item.bytes
        return
    if not branch.children and not branch.narrowed:
        branch.files, branch.bytes = (item.files, item.bytes) if item is not None else (None, None)
        return
    counts = [child.files for child in branch.children]
    sizes = [child.bytes for child in branch.children]
    whole = branch.error is None
    branch.files = sum(count or 0 for count in counts) if whole and None not in counts else None
    branch.bytes = sum(size or 0 for size in sizes) if whole and None not in sizes else None
