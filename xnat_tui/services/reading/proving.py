"""What has to be proved of a project's bulk answers, and what is forgotten of them where it is not proved."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from xnat_tui.model.entities import CHILD_KINDS, Fields, Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.reading.listed import VARIABLES
from xnat_tui.services.reading.prefetch_sessions import Parts
from xnat_tui.services.reading.proof import Outcome, Proof
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading.shown import key_below
from xnat_tui.xnat.documents.items import describe, place
from xnat_tui.xnat.tables.bulk import Grouped
from xnat_tui.xnat.tables.joins import EXPERIMENT_VARIABLES, SUBJECT_RESOURCES, SUBJECT_VARIABLES, Join

log = logging.getLogger("xnat_tui.proof")

Finish = Callable[[], None]
"""Waits for the proofs that were asked for, and leaves in `found` what they allow to be believed."""


def prove_subjects(
    reader: Reader, project: Place, pool: Executor, found: dict[str, Listing], resources: Grouped | None
) -> Finish:
    """Ask what proves the subjects of a project and their resources."""
    key = key_of_subjects(project)
    listing = found.get(key)
    if listing is None:
        return _nothing
    items = {item.id: item for item in listing.items}
    last = [next(reversed(names), "") for names in (items, resources or {})]
    proof = Proof(reader, project, pool, items, project.child, found, last)

    def finish() -> None:
        outcome = proof.finish()
        _correct_fields(found, key, outcome, SUBJECT_VARIABLES)
        for item in listing.items:
            if SUBJECT_RESOURCES in outcome.doubted or item.id in outcome.unread:
                found.pop(place(item.uri, Kind.RESOURCE), None)
            if item.id in outcome.documents:
                found.update(outcome.documents[item.id].below)

    return finish


def prove_sessions(
    reader: Reader,
    project: Place,
    pool: Executor,
    found: dict[str, Listing],
    owned: Iterable[str],
    parts: Parts,
) -> Finish:
    """Ask what proves the experiments of a project and everything below them. `owned` are the accession IDs
    in the order in which the site lists them."""
    subjects = found.get(key_of_subjects(project))
    if subjects is None or project.item is None:
        return _nothing
    own = project.item
    keyed = [(subject, Reader.experiments_key(own, subject)) for subject in subjects.items]
    keys = [key for _, key in keyed if _items(found, key)]
    owners = [
        (item, subject) for subject, key in keyed for item in _items(found, key) if item.shared_from is None
    ]
    sessions = {item.id: item for item, _ in owners}
    subject_of = {item.id: subject for item, subject in owners}
    last = _last([owned, *_answers(parts)], parts, sessions)

    def where(session: Item) -> Place:
        return project.child(subject_of[session.id]).child(session)

    proof = Proof(reader, project, pool, sessions, where, found, last)

    def finish() -> None:
        outcome = proof.finish()
        for key in keys:
            _correct_fields(found, key, outcome, EXPERIMENT_VARIABLES)
        if wrong := outcome.doubted - {EXPERIMENT_VARIABLES}:
            log.info("%s: not proved: %s", reader.connection, ", ".join(map(str, wrong)))
            for item in sessions.values():
                _doubt_below(found, item, wrong, own.id)
        for name in outcome.unread:
            for kind in CHILD_KINDS[Kind.EXPERIMENT]:
                found.pop(key_below(sessions[name], kind, own.id), None)
        for document in outcome.documents.values():
            found.update(document.below)

    return finish


def _items(found: Mapping[str, Listing], key: str) -> tuple[Item, ...]:
    return found[key].items if key in found else ()


def key_of_subjects(project: Place) -> str:
    """Where a reader remembers the subjects of a project."""
    assert project.item is not None, "a project is an item"
    return place(project.item.uri, Kind.SUBJECT)


def _nothing() -> None:
    """There is nothing to prove."""


def _correct_fields(found: dict[str, Listing], key: str, outcome: Outcome, variables: Join) -> None:
    """Tell items as their documents do, and have the others' read where fields were told wrongly."""
    listing, all_variables = found.get(key), variables in outcome.doubted
    if listing is None:
        return
    doubtful = all_variables or bool(outcome.unlike) or bool(outcome.unread)
    found[key] = replace(
        listing,
        items=tuple(
            describe(item, outcome.documents[item.id])
            if item.id in outcome.documents
            else item.with_fields(Fields())
            if item.id in outcome.unread
            else _doubted(item, outcome.unlike, variables=all_variables)
            if doubtful
            else item
            for item in listing.items
        ),
    )


def _doubt_below(found: dict[str, Listing], session: Item, joins: Collection[Join], project: str) -> None:
    """Forget the listings of a session that these joins told, so that its document is read."""
    for join in joins:
        if join.owner is Kind.EXPERIMENT:
            kind = next(kind for kind in CHILD_KINDS[Kind.EXPERIMENT] if kind.plural == join.what)
        else:
            kind = join.owner
        found.pop(key_below(session, kind, project), None)


def _answers(parts: Parts) -> list[Iterable[str]]:
    """The sessions of each answer, in its order."""
    several = (parts.scans, parts.reconstructions_out, parts.reconstructions_in)
    return [parts.sessions or (), *(one[0] for one in several if one is not None)]


def _last(answers: Iterable[Iterable[str]], parts: Parts, sessions: Mapping[str, Item]) -> set[str]:
    """The sessions that stood last in an answer: it might have ended there too early."""
    found = {next((name for name in reversed(list(answer)) if name in sessions), "") for answer in answers}
    assessed = {one.id: session for session, items in (parts.assessors or {}).items() for one in items}
    for files in (parts.assessor_out, parts.assessor_in):
        found.add(assessed.get(next(reversed(files or {}), ""), ""))
    return found


def _doubted(item: Item, unlike: Collection[str], *, variables: bool) -> Item:
    """An item without the fields that its listing told wrongly: its document has to be read."""
    kept = [
        (name, value)
        for name, value in item.fields.items()
        if name not in unlike and not (variables and name.startswith(VARIABLES))
    ]
    names, values = tuple(name for name, _ in kept), tuple(value for _, value in kept)
    return item.with_fields(Fields(names, values, exhaustive=() if variables else item.fields.exhaustive))
