"""One open SQLite file of the state folder, shared by the threads of a process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xnat_tui.errors import ConfigError


class SqliteFile:
    """Reads and transactions. What SQLite complains of becomes a ConfigError naming the file."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        trouble: tuple[type[Exception], ...],
        said: Callable[[Path, Exception], ConfigError],
    ) -> None:
        """`trouble` are the exceptions of a file that cannot be used, `said` makes an error of one."""
        self.path = path
        self._lock = threading.RLock()
        self._connection = connection
        self._trouble = trouble
        self._said = said

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def troubles(self) -> Iterator[None]:
        """Around what reads of it. Raises ConfigError."""
        try:
            yield
        except self._trouble as error:
            raise self._said(self.path, error) from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block is written, or nothing is. Raises ConfigError."""
        with self._lock, self.troubles():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def rows(self, query: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """All rows that a query finds. Raises ConfigError."""
        with self._lock, self.troubles():
            return self._connection.execute(query, tuple(values)).fetchall()
