"""What syncs remember, in a SQLite file of the state folder: items as they were last proved, runs, who runs.

Every transaction leaves a memory that is true: a row says what one item was on both sides when a run had
proved it, and is written when that is proved, never before. Whatever process dies, the rows that
are there hold.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from xnat_tui.errors import ConfigError, Conflict
from xnat_tui.jobs.owner import Owner
from xnat_tui.jobs.schema import BUSY_SECONDS, create_private_file
from xnat_tui.jobs.sqlite_file import SqliteFile
from xnat_tui.paths import private_folder, state_folder

VERSION = 1
APPLICATION = 0x584E5359
"""The file's `application_id`: "XNSY"."""
_HEARTBEAT = 15.0
"""Seconds; other hosts take a run for dead after `owner.STALE` without one."""
_AWAY = "Move it away: the next run compares anew and remembers what is alike. Or set XNAT_TUI_STATE."

_TABLES = """
CREATE TABLE items (
  pair INTEGER NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, mark INTEGER NOT NULL,
  files_mark INTEGER NOT NULL,
  source_id TEXT NOT NULL, destination_id TEXT NOT NULL,
  source BLOB NOT NULL, destination BLOB, files BLOB,
  run TEXT NOT NULL, first_run TEXT NOT NULL,
  PRIMARY KEY (pair, path)
) WITHOUT ROWID;
CREATE TABLE pairs (
  number INTEGER PRIMARY KEY, sync TEXT NOT NULL, ends TEXT NOT NULL, UNIQUE (sync, ends)
);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sync TEXT NOT NULL,
  began REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0, state TEXT NOT NULL, job TEXT NOT NULL DEFAULT '',
  document TEXT NOT NULL DEFAULT '',
  pid INTEGER NOT NULL, host TEXT NOT NULL, owner TEXT NOT NULL, heartbeat REAL NOT NULL
);
CREATE INDEX runs_of ON runs (sync, number);
CREATE TABLE log (
  sync TEXT NOT NULL, path TEXT NOT NULL, run TEXT NOT NULL, change TEXT NOT NULL, side TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX log_of ON log (sync, path);
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sync. `began` in seconds since the epoch; `document` is that of `sync run --json`."""

    id: str
    sync: str
    began: float
    seconds: float
    state: str
    job: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is always read of an item: enough to see whether it is as it was."""

    kind: str
    mark: int
    files_mark: int
    source_id: str
    destination_id: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """An item as it was when both sides were proved. `destination` is None where it was as `source`."""

    path: str
    kind: str
    source_id: str
    destination_id: str
    source: Mapping[str, Any]
    destination: Mapping[str, Any] | None
    files: Mapping[str, Any] | None
    """Of a resource whose files were listed: path below it → size and digest on both sides."""

    @property
    def mark(self) -> int:
        return mark(self.source, self.destination)

    @property
    def files_mark(self) -> int:
        return mark(self.files) if self.files is not None else 0


def mark(*parts: Any) -> int:
    """A number that tells one state from another: what has the same is taken for the same."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest())  # SQLite's integers have a sign


def memory_file() -> Path:
    """`syncs.sqlite` in the state folder."""
    return state_folder() / "syncs.sqlite"


