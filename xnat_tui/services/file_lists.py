"""The files of many resources in few requests: ten sessions to one, a project's or subject's own to one.

XNAT takes a comma list of accession IDs when it lists files, and `all=true` spans the session, its scans,
reconstructions and assessors; what goes *into* assessors and reconstructions has to be asked for beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.model.place import Place
from xnat_tui.services.prefetch import REFUSALS
from xnat_tui.services.reading import Reader
from xnat_tui.xnat.connection import Connection, encode_uri
from xnat_tui.xnat.documents import place as listing_key
from xnat_tui.xnat.listing import contradiction, file_item
from xnat_tui.xnat.table import Row

SESSIONS_PER_REQUEST = 10


@dataclass(frozen=True, slots=True)
class _Question:
    """One address per owner, and the resources whose files its answer tells."""

    owners: tuple[str, ...]
    tail: str
    all_levels: bool
    resources: tuple[tuple[str, Item], ...]
    """(owner, resource)"""

    def path(self, owners: Sequence[str]) -> str:
        if self.owners[0].startswith("/"):
            return f"{encode_uri(owners[0])}/files"
        return f"/data/experiments/{','.join(owners)}{self.tail}/files"


def read_files(reader: Reader, places: Iterable[Place], pool: Executor) -> list[Future[None]]:
    """Have the reader know the files of these resources. The futures raise what a dead network raises."""
    wanted = [place for place in places if not reader.knows(place, Kind.FILE)]
    return [pool.submit(_ask, reader, question) for question in _questions(wanted)]


def _questions(places: list[Place]) -> Iterator[_Question]:
    sessions: dict[tuple[str, bool], dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    own: dict[str, list[Item]] = defaultdict(list)
    for place in places:
        resource, session = place.item, place.of(Kind.EXPERIMENT)
        assert resource is not None, "a resource is an item"
        if session is None:
            owner = place.parent.item
            assert owner is not None, "a resource stands at something"
            own[owner.uri].append(resource)
        elif resource.side == "in":
            folder = "assessors" if place.of(Kind.ASSESSOR) else "reconstructions"
            sessions[f"/{folder}/ALL/in", False][session.id].append(resource)
        else:
            sessions["", True][session.id].append(resource)
    for uri, resources in own.items():
        yield _Question((uri,), "", False, tuple((uri, resource) for resource in resources))
    for (tail, all_levels), by_session in sessions.items():
        identifiers = list(by_session)
        for start in range(0, len(identifiers), SESSIONS_PER_REQUEST):
            batch = tuple(identifiers[start : start + SESSIONS_PER_REQUEST])
            pairs = tuple((owner, resource) for owner in batch for resource in by_session[owner])
            yield _Question(batch, tail, all_levels, pairs)


def _ask(reader: Reader, question: _Question) -> None:
    connection = reader.connection
    try:
        _remember(reader, question.resources, _rows(connection, question, question.owners))
    except REFUSALS as refusal:
        if len(question.owners) == 1:
            _remember_failure(reader, question.resources, refusal)
            return
        for owner in question.owners:  # the next smaller question
            mine = tuple(pair for pair in question.resources if pair[0] == owner)
            try:
                _remember(reader, mine, _rows(connection, question, (owner,)))
            except REFUSALS as error:
                _remember_failure(reader, mine, error)


def _rows(connection: Connection, question: _Question, owners: Sequence[str]) -> dict[str, list[Row]]:
    parameters = {"all": "true"} if question.all_levels else {}
    found: dict[str, list[Row]] = defaultdict(list)
    for row in connection.table(question.path(owners), **parameters):
        found[row["cat_ID"]].append(row)
    return found


def _remember(reader: Reader, resources: Iterable[tuple[str, Item]], rows: dict[str, list[Row]]) -> None:
    """Sort rows to their resources. A resource that the answer passes over is asked for by itself."""
    user = reader.connection.user
    for _, resource in resources:
        mine = rows.get(resource.id, [])
        if rows and not mine and resource.files:
            continue
        items = tuple(file_item(row, resource) for row in mine)
        error = contradiction(resource, len(items))
        reader.remember({listing_key(resource.uri, Kind.FILE): Listing(items, error, user)})


def _remember_failure(reader: Reader, resources: Iterable[tuple[str, Item]], error: XnatTuiError) -> None:
    for _, resource in resources:
        failed = Listing(error=error, seen_by=reader.connection.user)
        reader.remember({listing_key(resource.uri, Kind.FILE): failed})
