"""The journal's file: its tables, and telling it from a file that is something else.

WAL lets screens read while a worker writes. `synchronous=NORMAL` survives the death of any process; a power
cut may lose the last records, and then steps are done again, which they allow.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from pathlib import Path

from xnat_tui.errors import ConfigError
from xnat_tui.jobs.soundness import AWAY, TROUBLE, broken, row_factory
from xnat_tui.paths import private_folder

VERSION = 5
"""3 keeps changes, and has other documents in `plan` and `body` than 2 (`from_version_2`). 4 keeps what steps
are in `bodies`, many together, and adds up in a job's row what became of them; older jobs have a body in each
row of `steps`. 5 keeps a history of small changes."""
APPLICATION = 0x584E5455
"""The file's `application_id`: "XNTU"."""
BUSY_SECONDS = 30.0
_FOLDER = "Look at the space and the rights there, or set another state folder in XNAT_TUI_STATE."

_CHANGES = """
CREATE TABLE changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  origin TEXT NOT NULL,
  location TEXT NOT NULL,
  what TEXT NOT NULL
);
CREATE UNIQUE INDEX changes_once ON changes (origin, location, what);
"""
_BODIES = """
CREATE TABLE bodies (
  job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
  first INTEGER NOT NULL,
  pack BLOB NOT NULL
);
CREATE UNIQUE INDEX bodies_by_first ON bodies (job, first);
"""
_HISTORY = """
CREATE TABLE history (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  url TEXT NOT NULL,
  user TEXT NOT NULL,
  area TEXT NOT NULL,
  kind TEXT NOT NULL,
  item TEXT NOT NULL,
  location TEXT NOT NULL,
  verb TEXT NOT NULL,
  project TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  outcome TEXT NOT NULL,
  undoes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX history_undone ON history (undoes) WHERE undoes > 0;
"""
_SUMS = """
CREATE INDEX steps_failed ON steps (job, number) WHERE failures > 0;
CREATE TRIGGER steps_counted_in AFTER INSERT ON steps WHEN NEW.failures > 0 OR NEW.skipped > 0 BEGIN
  UPDATE jobs SET failures = failures + NEW.failures, skipped = skipped + NEW.skipped WHERE id = NEW.job;
END;
CREATE TRIGGER steps_counted AFTER UPDATE ON steps BEGIN
  UPDATE jobs SET
    done_items = done_items + (NEW.writes AND NEW.state = 'done') - (OLD.writes AND OLD.state = 'done'),
    files = files + NEW.files - OLD.files, bytes = bytes + NEW.bytes - OLD.bytes,
    sent_files = sent_files + NEW.sent_files - OLD.sent_files,
    sent_bytes = sent_bytes + NEW.sent_bytes - OLD.sent_bytes,
    skipped = skipped + NEW.skipped - OLD.skipped, failures = failures + NEW.failures - OLD.failures,
    digest = digest + NEW.digest - OLD.digest, size = size + NEW.size - OLD.size,
    unverified = unverified + NEW.unverified - OLD.unverified,
    proved = proved + NEW.proved - OLD.proved, lost = lost + NEW.lost - OLD.lost
  WHERE id = NEW.job;
END;
"""
_TABLES = """
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  verb TEXT NOT NULL,
  title TEXT NOT NULL,
  plan TEXT NOT NULL,
  totals TEXT NOT NULL,
  state TEXT NOT NULL,
  wish TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  trouble TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  files INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  left_alone INTEGER NOT NULL DEFAULT 0,
  done_items INTEGER NOT NULL DEFAULT 0,
  sent_files INTEGER NOT NULL DEFAULT 0,
  sent_bytes INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  digest INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  unverified INTEGER NOT NULL DEFAULT 0,
  proved INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  token TEXT NOT NULL DEFAULT '',
  pid INTEGER NOT NULL DEFAULT 0,
  host TEXT NOT NULL DEFAULT '',
  mark TEXT NOT NULL DEFAULT '',
  heartbeat REAL NOT NULL DEFAULT 0
);
CREATE TABLE steps (
  job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
  number INTEGER NOT NULL,
  path TEXT NOT NULL,
  writes INTEGER NOT NULL,
  planned_files INTEGER NOT NULL,
  planned_bytes INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  files INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  carried_files INTEGER NOT NULL DEFAULT 0,
  carried_bytes INTEGER NOT NULL DEFAULT 0,
  sent_files INTEGER NOT NULL DEFAULT 0,
  sent_bytes INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  digest INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  unverified INTEGER NOT NULL DEFAULT 0,
  proved INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  failed TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX steps_by_number ON steps (job, number);
CREATE INDEX steps_unfinished ON steps (job, number) WHERE state <> 'done';
CREATE TABLE targets (
  key TEXT PRIMARY KEY,
  job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
  token TEXT NOT NULL
);
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX events_by_job ON events (job, number);
"""
_TABLES += _CHANGES + _BODIES + _SUMS + _HISTORY

