"""Fill a reader with a whole project from bulk questions, believing only answers that agree.

What a bulk answer does not tell for certain is left out here: the reader then asks the next smaller
question, a session's document, so that a refused or contradictory bulk answer costs one request per
session and never a wrong verdict. What one answer shows is expected of the smaller ones too.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import SESSION_WORDS, Fields, Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.reading.awaiting import interrupted_with_us
from xnat_tui.services.reading.costs import tell_costs
from xnat_tui.services.reading.garbage import seldom_searched
from xnat_tui.services.reading.prefetch_sessions import Parts, SessionsBelow
from xnat_tui.services.reading.proof import FEW
from xnat_tui.services.reading.proving import Finish, prove_sessions, prove_subjects
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.documents.items import assessors_key, place, read
from xnat_tui.xnat.http.streams import stopped
from xnat_tui.xnat.tables.bulk import REFUSALS, Experiments, Grouped, Owned, ProjectQuestions
from xnat_tui.xnat.tables.bulk_sessions import SCANS_OF, Reconstructions, Session, SessionQuestions

log = logging.getLogger("xnat_tui.prefetch")

T = TypeVar("T")
_Parameters = dict[tuple[str, str], Future[dict[str, dict[str, Fields]] | None]]
"""Questions under way about acquisition parameters, by type of session and of scan."""


def read_project(reader: Reader, where: Place, pool: Executor, *, sessions_below: bool = True) -> bool:
    """Ask the bulk questions about a project and let the reader remember what they tell. Whether its subjects
    and experiments were told by them, the project's lists and the site's agreeing.

    Without `sessions_below` only subjects and experiments are asked for: enough where every session's
    document is going to be read anyway.
    """
    with seldom_searched(), interrupted_with_us(reader.connection):
        return _Prefetch(reader, where, pool).run(sessions_below)


class _Prefetch:
    def __init__(self, reader: Reader, where: Place, pool: Executor) -> None:
        project = where.item
        assert project is not None, "a project is prefetched, not a server"
        self.reader = reader
        self.where = where
        self.project = project
        self.pool = pool
        self.ask = ProjectQuestions(reader.connection, project)
        self.ask_sessions = SessionQuestions(reader.connection, project)
        self.found: dict[str, Listing] = {}
        self._nothing = Listing(seen_by=reader.connection.user)
        self.stop = reader.connection.stop

    def run(self, sessions_below: bool) -> bool:
        asked_subjects = self._start(self.ask.subjects)
        asked_resources = self._start(self.ask.subject_resources)
        asked_experiments = self._start(self.ask.experiments)
        asked_ids = self._start(self.ask.experiment_ids)
        asked_owned = self._start(self.ask.owned)
        asked_sessions = self._start(self.ask_sessions.sessions)
        asked_scans = self._start(self.ask_sessions.scans) if sessions_below else None
        asked_assessors = self._start(self.ask_sessions.assessors) if sessions_below else None
        experiments, owned = asked_experiments.result(), asked_owned.result()
        sessions, reconstructions = asked_sessions.result() or (None, None)
        assessors = asked_assessors.result() if asked_assessors is not None else None
        own = _own_experiments(owned, sessions, assessors)
        self._expect(experiments, sessions, own)
        owned = _if_complete(owned, sessions)
        experiments = self._if_whole(experiments, {*own, *(sessions or ()), *(asked_ids.result() or ())})
        certain = experiments is not None and owned is not None and sessions is not None
        parameters = self._start_parameters(experiments) if sessions_below and certain else {}
        resources = asked_resources.result()
        self._place_subjects(asked_subjects.result(), resources, experiments, sessions)
        self._place_subject_resources(resources)
        if experiments is not None and owned is not None:
            self._place_experiments(experiments, owned, sessions)
        else:
            self._ask_subjects(own)
        proofs: list[Finish] = []
        if asked_scans is not None:
            proofs.append(prove_subjects(self.reader, self.where, self.pool, self.found, resources))
            parts = self._below(sessions, reconstructions, asked_scans.result(), assessors)
            self._place_below(experiments, owned, parts, parameters)
            if experiments is not None and owned is not None:
                proofs.append(
                    prove_sessions(self.reader, self.where, self.pool, self.found, list(owned.types), parts)
                )
        for finish in proofs:
            finish()
        if asked_scans is not None:
            self._say_what_remains(experiments, owned)
        self.reader.remember(self.found)
        listed = place(self.project.uri, Kind.SUBJECT) in self.found
        return listed and experiments is not None and owned is not None

    def _start(self, question: Callable[[], T]) -> Future[T | None]:
        def asked() -> T | None:
            self._check_stop()
            try:
                return question()
            except REFUSALS as refusal:
                log.info("bulk question refused: %s", type(refusal).__name__)
                return None

        return self.pool.submit(asked)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise stopped()

    def _below(
        self,
        sessions: dict[str, Session] | None,
        reconstructions: Reconstructions | None,
        scans: tuple[Grouped, Grouped] | None,
        assessors: Grouped | None,
    ) -> Parts:
        """The answers about what stands below sessions; files of what nobody has are not asked for."""
        ask = self.ask_sessions
        out = into = goes_in = None
        if assessors:
            out, into = (self._start(lambda side=side: ask.assessor_files(side)) for side in ("out", "in"))  # type: ignore[misc]
        if reconstructions is not None and any(reconstructions[0].values()):
            goes_in = self._start(ask.reconstructions_in)
        none: Grouped = {}
        return Parts(
            sessions,
            scans,
            assessors,
            none if out is None else out.result(),
            none if into is None else into.result(),
            reconstructions,
            reconstructions if goes_in is None else goes_in.result(),
        )

    def _keep(self, key: str, items: list[Item]) -> None:
        self.found[key] = Listing(tuple(items), None, self._nothing.seen_by) if items else self._nothing

    def _expect(
        self, experiments: Experiments | None, sessions: dict[str, Session] | None, own: Mapping[str, str]
    ) -> None:
        """Sessions and subjects that one answer shows may be missing in no other."""
        by_subject: dict[str, set[str]] = defaultdict(set)
        for identifier, session in (sessions or {}).items():
            by_subject[session.subject].add(identifier)
        for subject, items in (experiments.by_subject if experiments else {}).items():
            by_subject[subject].update(item.id for item in items)
        by_subject.pop("", None)
        self.reader.expect(place(self.project.uri, Kind.SUBJECT), by_subject, some=bool(own))
        for subject, identifiers in by_subject.items():
            self.reader.expect(Reader.experiments_key(self.project, _subject(subject)), identifiers)

    def _if_whole(self, experiments: Experiments | None, told: set[str]) -> Experiments | None:
        """The experiments, unless another answer told of some that are not among them."""
        if experiments is None:
            return None
        seen = {item.id for items in experiments.by_subject.values() for item in items}
        return experiments if told <= seen else None

    def _place_subjects(
        self,
        subjects: list[Item] | None,
        resources: Grouped | None,
        experiments: Experiments | None,
        sessions: dict[str, Session] | None,
    ) -> None:
        """Subjects, and those that only their experiments show: nothing seen is left out."""
        if subjects is None:
            return
        known = {subject.id for subject in subjects}
        if resources is not None and resources.keys() - known:
            return  # one of two lists of the same subjects ended early: ask again
        labels = dict(experiments.subject_labels) if experiments else {}
        hidden = ({*labels, *(one.subject for one in (sessions or {}).values())} - known) - {""}
        if not subjects or hidden - labels.keys():
            return  # none, or sessions name some that are not listed: ask again, one question smaller
        subjects += [replace(_subject(one), key=labels[one] or one) for one in sorted(hidden)]
        self._keep(place(self.project.uri, Kind.SUBJECT), subjects)

    def _place_subject_resources(self, resources: Grouped | None) -> None:
        for subject, items in (resources or {}).items():
            self._keep(place(f"/data/subjects/{subject}", Kind.RESOURCE), items)

    def _place_experiments(
        self, experiments: Experiments, owned: Owned, sessions: dict[str, Session] | None
    ) -> None:
        subjects = self.found.get(place(self.project.uri, Kind.SUBJECT))
        if subjects is None:
            return
        owners_told = owned.types.keys() | (sessions or {}).keys()
        for subject in subjects.items:
            here = experiments.by_subject.get(subject.id, [])
            if any(item.id not in owners_told for item in here):
                continue  # nobody says whether it is shared in, or missing where all of the project's are
            items = [_described(item, owned, sessions or {}) for item in here]
            self._keep(Reader.experiments_key(self.project, subject), items)

    def _ask_subjects(self, own: Mapping[str, str]) -> None:
        """Every subject's experiments by themselves; none is believed where the project owns more of them."""
        self.reader.remember(self.found)
        subjects = self.reader.below(self.where, Kind.SUBJECT).items
        self._say(len(subjects), "subject")

        def ask(subject: Item) -> Listing:
            self._check_stop()
            return self.reader.below(self.where.child(subject), Kind.EXPERIMENT)

        listings = list(self.pool.map(ask, subjects))
        self._check_stop()
        seen = {item.id for found in listings for item in found.items}
        if any(found.error is not None for found in listings) or not self._are_missing(
            {one: kind for one, kind in own.items() if one not in seen}
        ):
            return
        doubt = BadAnswer(
            "The server lists sessions of this project, and does not say of which subjects.",
            "Its answers contradict each other: reload, or ask its administrator.",
        )
        for subject, found in zip(subjects, listings, strict=True):
            key = Reader.experiments_key(self.project, subject)
            self.found[key] = replace(found, error=found.error or doubt)

    def _are_missing(self, own: Mapping[str, str]) -> bool:
        """Whether one of these (types by accession ID) is of a subject that does not show it. Image assessors
        are not: they stand at sessions, as the document of one of each type tells."""
        one_of_each = {kind: name for name, kind in own.items()}
        asked = [
            self._start(partial(read, self.reader.connection, _experiment(one)))
            for one in one_of_each.values()
        ]
        documents = [future.result() for future in asked]
        return any(one is None or not one.fields.get("imageSession_ID") for one in documents)

    def _start_parameters(self, experiments: Experiments | None) -> _Parameters:
        """Ask about each type of session that is there, while larger answers are still on their way.

        Of a type with few sessions the documents are read: that costs no more than a question and its proof.
        """
        found = experiments.by_subject.values() if experiments is not None else ()
        types = Counter(item.type for items in found for item in items)
        return {
            (kind, scan): self._start(lambda kind=kind, scan=scan: self.ask_sessions.parameters(kind, scan))  # type: ignore[misc]
            for kind in sorted(kind for kind, count in types.items() if count > FEW)
            for scan in SCANS_OF.get(kind, ())
        }

    def _place_below(
        self, experiments: Experiments | None, owned: Owned | None, parts: Parts, asked: _Parameters
    ) -> None:
        if experiments is None or owned is None or parts.sessions is None:
            return
        parameters = {kind: future.result() for kind, future in asked.items()}
        user = self.reader.connection.user
        self.found |= SessionsBelow(experiments, owned, parts, parameters, user).listings()

    def _say_what_remains(self, experiments: Experiments | None, owned: Owned | None) -> None:
        """How many sessions will be asked about one by one, as the larger questions have not told enough."""
        if experiments is None or owned is None:
            return
        project = self.project.id
        keys = (
            (
                *(place(item.uri, kind) for kind in (Kind.SCAN, Kind.RECONSTRUCTION, Kind.RESOURCE)),
                assessors_key(project, item.uri),
            )
            for items in experiments.by_subject.values()
            for item in items
            if item.id in owned.types
        )
        self._say(sum(not all(key in self.found for key in of_one) for of_one in keys), "session")

    def _say(self, requests: int, each: str) -> None:
        tell_costs(self.reader.connection, self.project, requests, each)


