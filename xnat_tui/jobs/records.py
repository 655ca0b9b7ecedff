"""The statements behind journal and claim, each to be run within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from xnat_tui.jobs.job import Event, Trouble
from xnat_tui.jobs.owner import Owner
from xnat_tui.jobs.soundness import sealed
from xnat_tui.model.plan import Action, Step
from xnat_tui.model.transfer import Failure, Left, State

INSERT_STEP = """
INSERT INTO steps (job, number, path, writes, planned_files, planned_bytes,
  state, skipped, failures, failed, body)
VALUES (:job, :number, :path, :writes, :files, :bytes, :state, :skipped, :failures, :failed, '')
"""


def living(row: sqlite3.Row, now: float) -> bool:
    """Whether the worker that holds this row of `jobs` is alive."""
    owner = Owner(row["pid"], row["host"], row["mark"])
    return bool(row["token"]) and owner.alive(row["heartbeat"], now)


def requeue(database: sqlite3.Connection, job: str, condition: str, *values: int) -> int:
    """Put steps back into the queue, keeping count of what their earlier runs have sent; how many steps.

    A step that was cut off carries its counters, one that ended carries what it said it sent. `condition` is
    SQL, always a literal of this package, with a `?` for each of the values.
    """
    return database.execute(
        "UPDATE steps SET"
        " carried_files = iif(state = 'running', files, max(sent_files, carried_files)),"
        " carried_bytes = iif(state = 'running', bytes, max(sent_bytes, carried_bytes)),"
        " files = iif(state = 'running', files, max(sent_files, carried_files)),"
        " bytes = iif(state = 'running', bytes, max(sent_bytes, carried_bytes)),"
        " state = 'queued', sent_files = 0, sent_bytes = 0, skipped = 0,"
        " digest = 0, size = 0, unverified = 0, proved = 0, lost = 0, failures = 0, failed = ''"
        " WHERE job = ? AND " + condition,
        (job, *values),
    ).rowcount


def end(database: sqlite3.Connection, job: str, state: State, note: str = "") -> None:
    """Let go of a job in this state: what was begun is queued again, or cancelled with the rest."""
    requeue(database, job, "state <> 'done' AND state = 'running'")
    if state is State.CANCELLED:
        cancel_steps(database, job)
    database.execute("DELETE FROM targets WHERE job = ?", (job,))
    database.execute(
        "UPDATE jobs SET state = ?, note = ?, token = '' WHERE id = ?",
        (state, note, job),
    )


def keep_event(database: sqlite3.Connection, event: Event) -> None:
    """Remember an event; it gets its number here."""
    database.execute(
        "INSERT INTO events (job, at, kind, path, message) VALUES (?, ?, ?, ?, ?)",
        (event.job, event.at, event.kind, event.path, event.message),
    )


def drop_told(database: sqlite3.Connection, job: str, told: Iterable[Event]) -> None:
    """Forget what steps had told before they were run again, of kinds that they tell now once more."""
    for kind, path in {(one.kind, one.path) for one in told if one.kind in ("arrived", "treated")}:
        database.execute("DELETE FROM events WHERE job = ? AND kind = ? AND path = ?", (job, kind, path))


def keep_trouble(database: sqlite3.Connection, job: str, trouble: Trouble) -> None:
    """Remember what ended a job's worker."""
    database.execute("UPDATE jobs SET trouble = ? WHERE id = ?", (sealed(json.dumps(asdict(trouble))), job))


def cancel_steps(database: sqlite3.Connection, job: str) -> None:
    """Give up what is queued."""
    database.execute(
        "UPDATE steps SET state = 'cancelled' WHERE job = ? AND state <> 'done' AND state = 'queued'", (job,)
    )


def step_row(job: str, step: Step) -> dict[str, Any]:
    """A planned step as a row: what skips is done, what is in conflict is left alone or has failed.

    What the step is stands in `bodies`.
    """
    state, failed = State.QUEUED, ""
    reason = step.reason or "In conflict with what is there."
    if step.action is Action.SKIP:
        state = State.DONE
    elif step.left_alone:
        state, failed = State.LEFT, json.dumps([asdict(Left(step.path, reason))])
    elif step.action is Action.CONFLICT:
        state = State.FAILED
        failed = json.dumps([asdict(Failure(step.path, reason, "Mend that, then plan again."))])
    return {
        "job": job,
        "number": step.number,
        "path": step.path,
        "writes": step.writes,
        "files": step.files,
        "bytes": step.bytes,
        "state": state,
        "skipped": step.files if step.action is Action.SKIP else 0,
        "failures": int(state is State.FAILED),
        "failed": sealed(failed),
    }