_ADDED_UP = """
ALTER TABLE jobs ADD COLUMN done_items INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN sent_files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN sent_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET (done_items, sent_files, sent_bytes, skipped, digest, size, unverified, proved, lost) = (
  SELECT coalesce(sum(writes AND state = 'done'), 0), coalesce(sum(sent_files), 0),
    coalesce(sum(sent_bytes), 0), coalesce(sum(skipped), 0), coalesce(sum(digest), 0),
    coalesce(sum(size), 0), coalesce(sum(unverified), 0), coalesce(sum(proved), 0), coalesce(sum(lost), 0)
  FROM steps WHERE job = jobs.id
);
DROP TRIGGER steps_counted_in;
DROP TRIGGER steps_counted;
"""
_SINCE = {
    1: """
ALTER TABLE jobs ADD COLUMN left_alone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
""",
    2: _CHANGES,
    3: _ADDED_UP + _BODIES + _SUMS,
    4: _HISTORY,
}
"""What makes the tables of a version those of the next."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the journal, created for this user only (0600) where there is none.

    Raises ConfigError for a file that is no journal, a damaged one, one of a newer version, or no access.
    """
    try:
        private_folder(path.parent)
        create_private_file(path)
    except OSError as error:
        raise ConfigError(f"The journal {path} cannot be opened: {error.strerror}.", _FOLDER) from None
    try:
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
    except TROUBLE as error:
        raise broken(path, error) from None
    return database


def create_private_file(path: Path) -> None:
    """Make an empty private file where there is none, and open no other.

    Closing any descriptor of a file drops all POSIX locks that this process holds on it, SQLite's among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    database.row_factory = row_factory(_TABLES)
    database.execute("BEGIN")  # all of one moment: another process may be making its tables
    try:
        _check(database, path)
    finally:
        if database.in_transaction:
            database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("BEGIN IMMEDIATE")
    try:
        version = _check(database, path)
        steps = [_SINCE[older] for older in range(version, VERSION)] if version else [_TABLES]
        for statement in _statements("".join(steps)):
            database.execute(statement)
        if version != VERSION:
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        _check_columns(database)
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _check(database: sqlite3.Connection, path: Path) -> int:
    """The schema's version, 0 for an empty file. Touches nothing; a transaction is open."""
    tables = int(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if application == APPLICATION and version > VERSION:
        raise ConfigError(
            f"The journal {path} was written by a newer xnat-tui (version {version} of its tables).",
            "Use that program, or choose another state folder with XNAT_TUI_STATE.",
        )
    if application != APPLICATION and (tables or application or version):
        raise ConfigError(f"{path} is a database of another program, not a journal.", AWAY)
    if version < 0 or (version == 0 and application == APPLICATION):
        raise sqlite3.DatabaseError(f"the version of its tables is {version}")
    return version


def _check_columns(database: sqlite3.Connection) -> None:
    """The tables' descriptions are bytes of the file as well. Raises sqlite3.DatabaseError."""
    for table, body in re.findall(r"^CREATE TABLE (\w+) \((.*?)^\);", _TABLES, re.MULTILINE | re.DOTALL):
        there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if not there.issuperset(re.findall(r"^  (\w+) ", body, re.MULTILINE)):
            raise sqlite3.DatabaseError(f"its table of {table} lacks columns")


def _statements(script: str) -> list[str]:
    """`executescript` would commit the transaction that keeps two first openings apart."""
    statements, part = [], ""
    for line in script.splitlines():
        part += line + "\n"
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements
