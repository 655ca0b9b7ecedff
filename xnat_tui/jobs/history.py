"""What was changed through this program, kept with before and after in the journal's file (0600).

An entry is kept before its change is sent: it may end unheard. What a server refused is no change, and its
entry goes again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

from xnat_tui.errors import NotFound
from xnat_tui.jobs.database import Database
from xnat_tui.jobs.journal import journal_file
from xnat_tui.jobs.soundness import sealed
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area, Entry, Outcome

_QUERY = """
SELECT *, coalesce((
  SELECT max(later.number) FROM history AS later
  WHERE later.undoes = history.number AND later.outcome = 'done'
), 0) AS undone_by FROM history
"""


class History:
    """Safe to use from several threads and several processes. `now` gives seconds since the epoch.

    Every call may raise ConfigError: the file is damaged, foreign, or out of reach.
    """

    def __init__(self, path: Path | None = None, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._database = Database(path or journal_file())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def begin(self, entry: Entry) -> int:
        """Keep what is about to be sent, and give its number; `number` and `at` of the entry do not count."""
        begun = replace(entry, at=self._now(), outcome=Outcome.BEGUN)
        with self._database.transaction() as database:
            cursor = database.execute(
                "INSERT INTO history (at, url, user, area, kind, item, location, verb, project, before,"
                " after, outcome, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(begun.at, begun.url, begun.user, str(begun.area), str(begun.kind), begun.item),
                    *(begun.location, begun.verb, begun.project),
                    *(sealed(json.dumps(dict(values))) for values in (begun.before, begun.after)),
                    *(str(begun.outcome), begun.undoes),
                ),
            )
            assert cursor.lastrowid is not None, "a row was inserted"
            return cursor.lastrowid

    def end(self, number: int, outcome: Outcome) -> None:
        """Say what became of a change."""
        with self._database.transaction() as database:
            database.execute("UPDATE history SET outcome = ? WHERE number = ?", (str(outcome), number))

    def drop(self, number: int) -> None:
        """Forget a change that the server refused."""
        with self._database.transaction() as database:
            database.execute("DELETE FROM history WHERE number = ?", (number,))

    def entries(self) -> list[Entry]:
        """All entries, the newest first."""
        rows = self._database.rows(f"{_QUERY} ORDER BY number DESC")
        with self._database.reading():
            return [_entry(row) for row in rows]

    def entry(self, number: int) -> Entry:
        """One entry. Raises NotFound."""
        rows = self._database.rows(f"{_QUERY} WHERE number = ?", (number,))
        if not rows:
            raise NotFound(f"No change is remembered as {number}.", "List them with: xnat-tui history")
        with self._database.reading():
            return _entry(rows[0])

    def forget(self, numbers: Iterable[int]) -> int:
        """Remove entries with the values that they hold; how many there were."""
        with self._database.transaction() as database:
            return sum(
                database.execute("DELETE FROM history WHERE number = ?", (number,)).rowcount
                for number in dict.fromkeys(numbers)
            )


def _entry(row: sqlite3.Row) -> Entry:
    found = dict(row)
    for name in ("before", "after"):
        found[name] = json.loads(found[name])
    area, kind, outcome = Area(found.pop("area")), Kind(found.pop("kind")), Outcome(found.pop("outcome"))
    return Entry(area=area, kind=kind, outcome=outcome, **found)
