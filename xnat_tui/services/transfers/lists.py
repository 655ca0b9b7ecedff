"""The files of resources, with one request for all of a session's where several are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing
from xnat_tui.xnat.http.connection import Connection, encode_uri
from xnat_tui.xnat.tables import listing

SESSIONS_KEPT = 16
"""Sessions whose documents and file lists are remembered at once; each worker is busy with one."""

_T = TypeVar("_T")


class Recent(Generic[_T]):
    """The latest values by key. Threads may share it; two may compute one value at once, harmlessly."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _T] = OrderedDict()
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

    def put(self, key: str, value: _T) -> None:
        """Hold a value; of more than SESSIONS_KEPT the one that was used longest ago goes."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while len(self._held) > SESSIONS_KEPT:
                self._held.popitem(last=False)


class FileLists:
    """Files by resource, on one server. What is remembered is as old as the first question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sessions: Recent[dict[str, list[Item]] | None] = Recent()

    def of(self, resource: Item, *, together: bool) -> Listing:
        """The files of a resource, addressed by IDs. Raises XnatTuiError.

        `together` asks for the whole session's at once. A resource whose recorded count disagrees with
        that answer, or that is not in it, is asked for by itself: a failed list is never an empty one.
        """
        session = session_of(resource.uri)
        if together and session and resource.id:
            known = self._sessions.get(session, lambda: self._all(session))
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

    def _all(self, session: str) -> dict[str, list[Item]] | None:
        found: dict[str, list[Item]] = defaultdict(list)
        anywhere = Item(Kind.RESOURCE, "")
        try:
            for row in self._connection.table(f"{encode_uri(session)}/files", all="true"):
                found[listing.resource_number(row)].append(listing.file_item(row, anywhere))
        except Interrupted:
            raise
        except XnatTuiError:
            return None  # each resource is then asked for by itself, and reports its own failure
        return found


def session_of(uri: str) -> str:
    """`/data/experiments/E1/scans/3/resources/12` → `/data/experiments/E1`; "" above a session."""
    parts = uri.split("/")
    return "/".join(parts[:4]) if parts[2:3] == ["experiments"] else ""
