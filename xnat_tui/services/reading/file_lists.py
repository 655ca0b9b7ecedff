"""The files of many resources in few requests: some sessions to one, a project's or subject's own to one.

XNAT takes a comma list of accession IDs when it lists files, and `all=true` spans the session, its scans,
reconstructions and assessors; what goes *into* assessors and reconstructions has to be asked for beside it
(`docs/xnat-contract.md` 2.9). Only answers that agree with a resource's recorded count are believed. Where
one does not, its session is asked for by itself; what that contradicts again is remembered as unreadable, so
that no server is asked once for each of its scans. A question that is late is asked again in two halves. A
file of a resource that no list knows is evidence against that list: its session's document is read, and the
place is unreadable where that does not know the resource either.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.notice import Notice
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading.unclaimed import Unclaimed
from xnat_tui.xnat.documents.items import place_below
from xnat_tui.xnat.http.connection import encode_uri
from xnat_tui.xnat.http.retry import is_late
from xnat_tui.xnat.tables import listing
from xnat_tui.xnat.tables.bulk import REFUSALS

log = logging.getLogger("xnat_tui.file_lists")

SESSIONS_PER_REQUEST = 25
"""Accession IDs in one address: more would pass the length that servers accept."""
RESOURCES_PER_REQUEST = 150
"""Of several sessions: the server opens the catalog of each (`docs/xnat-contract.md` 2.9), and would answer
slowly. Ten sessions of fifteen scans, say."""

_ASKED_BY_ITSELF = frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.ASSESSOR, Kind.RECONSTRUCTION})
"""Owners whose resources a larger list may pass over: the reader asks for each when it is opened."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One address, and the resources whose files its answer tells, by their owner."""

    resources: Mapping[str, Sequence[Place]]
    tail: str = ""
    all_levels: bool = True
    was_late: bool = False

    @property
    def path(self) -> str:
        owners = tuple(self.resources)
        if owners[0].startswith("/"):
            return f"{encode_uri(owners[0])}/files"
        return f"/data/experiments/{','.join(owners)}{self.tail}/files"

    def smaller(self, doubtful: Iterable[Place]) -> Iterator[_Question]:
        """The same about each owner of something in doubt."""
        doubtful = set(doubtful)
        for owner, resources in self.resources.items():
            if mine := [where for where in resources if where in doubtful]:
                yield replace(self, resources={owner: mine})

    def halves(self) -> list[_Question]:
        """Itself in two, once more as it is where there is one owner, and no further."""
        if len(self.resources) == 1:
            return [] if self.was_late else [replace(self, was_late=True)]
        owners = list(self.resources)
        middle = len(owners) // 2
        return [
            replace(self, resources={owner: self.resources[owner] for owner in some})
            for some in (owners[:middle], owners[middle:])
        ]


def read_files(
    reader: Reader, places: Iterable[Place], pool: Executor, stop: threading.Event | None = None
) -> list[Future[None]]:
    """Have the reader know the files of these resources; what it knows is not asked for again.

    After `stop` nothing more is asked. The futures raise what nobody expects.
    """
    questions = list(_questions(where for where in places if not reader.knows(where, Kind.FILE)))
    several = sum(len(one.resources) for one in questions if len(one.resources) > 1)
    asking = _Asking(reader, stop or threading.Event(), several)
    return [pool.submit(asking.ask, question) for question in questions]


