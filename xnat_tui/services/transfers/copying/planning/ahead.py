"""Asking ahead of a walk: whole projects in a dozen questions, many sessions' files in one.

What these questions do not tell for certain is asked again, and reported, when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.options import Mode, OnExisting
from xnat_tui.model.place import Place
from xnat_tui.services.reading.awaiting import interrupted_with_us, results
from xnat_tui.services.reading.file_lists import read_files
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.planning.context import Context
from xnat_tui.services.transfers.copying.planning.spots import Held, Spot

SUBJECTS_LISTED = 25
"""Up to so many subjects a limited copy asks for each session; above it, for the project as a whole."""


def ask_project(context: Context, place: Place, spot: Spot) -> None:
    """Both sides of a project in bulk, where its documents are not needed field by field."""
    limit = context.filters.limit_subjects
    if not _by_lists(context) or (limit is not None and limit <= SUBJECTS_LISTED):
        return
    with _pool(context.source) as pool:
        read_project(context.source, place, pool)
    if spot.place is not None:
        with _pool(context.there.reader) as pool:
            if read_project(context.there.reader, spot.place, pool):
                _keep_holdings(context, spot.place, spot.label)


def _keep_holdings(context: Context, place: Place, label: str) -> None:
    """What the project there holds, as far as its lists have told all of it."""
    reader = context.there.reader
    subjects = reader.below(place, Kind.SUBJECT).items
    where = [place.child(subject) for subject in subjects]
    if all(reader.knows(one, Kind.EXPERIMENT) for one in where):
        experiments = {
            item.key or item.id: Held(item.id, item.type, subject.id)
            for subject, one in zip(subjects, where, strict=True)
            for item in reader.below(one, Kind.EXPERIMENT).items
        }
        held = {item.key or item.id: Held(item.id, item.type) for item in subjects}
        context.there.holdings.keep(label, held, experiments)


def ask_sessions(context: Context, place: Place, subjects: Sequence[Item]) -> None:
    """The sessions of these subjects, what stands below them, and the files of what both sides have."""
    limit = context.filters.limit_subjects
    if limit is not None and not context.filters.selects_sessions:
        subjects = subjects[:limit]
    places = [place.child(subject) for subject in subjects]
    one_end, other_end = context.source.connection, context.there.reader.connection
    with _pool(context.source) as pool, interrupted_with_us(one_end), interrupted_with_us(other_end):
        list(pool.map(lambda one: context.source.below(one, Kind.EXPERIMENT), places))
        sessions = [
            one.child(item)
            for one in places
            for item in context.source.below(one, Kind.EXPERIMENT).items
            if context.filters.keeps(item)
        ]
        list(pool.map(lambda one: context.source.below(one, Kind.SCAN), sessions))
        there = list(pool.map(context.there.warm, sessions))
    if context.options.mode is Mode.METADATA or context.options.skip_existing_sessions:
        return
    pairs = [
        pair
        for session, other in zip(sessions, there, strict=True)
        if other is not None
        for pair in _common(context, session, other)
    ]
    with _pool(context.source) as pool, _pool(context.there.reader) as other_pool:
        asked = read_files(context.source, [one for one, _ in pairs], pool)
        asked += read_files(context.there.reader, [other for _, other in pairs], other_pool)
        results(asked, one_end, other_end)


def _by_lists(context: Context) -> bool:
    """Fields are compared by documents, and scans are retyped by what only those tell for certain."""
    return context.options.on_existing is OnExisting.SKIP and not context.options.fix_scan_types


def _pool(reader: Reader) -> Executor:
    return ThreadPoolExecutor(max(1, min(16, reader.connection.server.connections)))


def _common(context: Context, session: Place, other: Place) -> Iterator[tuple[Place, Place]]:
    """Resources that both sessions have, at the session itself and at all that stands in it."""
    yield from _paired(context, session, other)
    for kind in (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION):
        items = context.source.below(session, kind).items
        held = {item.key: item for item in context.there.reader.below(other, kind).items} if items else {}
        for item in items:
            if item.key in held and context.filters.keeps(item):
                yield from _paired(context, session.child(item), other.child(held[item.key]))


def _paired(context: Context, one: Place, other: Place) -> Iterator[tuple[Place, Place]]:
    held = {(item.side, item.key): item for item in context.there.reader.below(other, Kind.RESOURCE).items}
    for item in context.source.below(one, Kind.RESOURCE).items:
        if (item.side, item.key) in held and context.filters.keeps(item):
            yield one.child(item), other.child(held[item.side, item.key])
