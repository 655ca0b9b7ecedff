"""The report of a job from the journal: how far a running one is, what an ended one did."""

from __future__ import annotations

import json

from xnat_tui.jobs.journal import Journal
from xnat_tui.model.transfer import Evidence, Failure, Report, State

_SUMS = """
SELECT coalesce(sum(writes AND state = 'done'), 0) AS items, coalesce(sum(sent_files), 0) AS files,
  coalesce(sum(sent_bytes), 0) AS bytes, coalesce(sum(skipped), 0) AS skipped,
  coalesce(sum(digest), 0) AS digest, coalesce(sum(size), 0) AS size,
  coalesce(sum(unverified), 0) AS unverified
FROM steps WHERE job = ?
"""


def report(journal: Journal, job: str) -> Report:
    """Files and bytes are those of steps that ended; every failure is listed. Raises NotFound."""
    found = journal.job(job)
    sums = journal.database.rows(_SUMS, (job,))[0]
    return Report(
        job=job,
        state=State(found.state),
        plan=found.totals,
        done_items=sums["items"],
        done_files=sums["files"],
        done_bytes=sums["bytes"],
        skipped=sums["skipped"],
        failed=tuple(failures(journal, job)),
        verified=Evidence(sums["digest"], sums["size"], sums["unverified"]),
        seconds=found.seconds,
        note=found.note,
    )


def failures(journal: Journal, job: str) -> list[Failure]:
    """What was not done, in the order of the plan."""
    rows = journal.database.rows(
        "SELECT failed FROM steps WHERE job = ? AND failures > 0 ORDER BY number", (job,)
    )
    with journal.database.reading():
        return [Failure(**failure) for row in rows for failure in json.loads(row["failed"])]
