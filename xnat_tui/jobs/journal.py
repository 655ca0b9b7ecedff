"""The truth about jobs: their plans, what became of every step, and who runs them.

A SQLite file that explorer, verbs and workers share. Whatever process dies at whatever moment, it stays
readable, and says of no step that it is done that is not.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from xnat_tui import errors
from xnat_tui.errors import Conflict, NotFound, XnatTuiError
from xnat_tui.jobs import bodies, changes, from_version_2, records
from xnat_tui.jobs.claim import Claim
from xnat_tui.jobs.database import Database
from xnat_tui.jobs.job import Event, Job, StepView, Trouble, Wish
from xnat_tui.jobs.owner import Owner
from xnat_tui.jobs.soundness import sealed
from xnat_tui.model.changed import Changed
from xnat_tui.model.plan import Plan, Step, Totals
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.transfer import ENDED, State
from xnat_tui.paths import state_folder

_DIED = "Its worker ended before the job did; it can be resumed."


def journal_file() -> Path:
    """`jobs.sqlite` in the state folder."""
    return state_folder() / "jobs.sqlite"


class Journal:
    """Safe to use from several threads and several processes. `now` gives seconds since the epoch.

    Every call may raise ConfigError (the file is damaged, foreign, or out of reach), and with the ID of a job
    NotFound.
    """

    def __init__(self, path: Path | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.path = path or journal_file()
        self.now = now
        self.database = Database(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def create(self, plan: Plan, title: str = "") -> str:
        """Keep a plan as a queued job, and give its ID, `YYYYMMDD-HHMMSS-verb` in local time.

        Steps that skip are done from the start, steps in conflict are left alone; those that nobody could
        read have failed from the start.
        """
        head = sealed(json.dumps(plan_document(replace(plan, steps=()))))
        totals = sealed(json.dumps(asdict(plan.totals)))
        title = title or f"{', '.join(plan.sources)} → {plan.destination}"
        left = sum(step.left_alone for step in plan.steps)
        with self.database.transaction() as database:
            now = self.now()
            job = _new_id(database, plan.verb, now)
            database.execute(
                "INSERT INTO jobs (id, verb, title, plan, totals, state, created, left_alone)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (job, plan.verb, title, head, totals, State.QUEUED, now, left),
            )
            database.executemany(records.INSERT_STEP, (records.step_row(job, step) for step in plan.steps))
            bodies.keep(database, job, plan.steps)
        return job

    def jobs(self) -> list[Job]:
        """All jobs, the newest first."""
        rows = self.database.rows("SELECT * FROM jobs ORDER BY created DESC, id DESC")
        with self.database.reading():
            return [self._job(row) for row in rows]

    def job(self, job: str) -> Job:
        """One job as it stands now."""
        row = self._row(job)
        with self.database.reading():
            return self._job(row)

    def _row(self, job: str) -> sqlite3.Row:
        rows = self.database.rows("SELECT * FROM jobs WHERE id = ?", (job,))
        if not rows:
            raise NotFound(f"No job is remembered as {job!r}.", "List them with: xnat-tui jobs list")
        return rows[0]

    def _job(self, row: sqlite3.Row) -> Job:
        living = records.living(row, self.now())
        state, note = State(row["state"]), row["note"]
        died = bool(row["token"]) and not living
        if died:
            state, note = State.PAUSED, _DIED
        return Job(
            id=row["id"],
            verb=row["verb"],
            title=row["title"],
            state=state,
            wish=Wish(row["wish"]),
            note=note,
            trouble=Trouble(**json.loads(row["trouble"])) if row["trouble"] else None,
            totals=Totals(**json.loads(row["totals"])),
            files=row["files"],
            bytes=row["bytes"],
            failures=row["failures"],
            left=row["left_alone"],
            created=row["created"],
            seconds=row["seconds"],
            pid=row["pid"] if living else None,
            host=row["host"],
            died=died,
        )

    def plan(self, job: str) -> Plan:
        """The plan as it was made, equal to what `create` was given."""
        head = self._row(job)["plan"]
        rows = self.database.rows("SELECT number FROM steps WHERE job = ?", (job,))
        steps = tuple(bodies.read(self.database, job, {row["number"] for row in rows}))
        with self.database.reading():
            return replace(_plan(head), steps=steps)

    def plan_without_steps(self, job: str) -> Plan:
        """The plan's options, sources and destination; the steps may be many."""
        row = self._row(job)
        with self.database.reading():
            return _plan(row["plan"])

    def steps(self, job: str) -> list[StepView]:
        """The book-keeping of every step, in the order of the plan."""
        self._row(job)
        rows = self.database.rows(
            "SELECT number, path, state, attempts, files, bytes FROM steps WHERE job = ? ORDER BY number",
            (job,),
        )
        return [StepView(**{**dict(row), "state": State(row["state"])}) for row in rows]

    def queued(self, job: str) -> list[Step]:
        """The steps that are still to be run."""
        rows = self.database.rows(
            "SELECT number FROM steps WHERE job = ? AND state <> 'done' AND state = 'queued'", (job,)
        )
        return list(bodies.read(self.database, job, {row["number"] for row in rows}))

    def failed_numbers(self, job: str) -> dict[int, str]:
        """The steps that failed or were left alone, and their paths: what needs them cannot run."""
        rows = self.database.rows(
            "SELECT number, path FROM steps"
            " WHERE job = ? AND state <> 'done' AND state IN ('failed', 'left')",
            (job,),
        )
        return {row["number"]: row["path"] for row in rows}

    def claim(self, job: str, owner: Owner | None = None) -> Claim:
        """The sole right to run a job. A dead worker's claim is taken over, and what it had begun is queued.

        Raises Conflict while another worker lives, this process included.
        """
        owner = owner or Owner.this_process()
        self.database.check(job)
        with self.database.transaction() as database:
            row = self._row(job)
            if records.living(row, self.now()):
                raise Conflict(
                    f"Job {job} is already being run by process {row['pid']} on {row['host'].split()[0]}.",
                    "Watch it, or stop it first.",
                )
            if row["token"]:
                self._keep(database, job, "worker", f"Taken over from process {row['pid']}, which has ended.")
            return Claim.take(database, self.database, self.now, job, owner)

    def pause(self, job: str) -> None:
        """Let a running job come to rest. Raises Conflict for one that has ended."""
        self._wish(job, Wish.PAUSE, State.PAUSED)

    def cancel(self, job: str) -> None:
        """Give up what is not done yet; what is done stays. Raises Conflict for a job that has ended."""
        self._wish(job, Wish.CANCEL, State.CANCELLED)

    def _wish(self, job: str, wish: Wish, state: State) -> None:
        with self.database.transaction() as database:
            row = self._row(job)
            if State(row["state"]) in ENDED:
                raise Conflict(f"Job {job} has ended: {row['state']}.")
            database.execute("UPDATE jobs SET wish = ? WHERE id = ?", (wish, job))
            if records.living(row, self.now()):
                return
            records.end(database, job, state)
            self._keep(database, job, "state", str(state))

    def resume(self, job: str) -> bool:
        """Want a paused, interrupted or cancelled job to go on. Whether a worker lives that will do so.

        Without one the job is queued, and somebody has to run it.
        """
        with self.database.transaction() as database:
            row = self._row(job)
            living = records.living(row, self.now())
            database.execute("UPDATE jobs SET wish = '' WHERE id = ?", (job,))
            if living or State(row["state"]) in (State.DONE, State.FAILED):
                return living
            records.requeue(database, job, "state = 'cancelled'")
            database.execute("UPDATE jobs SET state = ?, note = '' WHERE id = ?", (State.QUEUED, job))
            return False

    def retry(self, job: str) -> int:
        """Queue again what failed, in whole or in part; how many steps. What was not read needs a new plan.

        A worker that lives takes them up by itself; without one the job is queued.
        """
        with self.database.transaction() as database:
            row = self._row(job)
            count = records.requeue(database, job, "writes AND (state = 'failed' OR failures > 0)")
            if count and not records.living(row, self.now()):
                database.execute(
                    "UPDATE jobs SET state = ?, wish = '', note = '' WHERE id = ?", (State.QUEUED, job)
                )
            return count

    def forget(self, job: str) -> None:
        """Remove a job, its steps and its events. Raises Conflict while a worker runs it."""
        with self.database.transaction() as database:
            row = self._row(job)
            if records.living(row, self.now()):
                raise Conflict(f"Job {job} is being run by process {row['pid']}.", "Cancel it first.")
            database.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def trouble(self, job: str, error: XnatTuiError) -> None:
        """Remember why a worker could not begin; the next claim forgets it."""
        trouble = Trouble(type(error).__name__, error.message, error.hint)
        with self.database.transaction() as database:
            records.keep_trouble(database, job, trouble)
            self._keep(database, job, "worker", error.message)

    def try_writing(self, job: str) -> None:
        """Raises ConfigError where nothing can be kept any more, as a worker may have met it."""
        with self.database.transaction() as database:
            database.execute("UPDATE jobs SET wish = wish WHERE id = ?", (job,))

    def tell(self, changed: Changed) -> None:
        """Let other processes hear what was written to a server."""
        with self.database.transaction() as database:
            changes.keep(database, self.now(), [changed])

    def events(self, job: str, after: int = 0) -> list[Event]:
        """What is worth keeping of what happened, oldest first, beginning behind event number `after`."""
        rows = self.database.rows(
            "SELECT job, at, kind, message, path, number FROM events"
            " WHERE job = ? AND number > ? ORDER BY number",
            (job, after),
        )
        return [Event(**dict(row)) for row in rows]

    def _keep(self, database: sqlite3.Connection, job: str, kind: str, message: str) -> None:
        records.keep_event(database, Event(job, self.now(), kind, message))


def _plan(text: str) -> Plan:
    """A plan without its steps, of this version or the last."""
    document = json.loads(text)
    return plan_of(document if "options" in document else from_version_2.plan_document(document))


def error_of(trouble: Trouble) -> XnatTuiError:
    """The error that a worker met, to be raised again where its user is."""
    kind = getattr(errors, trouble.kind, XnatTuiError)
    known = isinstance(kind, type) and issubclass(kind, XnatTuiError)
    return (kind if known else XnatTuiError)(trouble.message, trouble.hint)


def _new_id(database: sqlite3.Connection, verb: str, now: float) -> str:
    verb = re.sub(r"[^a-z0-9]+", "-", verb.lower()).strip("-") or "job"
    first = f"{datetime.fromtimestamp(now).astimezone().strftime('%Y%m%d-%H%M%S')}-{verb}"
    job, count = first, 1
    while database.execute("SELECT 1 FROM jobs WHERE id = ?", (job,)).fetchone():
        count += 1
        job = f"{first}-{count}"
    return job
