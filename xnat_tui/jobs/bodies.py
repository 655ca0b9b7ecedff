"""What the steps of a job are, apart from what became of them: many together, packed, each with a checksum.

Steps of a plan repeat the same servers, labels and beginnings of addresses. Together they take a tenth of
what each would take by itself; what changes, a step's outcome, stays a row of its own (`steps`).
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from itertools import islice, pairwise
from typing import Any

from xnat_tui.jobs import from_version_2
from xnat_tui.jobs.database import Database
from xnat_tui.model.plan import Step
from xnat_tui.model.plan_documents import step_document, step_of

TOGETHER = 256
"""Steps in one pack: more make it hardly smaller, and all of them are read for one."""
_CHECKSUM_BYTES = 4


def keep(database: sqlite3.Connection, job: str, steps: Iterable[Step]) -> None:
    """Within a transaction: the steps of a new job, in the order of their numbers."""
    coming = iter(steps)
    while some := list(islice(coming, TOGETHER)):
        pack = _packed(json.dumps([step_document(step) for step in some], separators=(",", ":")))
        database.execute("INSERT INTO bodies VALUES (?, ?, ?)", (job, some[0].number, pack))


def read(database: Database, job: str, wanted: Set[int]) -> Iterator[Step]:
    """The steps of these numbers, in the order of the plan. Raises ConfigError where one cannot be read."""
    firsts = [
        row["first"] for row in database.rows("SELECT first FROM bodies WHERE job = ? ORDER BY first", (job,))
    ]
    if not firsts:
        yield from _one_by_one(database, job, wanted)
        return
    ordered, at = sorted(wanted), 0
    for first, following in pairwise([*firsts, None]):
        end = bisect_left(ordered, following, at) if following is not None else len(ordered)
        here, at = ordered[at:end], end
        if not here:
            continue
        with database.reading():
            known = {step.number: step for step in _pack(database, job, first)}
            found = [known[number] for number in here]  # a LookupError where the pack is another's
        yield from found


def _pack(database: Database, job: str, first: int) -> list[Step]:
    rows = database.rows("SELECT pack FROM bodies WHERE job = ? AND first = ?", (job, first))
    return [step_of(document) for document in json.loads(_unpacked(rows[0]["pack"]))]


def _one_by_one(database: Database, job: str, wanted: Set[int]) -> Iterator[Step]:
    """As journals before version 4 kept them: each in its own row."""
    for row in database.rows("SELECT number, body FROM steps WHERE job = ? ORDER BY number", (job,)):
        if row["number"] in wanted:
            with database.reading():
                yield _of_row(json.loads(row["body"]))


def _of_row(document: dict[str, Any]) -> Step:
    return step_of(document if "work" in document else from_version_2.step_document(document))


def _packed(text: str) -> bytes:
    pressed = zlib.compress(text.encode())
    return zlib.crc32(pressed).to_bytes(_CHECKSUM_BYTES) + pressed


def _unpacked(pack: bytes) -> bytes:
    """Raises ValueError for what is not what was written."""
    checksum, pressed = pack[:_CHECKSUM_BYTES], pack[_CHECKSUM_BYTES:]
    if zlib.crc32(pressed).to_bytes(_CHECKSUM_BYTES) != checksum:
        raise ValueError("a record is not what was written")
    return zlib.decompress(pressed)