class Memory:
    """Safe to use from several threads and processes. Every call may raise ConfigError, naming the file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or memory_file()
        self._file = SqliteFile(self.path, _opened(self.path), _TROUBLE, _cannot_be_used)
        try:
            self._prepare()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def _prepare(self) -> None:
        with self._file.transaction() as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            application = database.execute("PRAGMA application_id").fetchone()[0]
            if (application, version) == (APPLICATION, VERSION):
                return
            if application or version or database.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise ConfigError(f"{self.path} is not a memory of syncs that this version reads.", _AWAY)
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")

    def pair(self, sync: str, ends: str) -> int:
        """The number under which a sync's items between these two places are kept: of other places it
        remembers nothing. 0 where nothing is."""
        rows = self._file.rows("SELECT number FROM pairs WHERE sync = ? AND ends = ?", (sync, ends))
        return int(rows[0][0]) if rows else 0

    def make_pair(self, sync: str, ends: str) -> int:
        """The same, made where it is not there yet."""
        with self._file.transaction() as database:
            database.execute("INSERT OR IGNORE INTO pairs (sync, ends) VALUES (?, ?)", (sync, ends))
        return self.pair(sync, ends)

    def known(self, pair: int) -> dict[str, Known]:
        """All items of a pair, by path."""
        columns = "path, kind, mark, files_mark, source_id, destination_id"
        query = f"SELECT {columns} FROM items WHERE pair = ? ORDER BY path"  # noqa: S608
        return {row[0]: Known(*row[1:]) for row in self._file.rows(query, (pair,))}

    def remembered(self, pair: int, path: str) -> Remembered | None:
        """One item in full."""
        rows = self._file.rows("SELECT * FROM items WHERE pair = ? AND path = ?", (pair, path))
        if not rows:
            return None
        row = rows[0]
        with self._file.troubles():
            return Remembered(
                *(row["path"], row["kind"], row["source_id"], row["destination_id"]),
                *(_unpacked(row["source"]) or {}, _unpacked(row["destination"]), _unpacked(row["files"])),
            )

    def keep(self, pair: int, run: str, items: Iterable[Remembered], gone: Iterable[str] = ()) -> None:
        """Write what a run has proved, and drop what is on neither side any more: all of it or nothing."""
        with self._file.transaction() as database:
            database.executemany(
                "DELETE FROM items WHERE pair = ? AND path = ?", ((pair, one) for one in gone)
            )
            database.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (pair, path) DO UPDATE SET kind = excluded.kind, mark = excluded.mark,"
                " files_mark = excluded.files_mark,"
                " source_id = excluded.source_id,"
                " destination_id = excluded.destination_id, source = excluded.source,"
                " destination = excluded.destination, files = excluded.files, run = excluded.run",
                (
                    (
                        *(
                            pair,
                            one.path,
                            one.kind,
                            one.mark,
                            one.files_mark,
                            one.source_id,
                            one.destination_id,
                        ),
                        *(_packed(one.source), _packed(one.destination), _packed(one.files), run, run),
                    )
                    for one in items
                ),
            )

    def move(self, pair: int, old: str, new: str) -> None:
        """An item was renamed on both sides: it, and what stands below it, is remembered where it is now."""
        with self._file.transaction() as database:
            database.execute(
                "UPDATE OR REPLACE items SET path = ? || substr(path, ?) WHERE pair = ?"
                " AND (path = ? OR substr(path, 1, ?) = ?)",
                (new, len(old) + 1, pair, old, len(old) + 1, f"{old}/"),
            )

    def forget(self, sync: str) -> None:
        """Everything about a sync that is no more; what it copied stays where it is."""
        with self._file.transaction() as database:
            pairs = "(SELECT number FROM pairs WHERE sync = ?)"
            database.execute(f"DELETE FROM items WHERE pair IN {pairs}", (sync,))  # noqa: S608
            for table in ("pairs", "runs", "log"):
                database.execute(f"DELETE FROM {table} WHERE sync = ?", (sync,))  # noqa: S608

    def runs(self, sync: str) -> list[Run]:
        """The runs of a sync, newest first; one whose process died is `interrupted`."""
        rows = self._file.rows("SELECT * FROM runs WHERE sync = ? ORDER BY number DESC", (sync,))
        with self._file.troubles():
            return [self._run(row) for row in rows]

    def last_run(self, sync: str) -> Run | None:
        """The newest of `runs`; None where it was never run."""
        rows = self._file.rows("SELECT * FROM runs WHERE sync = ? ORDER BY number DESC LIMIT 1", (sync,))
        with self._file.troubles():
            return self._run(rows[0]) if rows else None

    def _run(self, row: sqlite3.Row) -> Run:
        dead = row["state"] == "running" and not _living(row)
        document = json.loads(row["document"]) if row["document"] else {}
        state = "interrupted" if dead else row["state"]
        return Run(row["id"], row["sync"], row["began"], row["seconds"], state, row["job"], document)

    def check_free(self, sync: str) -> None:
        """Raises Conflict while a run of this sync is at work, here or on another host."""
        for row in self._file.rows("SELECT * FROM runs WHERE sync = ? AND state = 'running'", (sync,)):
            if _living(row):
                raise Conflict(
                    f"The last run of {sync} is still at work: process {row['pid']} on"
                    f" {row['host'].split()[0]}.",
                    "Wait for it to end; nothing was done now.",
                )

    @contextmanager
    def holding(self, sync: str, expected: str) -> Iterator[str]:
        """The sole right to run a sync, for the block; the new run's ID. `expected` is the last run that the
        plan knew of, "" for none. Raises Conflict where another one works, or came in between."""
        owner = Owner.this_process()
        with self._file.transaction() as database:
            self.check_free(sync)
            last = self.runs(sync)
            if (last[0].id if last else "") != expected:
                raise Conflict(
                    f"{sync} was run meanwhile: this plan is not of now any more.", "Run it again."
                )
            now = time.time()
            run = _new_id(database, sync, now)
            database.execute(
                "INSERT INTO runs (id, sync, began, state, pid, host, owner, heartbeat)"
                " VALUES (?, ?, ?, 'running', ?, ?, ?, ?)",
                (run, sync, now, owner.pid, owner.host, owner.mark, now),
            )
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(run, ended), name="sync-heartbeat", daemon=True)
        beating.start()
        try:
            yield run
        finally:
            ended.set()
            beating.join()
            with self._file.transaction() as database:
                database.execute(
                    "UPDATE runs SET state = 'interrupted' WHERE id = ? AND state = 'running'", (run,)
                )

    def _beat(self, run: str, ended: threading.Event) -> None:
        while not ended.wait(_HEARTBEAT):
            with suppress(ConfigError), self._file.transaction() as database:
                database.execute("UPDATE runs SET heartbeat = ? WHERE id = ?", (time.time(), run))

    def note_job(self, run: str, job: str) -> None:
        """Which job of the journal carries out what this run planned."""
        with self._file.transaction() as database:
            database.execute("UPDATE runs SET job = ? WHERE id = ?", (job, run))

    def end(self, run: str, document: Mapping[str, Any]) -> None:
        """Keep what became of a run, and of each item that it tells of."""
        with self._file.transaction() as database:
            database.execute(
                "UPDATE runs SET state = ?, seconds = ?, document = ? WHERE id = ?",
                (document["state"], document["seconds"], json.dumps(document), run),
            )
            database.executemany(
                "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(document["sync"], item["path"], run, item["change"], item["side"]),
                        *(item["state"], item["reason"]),
                    )
                    for item in document["items"]
                ),
            )

    def counts(self, sync: str) -> dict[str, int]:
        """How many items of each kind are remembered."""
        rows = self._file.rows(
            "SELECT kind, count(*) FROM items WHERE pair IN (SELECT number FROM pairs WHERE sync = ?)"
            " GROUP BY kind ORDER BY kind",
            (sync,),
        )
        return {row[0]: row[1] for row in rows}

    def first_run(self, sync: str, path: str) -> dict[str, str] | None:
        """The run that proved an item first, as a row of its log; None where none has."""
        rows = self._file.rows(
            "SELECT first_run FROM items WHERE path = ? AND pair IN (SELECT number FROM pairs WHERE sync = ?)"
            " ORDER BY pair DESC",
            (path, sync),
        )
        if not rows:
            return None
        words = {"change": "none", "side": "", "state": "verified", "reason": "first proved alike"}
        return {"run": rows[0][0], "path": path, **words}

    def log(self, sync: str, path: str) -> list[dict[str, str]]:
        """What all runs told of an item and of what stands below it, oldest first."""
        rows = self._file.rows(
            "SELECT log.run, log.path, change, side, log.state, reason"
            " FROM log JOIN runs ON runs.id = log.run"
            " WHERE log.sync = ? AND (log.path = ? OR substr(log.path, 1, ?) = ?) ORDER BY runs.number",
            (sync, path, len(path) + 1, f"{path}/"),
        )
        return [dict(row) for row in rows]


_TROUBLE = (sqlite3.DatabaseError, UnicodeDecodeError, zlib.error, json.JSONDecodeError)


def _cannot_be_used(path: Path, error: Exception) -> ConfigError:
    return ConfigError(f"The memory of syncs {path} cannot be used: {error}.", _AWAY)


def _opened(path: Path) -> sqlite3.Connection:
    """The file, made for this user only (0600) where there is none. Raises ConfigError."""
    try:
        private_folder(path.parent)
        create_private_file(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}.", _AWAY) from None
    try:
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            database.close()
            raise
    except _TROUBLE as error:
        raise _cannot_be_used(path, error) from None
    return database


def _living(row: sqlite3.Row) -> bool:
    return Owner(row["pid"], row["host"], row["owner"]).alive(row["heartbeat"], time.time())


def _new_id(database: sqlite3.Connection, sync: str, now: float) -> str:
    first = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{sync}"
    run, count = first, 1
    while database.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
        count += 1
        run = f"{first}-{count}"
    return run


def _packed(value: Any) -> bytes | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return zlib.compress(text, 6) if len(text) > 120 else text


def _unpacked(value: bytes | None) -> Any:
    if value is None:
        return None
    text = value if value[:1] in (b"{", b"[") else zlib.decompress(value)
    return json.loads(text.decode("utf-8", "surrogatepass"))
