"""One open journal file, shared by the threads of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_tui.jobs.schema import open_database
from xnat_tui.jobs.soundness import TROUBLE, broken, check, damaged
from xnat_tui.jobs.sqlite_file import SqliteFile


class Database(SqliteFile):
    """Reads and transactions on the journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, open_database(path), TROUBLE, broken)

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
        with self._lock, self.troubles():
            check(self._connection, job)
