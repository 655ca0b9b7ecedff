"""A journal of this version made into one of the version before: what a step is stood in its own row."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.soundness import sealed
from xnat_tui.model.plan_documents import step_document

_ADDED = (
    "done_items",
    "sent_files",
    "sent_bytes",
    "skipped",
    "digest",
    "size",
    "unverified",
    "proved",
    "lost",
)
_TRIGGERS = """
CREATE TRIGGER steps_counted_in AFTER INSERT ON steps BEGIN
  UPDATE jobs SET failures = failures + NEW.failures WHERE id = NEW.job;
END;
CREATE TRIGGER steps_counted AFTER UPDATE OF files, bytes, failures ON steps BEGIN
  UPDATE jobs SET files = files + NEW.files - OLD.files, bytes = bytes + NEW.bytes - OLD.bytes,
    failures = failures + NEW.failures - OLD.failures
  WHERE id = NEW.job;
END;
"""


def bodies_in_rows(path: Path) -> None:
    """Steps as that version's jobs have them; the tables stay those of this version."""
    with Journal(path) as journal:
        plans = {job.id: journal.plan(job.id) for job in journal.jobs()}
    database = sqlite3.connect(path)
    with database:
        for job, plan in plans.items():
            for step in plan.steps:
                body = sealed(json.dumps(step_document(step)))
                database.execute(
                    "UPDATE steps SET body = ? WHERE job = ? AND number = ?", (body, job, step.number)
                )
        database.execute("DELETE FROM bodies")
    database.close()


def turned_back(path: Path) -> None:
    """The whole file, tables and all, as version 3 would have written it."""
    bodies_in_rows(path)
    database = sqlite3.connect(path)
    database.executescript(
        "DROP TRIGGER steps_counted_in; DROP TRIGGER steps_counted;"
        "DROP INDEX steps_failed; DROP TABLE bodies; DROP TABLE history;"
        + "".join(f"ALTER TABLE jobs DROP COLUMN {column};" for column in _ADDED)
        + _TRIGGERS
        + "PRAGMA user_version = 3;"
    )
    database.close()
