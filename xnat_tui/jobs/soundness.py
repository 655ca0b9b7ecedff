"""Whether the journal's file holds what was written: bytes flip on disks, and disks are full or locked.

SQLite finds damage of its pages' structure, and none within a value. So what a step does is kept with a
checksum, and every value that is read must be of its column's kind: a record that is not is never taken for
one.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xnat_tui.errors import ConfigError
from xnat_tui.jobs.job import Wish
from xnat_tui.model.transfer import State

AWAY = "Move it away to begin with an empty list of jobs, or set another state folder in XNAT_TUI_STATE."
TROUBLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where SQLite's message quotes what is no text any more."""
_ELSEWHERE = "or set another state folder in XNAT_TUI_STATE. What is done stays done: jobs can be resumed."
_SEALED = frozenset({"plan", "totals", "body", "failed", "trouble", "before", "after"})
"""Columns with JSON, written through `sealed`; older journals have it bare."""
_WORDS: Mapping[str, frozenset[str]] = {"state": frozenset(State), "wish": frozenset(Wish)}
_LATEST = 1e11
"""Seconds since the epoch, or of work: beyond that it is no time."""
_GREATEST_PID = 2**31


def sealed(text: str) -> str:
    """JSON with its checksum before it."""
    return f"{zlib.crc32(text.encode()):08x} {text}" if text else ""


def _unsealed(text: str) -> str:
    if not text or text[0] in "{[":
        return text
    checksum, _, document = text.partition(" ")
    if sealed(document) != f"{checksum} {document}":
        raise sqlite3.DatabaseError("a record is not what was written")
    return document


def row_factory(tables: str) -> Any:
    """Rows whose values are what the columns of these CREATE TABLE statements hold, without their checksums.

    Reading one that is not raises sqlite3.DatabaseError.
    """
    kinds = dict(re.findall(r"^  (\w+) (TEXT|INTEGER|REAL|BLOB)\b", tables, re.MULTILINE))

    def row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
        found = list(values)
        for number, (name, *_) in enumerate(cursor.description):
            kind = kinds.get(name)
            if kind is not None and found[number] is not None:
                found[number] = _value(name, kind, found[number])
        return sqlite3.Row(cursor, tuple(found))

    return row


def _value(name: str, kind: str, value: Any) -> Any:
    if kind == "TEXT":
        sound = isinstance(value, str) and value in _WORDS.get(name, (value,))
    elif kind == "BLOB":
        sound = isinstance(value, bytes)
    elif kind == "INTEGER":
        sound = isinstance(value, int) and value >= 0 and (name != "pid" or value < _GREATEST_PID)
    else:
        sound = isinstance(value, int | float) and 0 <= value < _LATEST
    if not sound:
        raise sqlite3.DatabaseError(f"a record has an impossible {name}")
    return _unsealed(value) if name in _SEALED else value


def check(database: sqlite3.Connection, job: str) -> None:
    """Look at the whole file before a job is run by what it says. Raises sqlite3.DatabaseError.

    A step in a state that there is not, or torn from its job, would else be left out without a word.
    """
    (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    lost = database.execute("PRAGMA foreign_key_check").fetchone()
    states = ", ".join(f"'{state}'" for state in State)
    odd = database.execute(
        f"SELECT 1 FROM steps WHERE job = ? AND state NOT IN ({states})",  # noqa: S608  (words of ours)
        (job,),
    ).fetchone()
    if said != "ok" or lost is not None or odd is not None:
        raise sqlite3.DatabaseError("its records contradict each other")


def damaged(path: Path, what: str = "") -> ConfigError:
    """What a user is told of a file that does not hold what was written; `what` is how it shows."""
    return ConfigError(f"The journal {path} is damaged{f': {what}' if what else ''}.", AWAY)


def broken(path: Path, error: Exception) -> ConfigError:
    """What SQLite's complaint (sqlite.org/rescode.html) means to the user, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # ours, or a text that is not UTF-8, which Python's message would quote
        unread = isinstance(error, sqlite3.OperationalError | UnicodeDecodeError)
        said = "a text cannot be read" if unread else str(error)
        return damaged(path, said)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return ConfigError(f"There is no space left for the journal {path}.", f"Make room, {_ELSEWHERE}")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH | sqlite3.SQLITE_CANTOPEN:
            return ConfigError(
                f"The journal {path} cannot be written: {error}.",
                f"Look at the rights of it and of its folder, {_ELSEWHERE}",
            )
        case sqlite3.SQLITE_IOERR:
            return ConfigError(
                f"The disk failed under the journal {path}: {error}.",
                f"Look at the space and the health of the disk, {_ELSEWHERE}",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ConfigError(
                f"The journal {path} is held by another process.",
                "Wait until that has ended, then try again.",
            )
    return damaged(path, str(error))
