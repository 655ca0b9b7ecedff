"""A key press in the explorer while a worker exports at full speed, beside one while it rests.

    python -m tests.bench.bench_keys

Explorer, worker and server are three processes, as they are for a user whose server is on the same machine:
the hardest case. The two states are measured in turns; the worker is paused for the one at rest.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.bench.bench_transfer import Served
from tests.bench.bench_tree import Figures, Session
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.location import Location
from xnat_tui.model.plan import Plan, Policy
from xnat_tui.model.transfer import State
from xnat_tui.services import worker
from xnat_tui.services.browsing.find import find
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.planning.export import plan_export
from xnat_tui.xnat.connection import Connection

TURNS = 4
PRESSES = 60
SITE = (40, 1, 1, 100, 2_000_000)
"""Subjects, sessions, scans, files and their bytes: more than is exported while this runs."""


def plan_for(url: str, folder: Path) -> Plan:
    server, credential = Server("lab", url, "admin"), Credential("admin", Secret("admin"), "bench")
    with Connection.open(server, credential) as connection:
        places = list(find(Reader(connection), Location.parse("lab:BIG")))
        return plan_export(Reader(connection), places, folder, Policy(metadata=False))


def wait_for(journal: Journal, job: str, state: State) -> None:
    while journal.job(job).state is not state:
        time.sleep(0.05)


def press(session: Session, figures: Figures) -> None:
    for number in range(PRESSES):
        session.press("down" if number % 20 < 10 else "up", figures)


def measure(url: str, folder: Path) -> tuple[Figures, Figures, float]:
    """At rest, at work, and the bytes that the worker brought a second."""
    idle, busy, size, seconds = Figures(), Figures(), 0, 0.0
    with Journal() as journal:
        job = journal.create(plan_for(url, folder / "export"))
        session = Session("xnat_tui", ["lab:BIG"])
        worker.start(job)
        try:
            for _ in range(TURNS):
                wait_for(journal, job, State.RUNNING)
                before, began = journal.job(job).bytes, time.perf_counter()
                press(session, busy)
                size, seconds = (
                    size + journal.job(job).bytes - before,
                    seconds + time.perf_counter() - began,
                )
                assert journal.job(job).state is State.RUNNING, "the export ended too early"
                journal.pause(job)
                wait_for(journal, job, State.PAUSED)
                session.settle()
                press(session, idle)
                worker.resume(job)
        finally:
            journal.cancel(job)
            wait_for(journal, job, State.CANCELLED)
            session.quit()
    return idle, busy, size / seconds


def main() -> None:
    served = Served(SITE)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
            folder = Path(name)
            os.environ |= {
                "XNAT_TUI_CONFIG": name,
                "XNAT_TUI_STATE": str(folder / "state"),
                "XNAT_TUI_PASSWORD_LAB": "admin",
            }
            (folder / "config.toml").write_text(f'[servers.lab]\nurl = "{served.url}"\nuser = "admin"\n')
            idle, busy, rate = measure(served.url, folder)
    finally:
        served.stop()
    print(f"at rest  {idle.line()}")
    print(f"at work  {busy.line()}   ({rate / 1e6:.0f} MB/s beside it)")
    print(f"  x {busy.p95 / idle.p95:.2f} at the 95th percentile")


if __name__ == "__main__":
    main()
