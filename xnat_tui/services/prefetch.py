"""Fill a reader with a whole project from bulk questions, believing only answers that agree.

What a bulk answer does not tell for certain is left out here: the reader then asks the next smaller
question, a session's document, so that a refused or contradictory bulk answer costs one request per
session and never a wrong verdict.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from xnat_tui.errors import BadAnswer, NotAllowed, NotFound, Refused, ServerError
from xnat_tui.model.entities import SESSION_WORDS, Fields, Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.reading import Reader
from xnat_tui.xnat.bulk import PARAMETERS, Experiments, Grouped, Owned, ProjectQuestions
from xnat_tui.xnat.documents import place

log = logging.getLogger("xnat_tui.prefetch")

REFUSALS = (BadAnswer, NotAllowed, NotFound, Refused, ServerError)
"""Answers to a question that a server does not support; a dead network is another matter."""

T = TypeVar("T")


def read_project(reader: Reader, where: Place, pool: Executor, *, sessions_below: bool = True) -> None:
    """Ask the bulk questions about a project and let the reader remember what they tell.

    Without `sessions_below` only subjects and experiments are asked for: enough where every session's
    document is going to be read anyway.
    """
    _Prefetch(reader, where, pool).run(sessions_below)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The answers about what stands below sessions; None where a question was refused."""

    fields: dict[str, tuple[str, Fields]] | None = None
    scans: tuple[Grouped, Grouped] | None = None
    assessors: Grouped | None = None
    assessor_out: Grouped | None = None
    assessor_in: Grouped | None = None
    reconstruction_out: tuple[Grouped, Grouped] | None = None
    reconstruction_in: tuple[Grouped, Grouped] | None = None


