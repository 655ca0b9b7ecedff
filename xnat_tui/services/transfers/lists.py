"""The files of resources, with one request for all of a session's, or of ten, where several are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

SESSIONS_KEPT = 16
"""Sessions of which something is remembered at once, however large it is; each worker is busy with one."""
LISTS_KEPT = 40
"""The same of file lists, which are asked for ahead."""
SESSIONS_LISTED = 10
"""Accession IDs in one address: more would answer slowly (`docs/xnat-contract.md` 2.9)."""

_T = TypeVar("_T")


class Recent(Generic[_T]):
    """The latest values by key. Threads may share it; two may compute one value at once, harmlessly."""

    def __init__(
        self, most: int = SESSIONS_KEPT, weigh: Callable[[_T], int] | None = None, weight: int = 0
    ) -> None:
        """`most` values at once; of those that weigh more than `weight` together SESSIONS_KEPT."""
        self._most = most
        self._weigh = weigh
        self._weight = weight
        self._held: OrderedDict[str, _T] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._lock = threading.Lock()

    def get(self, key: str, ask: Callable[[], _T]) -> _T:
        """What is held under a key, else what `ask` gives, which is then held; asked outside of the lock."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        value = ask()
        self.put(key, value)
        return value

    def peek(self, key: str) -> _T | None:
        """What is remembered; nothing is asked."""
        with self._lock:
            return self._held.get(key)

    def holds(self, key: str) -> bool:
        """Whether something is remembered, be it None."""
        with self._lock:
            return key in self._held

    def put(self, key: str, value: _T) -> None:
        """Hold a value; of too many the one that was used longest ago goes."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            self._weights[key] = self._weigh(value) if self._weigh else 0
            while len(self._held) > self._allowed():
                self._weights.pop(self._held.popitem(last=False)[0])

    def _allowed(self) -> int:
        return SESSIONS_KEPT if sum(self._weights.values()) > self._weight else self._most


class FileLists:
    """Files by resource, on one server. What is remembered is as old as the first question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sessions: Recent[dict[str, list[Item]] | None] = Recent(LISTS_KEPT)
        self._turn = threading.Condition()
        self._asked: set[str] = set()
        """Sessions that some thread is asking for: others wait for its answer."""
        self._one_by_one = False
        """Whether the server has refused a list of several sessions."""

    def of(self, resource: Item, *, together: bool, ahead: Sequence[str] = ()) -> Listing:
        """The files of a resource, addressed by IDs. Raises XnatTuiError.

        `together` asks for the whole session's at once, and with it for sessions that are needed next. A
        resource whose recorded count disagrees with that answer, or that is not in it, is asked for by
        itself: a failed list is never an empty one.
        """
        session = session_of(resource.uri)
        if together and session and resource.id:
            known = self._session(session, ahead)
            found = (known or {}).get(resource.id, [])
            if found and len(found) == resource.files:
                return Listing(
                    tuple(replace(item, uri=f"{resource.uri}/files/{item.key}") for item in found),
                    seen_by=self._connection.user,
                )
        return listing.files(self._connection, resource)

    def session_bytes(self, session: str) -> int | None:
        """Of all files of a session listed `together`; None where it was not, or not all are known."""
        known = self._sessions.peek(session)
        sizes = [item.bytes for items in (known or {}).values() for item in items]
        return None if known is None or None in sizes else sum(size or 0 for size in sizes)

    def _session(self, session: str, ahead: Sequence[str]) -> dict[str, list[Item]] | None:
        """Its files by the number of their resource; None where it cannot be listed as a whole."""
        with self._turn:
            self._turn.wait_for(lambda: session not in self._asked)
            if self._sessions.holds(session):
                return self._sessions.peek(session)
            new = [one for one in ahead if not self._sessions.holds(one) and one not in self._asked]
            others = [] if self._one_by_one else [one for one in new if one != session]
            asked = [session, *others[: SESSIONS_LISTED - 1]]
            self._asked |= set(asked)
        try:
            found = session_files(self._connection, asked)
            if found is None and len(asked) > 1:
                self._one_by_one = True
                found = session_files(self._connection, [session])
            if found is None:
                self._sessions.put(session, None)
                return None
            for one, files in found.items():
                self._sessions.put(one, files)
            return found[session]
        finally:
            with self._turn:
                self._asked -= set(asked)
                self._turn.notify_all()


def session_files(
    connection: Connection, sessions: Sequence[str]
) -> Mapping[str, dict[str, list[Item]]] | None:
    """The files of sessions by their addresses (`/data/experiments/ID`) and the numbers of their resources.

    One question for all. None where it is not answered: each resource is then asked for by itself, and
    reports its own failure.
    """
    found: dict[str, dict[str, list[Item]]] = {one: defaultdict(list) for one in sessions}
    first, *others = sessions
    path = ",".join([encode_uri(first), *(encode_uri(one).rpartition("/")[2] for one in others)])
    anywhere = Item(Kind.RESOURCE, "")
    try:
        for row in connection.table(f"{path}/files", all="true"):
            session = session_of(row["URI"]) if others else first
            if session not in found:
                return None  # rows of a session that was not asked for: nobody knows whose the others are
            found[session][listing.resource_number(row)].append(listing.file_item(row, anywhere))
    except Interrupted:
        raise
    except XnatTuiError:
        return None
    return found


def session_of(uri: str) -> str:
    """`/data/experiments/E1/scans/3/resources/12` → `/data/experiments/E1`; "" above a session."""
    parts = uri.split("/")
    return "/".join(parts[:4]) if parts[2:3] == ["experiments"] else ""
