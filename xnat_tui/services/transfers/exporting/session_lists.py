"""The files of what is to be fetched, asked for ten sessions at a time and one question ahead.

A plan runs in another process than the one that made it, and does not carry its lists: with half a million
files it would be as large as they are. What a list of several sessions does not tell, or tells otherwise
than the plan, is asked for by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from itertools import zip_longest

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.services.transfers.exporting.gathering import (
    Neighbour,
    batches,
    listed_in,
    owner_of,
    parameters,
)
from xnat_tui.services.transfers.lists import SESSIONS_LISTED, session_of
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

FILES_PER_REQUEST = 20_000
"""Planned files of all sessions in one question: some MB of an answer."""
KEPT = 64
"""Lists that are remembered: those under way for every worker, and those asked ahead."""
_WAIT = 0.2

Neighbours = Mapping[str, Neighbour]
"""By `xnat_abstractresource_id`."""


class SessionLists:
    """The lists of one server. Safe to use from several threads; what is told is as old as the question."""

    def __init__(self, connection: Connection, gatherings: Mapping[str, int]) -> None:
        """`gatherings`: planned files by address, in the order in which they will be fetched."""
        self._connection = connection
        self._batch: dict[str, list[str]] = {}
        """Of what was never asked for: those that the same question tells."""
        self._following: dict[str, str] = {}
        planned = list(batches(gatherings, SESSIONS_LISTED, FILES_PER_REQUEST))
        for batch, after in zip_longest(planned, planned[1:]):
            self._batch |= dict.fromkeys(batch, batch)
            if after:
                self._following |= dict.fromkeys(batch, after[0])
        self._asked: dict[str, Future[dict[str, Neighbours]]] = {}
        self._pool = ThreadPoolExecutor(2, "list")
        self._lock = threading.Lock()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def of(self, gathering: str, control: Control) -> Neighbours:
        """Every resource there with its files; none where that could not be had. Raises Interrupted."""
        with self._lock:
            asked = self._ask(gathering)
            after = self._following.get(gathering)
            if after in self._batch:
                self._ask(after)
        while True:
            control.check()
            try:
                return asked.result(_WAIT).get(gathering, {})
            except Late:
                continue

    def forget(self, gathering: str) -> None:
        """It has been fetched: whoever asks for it once more is told what is true then."""
        with self._lock:
            self._asked.pop(gathering, None)

    def _ask(self, gathering: str) -> Future[dict[str, Neighbours]]:
        if gathering not in self._asked:
            batch = self._batch.get(gathering, [gathering])
            future = self._pool.submit(self._found, batch)
            for one in batch:
                self._batch.pop(one, None)
                self._asked[one] = future
            for one in list(self._asked)[: max(0, len(self._asked) - KEPT)]:
                del self._asked[one]
        return self._asked[gathering]

    def _found(self, batch: Sequence[str]) -> dict[str, Neighbours]:
        try:
            return self._listed(batch)
        except Interrupted:
            raise
        except XnatTuiError:
            if len(batch) == 1:
                return {}  # each resource is then asked for by itself, and reports its own failure
        found: dict[str, Neighbours] = {}
        for one in batch:
            found |= self._found([one])
        return found

    def _listed(self, batch: Sequence[str]) -> dict[str, Neighbours]:
        found: dict[str, dict[str, Neighbour]] = {one: {} for one in batch}
        anywhere = Item(Kind.RESOURCE, "")
        for row in self._connection.table(f"{_address(batch)}/files", **parameters(batch[0])):
            number, uri = listing.resource_number(row), _own_form(row["URI"])
            held = found.get(listed_in(uri) if len(batch) > 1 else batch[0])
            if held is None:
                continue
            if number not in held:
                held[number] = Neighbour(owner_of(uri), row["collection"], number)
            held[number].files.append(listing.file_item(row, anywhere))
        return dict(found)


def _address(batch: Sequence[str]) -> str:
    """Of all of them; several are sessions, or the same part of several."""
    if len(batch) == 1:
        return encode_uri(batch[0])
    sessions = [session_of(one) for one in batch]
    tail = batch[0].removeprefix(sessions[0])
    return f"/data/experiments/{','.join(one.rpartition('/')[2] for one in sessions)}{tail}"


def _own_form(uri: str) -> str:
    """A file's address with what stands above its session left out, as steps have it."""
    found = uri.find("/experiments/")
    return f"/data{uri[found:]}" if 0 <= found < uri.find("/resources/") else uri


def files_of(connection: Connection, resource: Item, neighbours: Neighbours) -> Listing:
    """The files of a resource, addressed by IDs. Raises XnatTuiError.

    One that a larger list does not have, or has with less than the plan counted, is asked for by itself: a
    failed list is never an empty one.
    """
    known = neighbours.get(resource.id) if resource.id else None
    if known is not None and listing.contradiction(resource, len(known.files)) is None:
        items = tuple(replace(item, uri=f"{resource.uri}/files/{item.key}") for item in known.files)
        return Listing(items, seen_by=connection.user)
    return listing.files(connection, resource)