class _Prefetch:
    def __init__(self, reader: Reader, where: Place, pool: Executor) -> None:
        project = where.item
        assert project is not None, "a project is prefetched, not a server"
        self.reader = reader
        self.where = where
        self.project = project
        self.pool = pool
        self.ask = ProjectQuestions(reader.connection, project)
        self.found: dict[str, Listing] = {}

    def run(self, sessions_below: bool) -> None:
        subjects = self._start(self.ask.subjects)
        subject_resources = self._start(self.ask.subject_resources)
        experiments = self._start(self.ask.experiments)
        owned = self._start(self.ask.owned)
        parts: dict[str, Future[Any]] = self._start_parts() if sessions_below else {}
        self._place_subjects(subjects.result(), experiments.result())
        self._place_subject_resources(subject_resources.result())
        answers = _Parts(**{name: future.result() for name, future in parts.items()})
        self._place_experiments(experiments.result(), owned.result(), answers)
        if sessions_below:
            self._place_sessions(experiments.result(), owned.result(), answers)
        self.reader.remember(self.found)

    def _start(self, question: Callable[[], T]) -> Future[T | None]:
        def asked() -> T | None:
            try:
                return question()
            except REFUSALS as refusal:
                log.info("bulk question %s refused: %s", question.__name__, type(refusal).__name__)
                return None

        return self.pool.submit(asked)

    def _start_parts(self) -> dict[str, Future[Any]]:
        return {
            "fields": self._start(self.ask.session_fields),
            "scans": self._start(self.ask.scans),
            "assessors": self._start(self.ask.assessors),
            "assessor_out": self._start(lambda: self.ask.assessor_files("out")),
            "assessor_in": self._start(lambda: self.ask.assessor_files("in")),
            "reconstruction_out": self._start(lambda: self.ask.reconstructions("out")),
            "reconstruction_in": self._start(lambda: self.ask.reconstructions("in")),
        }

    def _keep(self, uri: str, kind: Kind, items: list[Item]) -> None:
        self.found[place(uri, kind)] = Listing(tuple(items), None, self.reader.connection.user)

    def _place_subjects(self, subjects: list[Item] | None, experiments: Experiments | None) -> None:
        """Subjects, and those that only their experiments show: nothing seen is left out."""
        if subjects is None:
            return
        known = {subject.id for subject in subjects}
        labels = experiments.subject_labels if experiments else {}
        hidden = {identifier: label for identifier, label in labels.items() if identifier not in known}
        if hidden and not subjects:
            return  # 200 and empty, though sessions name subjects: ask again, one question smaller
        subjects += [
            Item(
                Kind.SUBJECT,
                label or identifier,
                identifier,
                "xnat:subjectData",
                f"/data/subjects/{identifier}",
            )
            for identifier, label in hidden.items()
        ]
        self._keep(self.project.uri, Kind.SUBJECT, subjects)

    def _place_subject_resources(self, resources: Grouped | None) -> None:
        for subject, items in (resources or {}).items():
            self._keep(f"/data/subjects/{subject}", Kind.RESOURCE, items)

    def _place_experiments(self, experiments: Experiments | None, owned: Owned | None, parts: _Parts) -> None:
        subjects = self.found.get(place(self.project.uri, Kind.SUBJECT))
        if experiments is None or subjects is None or owned is None:
            return
        fields = parts.fields or {}
        if not experiments.by_subject and any(kind in SESSION_WORDS for kind in owned.types.values()):
            return  # 200 and empty, though the site-wide list shows sessions
        for subject in subjects.items:
            items = [
                _with_owner(_with_fields(item, fields), owned, fields)
                for item in experiments.by_subject.get(subject.id, [])
            ]
            key = self.reader.experiments_key(self.project, subject)
            self.found[key] = Listing(tuple(items), None, self.reader.connection.user)

    def _place_sessions(self, experiments: Experiments | None, owned: Owned | None, parts: _Parts) -> None:
        if experiments is None or owned is None or parts.fields is None:
            return
        parameters = self._parameters(
            {item.type for items in experiments.by_subject.values() for item in items}
        )
        assessors_agree = self._assessors_agree(experiments, owned, parts)
        for items in experiments.by_subject.values():
            for session in items:
                if session.id not in owned.types:
                    continue  # shared in: its own resources are not in the site-wide list
                self._keep(session.uri, Kind.RESOURCE, owned.resources.get(session.id, []))
                if session.id in parts.fields:
                    self._place_imaging(session, parts, parameters, assessors_agree, owned)
                elif session.type not in SESSION_WORDS:
                    for kind in (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION):
                        self._keep(session.uri, kind, [])

    def _assessors_agree(self, experiments: Experiments, owned: Owned, parts: _Parts) -> bool:
        """Whether every assessor that the site-wide list shows is in the list of assessors too."""
        if None in (parts.assessors, parts.assessor_out, parts.assessor_in) or parts.assessors is None:
            return False
        listed = {item.id for items in parts.assessors.values() for item in items}
        listed |= {item.id for items in experiments.by_subject.values() for item in items}
        return owned.types.keys() <= listed

    def _parameters(self, types: set[str]) -> dict[tuple[str, str], Fields]:
        found: dict[tuple[str, str], Fields] = {}
        for future in [
            self._start(lambda kind=kind: self.ask.parameters(kind))  # type: ignore[misc]
            for kind in sorted(types & set(PARAMETERS))
        ]:
            found |= future.result() or {}
        return found

    def _place_imaging(
        self,
        session: Item,
        parts: _Parts,
        parameters: Mapping[tuple[str, str], Fields],
        assessors_agree: bool,
        owned: Owned,
    ) -> None:
        if parts.scans is not None and session.id in parts.scans[0]:
            scans, resources = parts.scans
            self._keep(
                session.uri,
                Kind.SCAN,
                [_with_parameters(scan, session, parameters) for scan in scans[session.id]],
            )
            for scan in scans[session.id]:
                self._keep(scan.uri, Kind.RESOURCE, resources[scan.uri])
        if assessors_agree:
            self._place_assessors(session, parts, owned)
        if parts.reconstruction_out is not None and parts.reconstruction_in is not None:
            self._place_reconstructions(session, parts.reconstruction_out, parts.reconstruction_in)

    def _place_assessors(self, session: Item, parts: _Parts, owned: Owned) -> None:
        assessors = (parts.assessors or {}).get(session.id, [])
        self._keep(session.uri, Kind.ASSESSOR, assessors)
        for assessor in assessors:
            items = list(owned.resources.get(assessor.id, []))
            for side, files in (("out", parts.assessor_out), ("in", parts.assessor_in)):
                items += [
                    replace(item, uri=f"{assessor.uri}/{side}{item.uri}")
                    for item in (files or {}).get(assessor.id, [])
                ]
            self._keep(assessor.uri, Kind.RESOURCE, items)

    def _place_reconstructions(
        self, session: Item, out: tuple[Grouped, Grouped], into: tuple[Grouped, Grouped]
    ) -> None:
        items = out[0].get(session.id)
        if items is None or session.id not in into[0]:
            return
        self._keep(session.uri, Kind.RECONSTRUCTION, items)
        for item in items:
            resources = [*out[1].get(item.uri, []), *into[1].get(item.uri, [])]
            self._keep(item.uri, Kind.RESOURCE, resources)


def _with_fields(session: Item, fields: Mapping[str, tuple[str, Fields]]) -> Item:
    if session.id not in fields:
        return session
    return replace(session, fields=_joined(session.fields, fields[session.id][1]))


def _with_owner(session: Item, owned: Owned, fields: Mapping[str, tuple[str, Fields]]) -> Item:
    if session.id in owned.types:
        return session
    return replace(session, shared_from=fields.get(session.id, ("",))[0])


def _with_parameters(scan: Item, session: Item, parameters: Mapping[tuple[str, str], Fields]) -> Item:
    found = parameters.get((session.id, scan.id))
    return replace(scan, fields=_joined(scan.fields, found)) if found else scan


def _joined(one: Fields, other: Fields) -> Fields:
    names, values = (*one.names, *other.names), (*one.values(), *other.values())
    return Fields(names, values, exhaustive=(*one.exhaustive, *other.exhaustive))
