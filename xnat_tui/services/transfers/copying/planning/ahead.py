"""Asking ahead of a walk: whole projects in a dozen questions, many sessions' files in one.

What these questions do not tell for certain is asked again, and reported, when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Mode, OnExisting
from xnat_tui.services.browsing.awaiting import interrupted_with_us, results
from xnat_tui.services.browsing.file_lists import read_files
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.comparing.prefetch import read_project
from xnat_tui.services.transfers.copying.planning.spots import Spot

if TYPE_CHECKING:
    from xnat_tui.services.transfers.copying.planning.walk import Walk

SUBJECTS_LISTED = 25
"""Up to so many subjects a limited copy asks for each session; above it, for the project as a whole."""


def ask_project(walk: Walk, place: Place, spot: Spot) -> None:
    """Both sides of a project in bulk, where its documents are not needed field by field."""
    limit = walk.filters.limit_subjects
    if not _by_lists(walk) or (limit is not None and limit <= SUBJECTS_LISTED):
        return
    with _pool(walk.source) as pool:
        read_project(walk.source, place, pool)
    if spot.place is not None:
        with _pool(walk.there.reader) as pool:
            read_project(walk.there.reader, spot.place, pool)


def ask_sessions(walk: Walk, place: Place, subjects: Sequence[Item]) -> None:
    """The sessions of these subjects, what stands below them, and the files of what both sides have."""
    limit = walk.filters.limit_subjects
    if limit is not None and not walk.filters.selects_sessions:
        subjects = subjects[:limit]
    places = [place.child(subject) for subject in subjects]
    one_end, other_end = walk.source.connection, walk.there.reader.connection
    with _pool(walk.source) as pool, interrupted_with_us(one_end), interrupted_with_us(other_end):
        list(pool.map(lambda one: walk.source.below(one, Kind.EXPERIMENT), places))
        sessions = [
            one.child(item)
            for one in places
            for item in walk.source.below(one, Kind.EXPERIMENT).items
            if walk.filters.keeps(item)
        ]
        list(pool.map(lambda one: walk.source.below(one, Kind.SCAN), sessions))
        there = list(pool.map(walk.there.warm, sessions))
    if walk.policy.mode is Mode.METADATA or walk.policy.skip_existing_sessions:
        return
    pairs = [
        pair
        for session, other in zip(sessions, there, strict=True)
        if other is not None
        for pair in _common(walk, session, other)
    ]
    with _pool(walk.source) as pool, _pool(walk.there.reader) as other_pool:
        asked = read_files(walk.source, [one for one, _ in pairs], pool)
        asked += read_files(walk.there.reader, [other for _, other in pairs], other_pool)
        results(asked, one_end, other_end)


def _by_lists(walk: Walk) -> bool:
    """Fields are compared by documents, and scans are retyped by what only those tell for certain."""
    return walk.policy.on_existing is OnExisting.SKIP and not walk.policy.fix_scan_types


def _pool(reader: Reader) -> Executor:
    return ThreadPoolExecutor(max(1, min(16, reader.connection.server.connections)))


def _common(walk: Walk, session: Place, other: Place) -> Iterator[tuple[Place, Place]]:
    """Resources that both sessions have, at the session itself and at all that stands in it."""
    yield from _paired(walk, session, other)
    for kind in (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION):
        items = walk.source.below(session, kind).items
        held = {item.key: item for item in walk.there.reader.below(other, kind).items} if items else {}
        for item in items:
            if item.key in held and walk.filters.keeps(item):
                yield from _paired(walk, session.child(item), other.child(held[item.key]))


def _paired(walk: Walk, one: Place, other: Place) -> Iterator[tuple[Place, Place]]:
    held = {(item.side, item.key): item for item in walk.there.reader.below(other, Kind.RESOURCE).items}
    for item in walk.source.below(one, Kind.RESOURCE).items:
        if (item.side, item.key) in held and walk.filters.keeps(item):
            yield one.child(item), other.child(held[item.side, item.key])