def _questions(places: Iterable[Place]) -> Iterator[_Question]:
    sessions: dict[tuple[str, bool], dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    own: dict[str, list[Place]] = defaultdict(list)
    for where in places:
        resource, session = where.item, where.of(Kind.EXPERIMENT)
        assert resource is not None, "a resource is an item"
        if session is None:
            owner = where.parent.item
            assert owner is not None, "a resource stands at something"
            own[owner.uri].append(where)
        elif resource.side == "in":
            folder = "assessors" if where.of(Kind.ASSESSOR) else "reconstructions"
            sessions[f"/{folder}/ALL/in", False][session.id].append(where)
        else:
            sessions["", True][session.id].append(where)
    for uri, resources in own.items():
        yield _Question({uri: resources}, all_levels=False)
    for (tail, all_levels), by_session in sessions.items():
        batch: dict[str, list[Place]] = {}
        count = 0
        for name, resources in by_session.items():
            count += len(resources)
            if batch and (len(batch) == SESSIONS_PER_REQUEST or count > RESOURCES_PER_REQUEST):
                yield _Question(batch, tail, all_levels)
                batch, count = {}, len(resources)
            batch[name] = resources
        yield _Question(batch, tail, all_levels)


class _Asking:
    def __init__(self, reader: Reader, stop: threading.Event, most: int) -> None:
        self.reader = reader
        self.stop = stop
        self.unclaimed = Unclaimed(reader)
        self.interrupted = reader.connection.stop
        self._most = most
        """How many requests it takes where nothing but each by itself is answered."""
        self._more = 0
        self._told = False
        self._counting = threading.Lock()

    def ask(self, question: _Question) -> None:
        """Believe what agrees; ask again, one question smaller, about the rest."""
        if self.stop.is_set() or self.interrupted.is_set():
            return
        waited = self.reader.connection.listing_seconds
        found, refusal = self._found(question, waited)
        if refusal is not None and is_late(refusal) and not refusal.unreachable:
            self.reader.connection.grow_patience(waited)
            if halves := question.halves():
                self._ask_smaller(halves)
                return
        doubtful = self._believe(question, found) if refusal is None else _places(question)
        if not doubtful:
            return
        if len(question.resources) > 1:
            self._ask_smaller(list(question.smaller(doubtful)))
        else:
            self._doubt(doubtful, found, refusal)

    def _ask_smaller(self, questions: Sequence[_Question]) -> None:
        self._say(len(questions))
        for question in questions:
            self.ask(question)

    def _say(self, more: int) -> None:
        """Once, before it becomes many."""
        connection = self.reader.connection
        with self._counting:
            self._more += more
            if self._told or self._more < connection.patience.named_from:
                return
            self._told = True
        name, costs = connection.server.name, f"{self._most:,} requests, one for each session"
        connection.tell(
            Notice(
                f"{name} does not list the files of several sessions at once: up to {costs}.",
                f"{name}: up to {costs}",
                self._most,
            )
        )

    def _found(
        self, question: _Question, seconds: float
    ) -> tuple[Mapping[str, list[Item]], XnatTuiError | None]:
        """Files by the number of their resource, or why there are none."""
        parameters = {"all": "true"} if question.all_levels else {}
        found: dict[str, list[Item]] = defaultdict(list)
        addresses: dict[str, str] = {}
        anywhere = Item(Kind.RESOURCE, "")
        try:
            for row in self.reader.connection.table_within(seconds, question.path, **parameters):
                number = listing.resource_number(row)
                found[number].append(listing.file_item(row, anywhere))
                addresses.setdefault(number, row["URI"])
        except REFUSALS as refusal:
            log.info("bulk question for files refused: %s", type(refusal).__name__)
            return {}, refusal
        asked = {where.item.id for where in _places(question) if where.item is not None}
        others = {number: address for number, address in addresses.items() if number and number not in asked}
        if others:
            owners = dict.fromkeys(_owner(where) for where in _places(question))
            self.unclaimed.settle(owners, others)
        return found, None

    def _believe(self, question: _Question, found: Mapping[str, list[Item]]) -> list[Place]:
        doubtful: list[Place] = []
        known: dict[str, Listing] = {}
        for where in _places(question):
            listed = self._listing(where, found)
            if listed.error is None:
                known[_key(where)] = listed
            else:
                doubtful.append(where)
        self.reader.remember(known)
        return doubtful

    def _doubt(
        self, doubtful: Iterable[Place], found: Mapping[str, list[Item]], refusal: XnatTuiError | None
    ) -> None:
        known: dict[str, Listing] = {}
        for where in doubtful:
            if where.parent.kind not in _ASKED_BY_ITSELF:
                listed = self._listing(where, found)
                known[_key(where)] = replace(listed, error=refusal or listed.error)
        self.reader.remember(known)

    def _listing(self, where: Place, found: Mapping[str, list[Item]]) -> Listing:
        resource = where.item
        assert resource is not None, "a resource is an item"
        files = tuple(
            replace(file, uri=f"{resource.uri}/files/{file.key}") for file in found.get(resource.id, ())
        )
        return Listing(files, listing.contradiction(resource, len(files)), self.reader.connection.user)


def _owner(resource: Place) -> Place:
    """The session that a resource stands in, or else what it stands at."""
    session = resource.up_to(Kind.EXPERIMENT)
    return session if session.kind is Kind.EXPERIMENT else resource.parent


def _places(question: _Question) -> list[Place]:
    return [where for resources in question.resources.values() for where in resources]


def _key(where: Place) -> str:
    assert where.item is not None, "a resource is an item"
    return place_below(where.item, Kind.FILE)
