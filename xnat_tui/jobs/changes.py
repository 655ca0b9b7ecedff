"""What was written to servers, told from process to process through the journal's file."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable
from urllib.parse import quote

from xnat_tui.jobs.database import Database
from xnat_tui.model.changed import Changed, What
from xnat_tui.model.location import Location, relative_path

ORIGIN = uuid.uuid4().hex
"""Which process says something: nobody has to be told what he said himself."""
_KEPT_SECONDS = 24 * 3600.0
"""Whoever looks looks every few seconds."""


def keep(database: sqlite3.Connection, now: float, changes: Iterable[Changed]) -> None:
    """Within a transaction. Each place is kept once: said again, it is new again."""
    rows = [(now, ORIGIN, _written(one.where), str(one.what)) for one in changes]
    if rows:
        database.execute("DELETE FROM changes WHERE at < ?", (now - _KEPT_SECONDS,))
        database.executemany("REPLACE INTO changes (at, origin, location, what) VALUES (?, ?, ?, ?)", rows)


def _written(where: Location) -> str:
    """The server, and an address on it: that also names an experiment without its project."""
    return f"{where.server} {quote(relative_path(where.steps))}"


def _read(text: str) -> Location:
    server, _, address = text.rpartition(" ")
    return Location.of_uri(server, address)


class Hearing:
    """What other processes wrote, since it was asked last. The first question only finds where to begin."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: int | None = None

    def changes(self) -> list[Changed]:
        """Those that were kept since, in that order. Raises ConfigError where the journal cannot be read."""
        after = -1 if self._last is None else self._last
        rows = self._database.rows(
            "SELECT number, origin, location, what FROM changes WHERE number > ? ORDER BY number", (after,)
        )
        first, self._last = self._last is None, max((row["number"] for row in rows), default=after)
        with self._database.reading():
            told = [row for row in rows if row["origin"] != ORIGIN and not first]
            return [Changed(_read(row["location"]), What(row["what"])) for row in told]
