"""The report of a job from the journal: how far a running one is, what an ended one did."""

from __future__ import annotations

import json

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.display import counted
from xnat_tui.model.transfer import Arrived, Evidence, Failure, Kept, Left, Report, State, Treated

_SUMS = """
SELECT done_items, sent_files, sent_bytes, skipped, digest, size, unverified, proved, lost
FROM jobs WHERE id = ?
"""


def report(journal: Journal, job: str) -> Report:
    """Files and bytes are those of steps that ended; every failure is listed. Raises NotFound."""
    found = journal.job(job)
    sums = journal.database.rows(_SUMS, (job,))[0]
    return Report(
        job=job,
        state=State(found.state),
        plan=found.totals,
        done_items=sums["done_items"],
        done_files=sums["sent_files"],
        done_bytes=sums["sent_bytes"],
        skipped=sums["skipped"],
        failed=tuple(failures(journal, job)),
        left=tuple(left_alone(journal, job)),
        verified=Evidence(sums["digest"], sums["size"], sums["unverified"]),
        attributes=Kept(sums["proved"], sums["lost"]),
        seconds=found.seconds,
        note=found.note,
        arrived=tuple(arrived(journal, job)),
        treated=treated(journal, job),
    )


def failures(journal: Journal, job: str) -> list[Failure]:
    """What was not done, in the order of the plan."""
    rows = journal.database.rows(
        "SELECT failed FROM steps WHERE job = ? AND failures > 0 ORDER BY number", (job,)
    )
    with journal.database.reading():
        return [Failure(**failure) for row in rows for failure in json.loads(row["failed"])]


def left_alone(journal: Journal, job: str) -> list[Left]:
    """What the plan said that it would not touch, in its order."""
    if not journal.job(job).left:
        return []
    rows = journal.database.rows(
        "SELECT failed FROM steps WHERE job = ? AND state <> 'done' AND state = 'left' ORDER BY number",
        (job,),
    )
    with journal.database.reading():
        return [Left(**left) for row in rows for left in json.loads(row["failed"])]


def arrived(journal: Journal, job: str) -> list[Arrived]:
    """Where servers said that something is, each once, however often a step was run."""
    rows = journal.database.rows(
        "SELECT message FROM events WHERE job = ? AND kind = 'arrived' ORDER BY number", (job,)
    )
    with journal.database.reading():
        return list(dict.fromkeys(Arrived(**json.loads(row["message"])) for row in rows))


def treated(journal: Journal, job: str) -> Treated | None:
    """What a de-identification has made of files so far, and what it held: also all that its plan left alone.
    None for a job that de-identifies nothing."""
    if not journal.plan_without_steps(job).options.deidentify:
        return None
    rows = journal.database.rows(
        "SELECT message FROM events WHERE job = ? AND kind = 'treated' ORDER BY number", (job,)
    )
    found = Treated(held=tuple(left_alone(journal, job)))
    with journal.database.reading():
        for row in rows:
            told = json.loads(row["message"])
            held = tuple(Left(**left) for left in told["held"])
            found += Treated(told["changed"], told["passed"], held)
    return found


def not_retried(journal: Journal, job: str) -> XnatTuiError | None:
    """Why `Journal.retry` found nothing to run again in a job that failed, or that has not ended; None where
    nothing failed."""
    found = journal.job(job)
    if found.state in (State.PAUSED, State.CANCELLED, State.QUEUED):
        return Conflict(
            f"{job} is {found.state}: nothing of it failed, and it is not done.",
            f"Go on with: xnat-tui jobs resume {job}",
        )
    if found.state is not State.FAILED:
        return None
    line = journal.plan_without_steps(job).command
    return XnatTuiError(
        f"{counted(found.failures, 'item')} of {job} failed as it was planned: no retry brings them.",
        f"Plan again with: {line}" if line else "Plan the transfer again.",
    )