def _own_experiments(
    owned: Owned | None, sessions: dict[str, Session] | None, assessors: Grouped | None
) -> dict[str, str]:
    """What the project owns and no answer tells to be an image assessor: types by accession ID."""
    if owned is None:
        return {}
    found = {item.id for items in (assessors or {}).values() for item in items}
    found.update(*(session.assessors for session in (sessions or {}).values()))
    return {name: kind for name, kind in owned.types.items() if name not in found or kind in SESSION_WORDS}


def _subject(identifier: str) -> Item:
    return Item(
        Kind.SUBJECT, identifier, identifier, type="xnat:subjectData", uri=f"/data/subjects/{identifier}"
    )


def _experiment(identifier: str) -> Item:
    return Item(Kind.EXPERIMENT, identifier, identifier, uri=f"/data/experiments/{identifier}")


def _if_complete(owned: Owned | None, sessions: dict[str, Session] | None) -> Owned | None:
    """The site-wide list, unless a session that says to be of its project is not in it.

    Otherwise all of them would be taken for shared in.
    """
    if owned is None:
        return None
    own = {name for name, session in (sessions or {}).items() if session.owner == owned.project}
    return owned if own <= owned.types.keys() else None


def _described(session: Item, owned: Owned, sessions: dict[str, Session]) -> Item:
    """With the fields of imaging sessions, and the owner where it is shared in."""
    known = sessions.get(session.id)
    if known is not None:
        session = session.with_fields(session.fields.joined(known.fields))
    if session.id in owned.types:
        return session
    return replace(session, shared_from=known.owner if known is not None else "")
