"""The sole right to run a job, and all that its holder writes into the journal.

Every write checks the claim: a worker that was taken for dead and comes back finds it gone, and stops.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Self
from uuid import uuid4

from xnat_tui.errors import Conflict
from xnat_tui.jobs import changes, records
from xnat_tui.jobs.database import Database
from xnat_tui.jobs.job import Event, Trouble, Wish
from xnat_tui.jobs.owner import Owner
from xnat_tui.jobs.soundness import sealed
from xnat_tui.model.changed import Changed
from xnat_tui.model.transfer import Outcome, State

_RECORD = """
UPDATE steps SET
  state = :state,
  sent_files = :sent, sent_bytes = :bytes, skipped = :skipped,
  files = min(max(planned_files, :sent), iif(:state = 'done', planned_files, 0) + :sent + :skipped),
  bytes = iif(:state = 'done', max(planned_bytes, :bytes), :bytes),
  digest = :digest, size = :size, unverified = :unverified, proved = :proved, lost = :lost,
  failures = :failures, failed = :failed
WHERE job = :job AND number = :number
"""


class Claim:
    """Given by `Journal.claim`; held until `release`, or until its process is dead.

    Every call raises Conflict when the claim has gone to another worker.
    """

    def __init__(self, database: Database, now: Callable[[], float], job: str, token: str) -> None:
        self.job = job
        self._database = database
        self._now = now
        self._token = token

    @classmethod
    def take(
        cls,
        connection: sqlite3.Connection,
        database: Database,
        now: Callable[[], float],
        job: str,
        owner: Owner,
    ) -> Self:
        """Within a transaction of the journal, which has made sure that nobody living holds the job."""
        token = uuid4().hex
        records.end(connection, job, State.RUNNING)
        connection.execute(
            "UPDATE jobs SET token = ?, pid = ?, host = ?, mark = ?, heartbeat = ?, trouble = ''"
            " WHERE id = ?",
            (token, owner.pid, owner.host, owner.mark, now(), job),
        )
        return cls(database, now, job, token)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._database.transaction() as connection:
            held = connection.execute(
                "SELECT 1 FROM jobs WHERE id = ? AND token = ?", (self.job, self._token)
            ).fetchone()
            if not held:
                raise Conflict(
                    f"Job {self.job} was taken over by another worker, or forgotten.",
                    "See what became of it with: xnat-tui jobs list",
                )
            yield connection

    def begin(self, number: int, key: str) -> str:
        """Mark a step as running and hold its target `key` for this job.

        Returns "" when it may run, else the ID of the job that is writing there now, and nothing is marked.
        """
        with self._writing() as connection:
            holder = connection.execute(
                "SELECT jobs.*, targets.token AS held FROM targets"
                " JOIN jobs ON jobs.id = targets.job WHERE key = ?",
                (key,),
            ).fetchone()
            held = holder and holder["id"] != self.job and holder["held"] == holder["token"]
            if held and records.living(holder, self._now()):
                return str(holder["id"])
            connection.execute("REPLACE INTO targets VALUES (?, ?, ?)", (key, self.job, self._token))
            connection.execute(
                "UPDATE steps SET state = 'running', attempts = attempts + 1 WHERE job = ? AND number = ?",
                (self.job, number),
            )
        return ""

    def record(
        self,
        outcomes: Iterable[tuple[Outcome, str]],
        events: Iterable[Event] = (),
        written: Iterable[Changed] = (),
    ) -> None:
        """Keep what became of steps and what they wrote, all or none, and let go of their target keys.

        A step that was stopped (PAUSED, CANCELLED) is queued again with what it had sent counted.
        """
        with self._writing() as connection:
            for outcome, key in outcomes:
                if outcome.state in (State.DONE, State.FAILED):
                    self._record_end(connection, outcome)
                else:
                    self._record_stop(connection, outcome)
                connection.execute("DELETE FROM targets WHERE key = ? AND job = ?", (key, self.job))
            told = list(events)
            records.drop_told(connection, self.job, told)
            for event in told:
                records.keep_event(connection, event)
            changes.keep(connection, self._now(), written)

    def _record_end(self, connection: sqlite3.Connection, outcome: Outcome) -> None:
        row = connection.execute(
            "SELECT carried_files, carried_bytes, planned_bytes FROM steps WHERE job = ? AND number = ?",
            (self.job, outcome.number),
        ).fetchone()
        complete = outcome.files + outcome.skipped
        sent = outcome.files + (row["carried_files"] if row else 0)
        if outcome.state is State.DONE:
            # What an earlier run of this step sent is found complete by this one: sent, not skipped.
            sent = min(sent, complete)
        connection.execute(
            _RECORD,
            {
                "job": self.job,
                "number": outcome.number,
                "state": outcome.state,
                "sent": sent,
                "bytes": _sent_bytes(outcome, row["carried_bytes"], row["planned_bytes"]) if row else 0,
                "skipped": max(0, complete - sent),
                **asdict(outcome.verified),
                **asdict(outcome.attributes),
                "failures": len(outcome.failures),
                "failed": sealed(json.dumps([asdict(failure) for failure in outcome.failures]))
                if outcome.failures
                else "",
            },
        )

    def _record_stop(self, connection: sqlite3.Connection, outcome: Outcome) -> None:
        connection.execute(
            "UPDATE steps SET state = 'queued', carried_files = carried_files + :files,"
            " carried_bytes = carried_bytes + :bytes, files = carried_files + :files,"
            " bytes = carried_bytes + :bytes WHERE job = :job AND number = :number",
            {"job": self.job, "number": outcome.number, "files": outcome.files, "bytes": outcome.bytes},
        )

    def pulse(self, counters: Mapping[int, tuple[int, int]], seconds: float, note: str = "") -> Wish:
        """Show that the worker lives, and how far it is; learn what is wanted.

        `counters`: files and bytes of this run, by step, of steps that moved; `seconds` since the last pulse.
        """
        with self._writing() as connection:
            connection.executemany(
                "UPDATE steps SET files = carried_files + ?, bytes = carried_bytes + ?"
                " WHERE job = ? AND number = ?",
                [(files, size, self.job, number) for number, (files, size) in counters.items()],
            )
            row = connection.execute(
                "UPDATE jobs SET heartbeat = ?, seconds = seconds + ?, note = ? WHERE id = ? RETURNING wish",
                (self._now(), seconds, note, self.job),
            ).fetchone()
            return Wish(row["wish"])

    def state(self, state: State) -> None:
        """Show another state while the claim is held: resting, running again."""
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, self.job))
            self._keep_state(connection, state)

    def requeue(self, numbers: Iterable[int]) -> None:
        """Have steps that were recorded as failed tried again when the job goes on."""
        with self._writing() as connection:
            for number in numbers:
                records.requeue(connection, self.job, "state = 'failed' AND number = ?", number)

    def release(self, state: State, note: str = "", trouble: Trouble | None = None) -> None:
        """Give the job back in this state. Nothing may be written with this claim any more."""
        with self._writing() as connection:
            self._end(connection, state, note)
            if trouble is not None:
                records.keep_trouble(connection, self.job, trouble)

    def let_go(self, note: str) -> bool:
        """Leave the job resumable, unless it was given back before. False when it is another worker's now."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT token FROM jobs WHERE id = ?", (self.job,)).fetchone()
            if row and row["token"] == self._token:
                self._end(connection, State.PAUSED, note)
            return row is not None and row["token"] in ("", self._token)

    def finish(self) -> State | None:
        """Give the job back as DONE or FAILED. None, and nothing given back, when steps are queued."""
        with self._writing() as connection:
            row = connection.execute(
                "SELECT failures, EXISTS (SELECT 1 FROM steps WHERE job = id AND steps.state <> 'done'"
                " AND steps.state IN ('queued', 'running')) AS more FROM jobs WHERE id = ?",
                (self.job,),
            ).fetchone()
            if row["more"]:
                return None
            state = State.FAILED if row["failures"] else State.DONE
            self._end(connection, state, "")
            return state

    def _end(self, connection: sqlite3.Connection, state: State, note: str) -> None:
        records.end(connection, self.job, state, note)
        self._keep_state(connection, state)

    def _keep_state(self, connection: sqlite3.Connection, state: State) -> None:
        records.keep_event(connection, Event(self.job, self._now(), "state", str(state)))


def _sent_bytes(outcome: Outcome, carried: int, planned: int) -> int:
    """What all runs of a step sent of it, each byte once.

    A file that an earlier run had begun is sent again as a whole: counted with what had been `carried` of it,
    a step would send more than was planned, or than a run which found nothing there.
    """
    if planned:
        return min(carried + outcome.bytes, max(planned, outcome.bytes))
    whole = outcome.state is State.DONE and not outcome.skipped
    return outcome.bytes if whole else carried + outcome.bytes
