"""One open journal file, shared by the threads of a process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xnat_tui.jobs.schema import open_database
from xnat_tui.jobs.soundness import TROUBLE, broken, check, damaged


class Database:
    """Reads and transactions on the journal. A complaint of SQLite becomes a ConfigError naming the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = open_database(path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block is written, or nothing is. Raises ConfigError."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except TROUBLE as error:
                raise broken(self.path, error) from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around what makes values of records: those of journals without checksums may be anything.

        Raises ConfigError where they cannot be read.
        """
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError):
            raise damaged(self.path, "a record cannot be read") from None

    def check(self, job: str) -> None:
        """Raises ConfigError where the file's records are not sound enough to run a job by them."""
        with self._lock:
            try:
                check(self._connection, job)
            except TROUBLE as error:
                raise broken(self.path, error) from None

    def rows(self, query: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """All rows that a query finds. Raises ConfigError."""
        with self._lock:
            try:
                return self._connection.execute(query, tuple(values)).fetchall()
            except TROUBLE as error:
                raise broken(self.path, error) from None
