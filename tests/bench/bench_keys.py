"""A key press in the explorer at work, beside one at rest: while a worker exports, and while it compares.

    python -m tests.bench.bench_keys [SESSIONS]

Explorer, worker and servers are processes of their own, as they are for a user whose server is on the same
machine: the hardest case. The two states are measured in turns. At rest the worker is paused, and the
comparison of SESSIONS sessions of 6 scans has ended.

Where other programs want the processors too, both states mostly tell of them. Linux says for how long each
thread has waited for a processor: the ratio is told with and without that, and the second is the one to
compare. Waiting for another thread that has the interpreter, and no processor, is in both.
"""

from __future__ import annotations

import argparse
import os
import select
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyte

from tests.bench.bench_transfer import Served
from tests.bench.bench_tree import HEIGHT, SETTLED, WIDTH, Figures, Session, p95
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.running import worker
from xnat_tui.xnat.http.connection import Connection

TURNS = 4
PRESSES = 60
SITE = (40, 1, 1, 100, 2_000_000)
"""Subjects, sessions, scans, files and their bytes: more than is exported while this runs."""


class Queue:
    """How long the threads that answer keys, and this one that presses them, have waited for a processor."""

    def __init__(self, session: Session) -> None:
        """The threads that are there before anything is compared or transferred."""
        tasks = Path(f"/proc/{session.program.pid}/task")
        mine = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}")
        self._files = [folder / "schedstat" for folder in (*tasks.glob("*"), mine)]

    def __call__(self) -> float:
        """Milliseconds; 0 where the system does not tell."""
        with suppress(OSError):
            return sum(int(file.read_text().split()[1]) for file in self._files) / 1e6
        return 0.0


def plan_for(url: str, folder: Path) -> Plan:
    server, credential = Server("lab", url, "admin"), Credential("admin", Secret("admin"), "bench")
    with Connection.open(server, credential) as connection:
        places = list(find(Reader(connection), Location.parse("lab:BIG")))
        return plan_export(Reader(connection), places, folder, ExportOptions(metadata=False))


def wait_for(journal: Journal, job: str, state: State) -> None:
    while journal.job(job).state is not state:
        time.sleep(0.05)


def press(session: Session, figures: Figures) -> None:
    for number in range(PRESSES):
        session.press("down" if number % 20 < 10 else "up", figures)


def measure(url: str, folder: Path) -> tuple[Figures, Figures, float]:
    """At rest, at work, and the bytes that the worker brought a second."""
    size, seconds = 0, 0.0
    with Journal() as journal:
        job = journal.create(plan_for(url, folder / "export"))
        session = Session("xnat_tui", ["lab:BIG"])
        idle, busy = Figures(queued=Queue(session)), Figures(queued=Queue(session))
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


class Comparing(Session):
    """The explorer on two projects, its screen read as a terminal shows it, whatever is drawn at the time."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)
        super().__init__("xnat_tui", ["lab:BIG", "qc:BIG"])
        self.wait_for(lambda: "S00001" in self._screen.display[2])

    @property
    def compares(self) -> bool:
        return "unread" in self._screen.display[0]

    @property
    def active(self) -> tuple[str, bool]:
        """How the left pane's border is drawn: it tells which pane has the keys."""
        corner = self._screen.buffer[1][0]
        return corner.fg, corner.bold

    def read_until(self, mark: bytes) -> bytes:
        seen = super().read_until(mark)
        self._stream.feed(seen)
        return seen

    def settle(self, silence: float = SETTLED) -> int:
        return self.look(silence)

    def look(self, silence: float, longest: float = 60.0) -> int:
        """Take in what comes until nothing has come for a while, or that for too long."""
        count, until = 0, time.perf_counter() + longest
        while time.perf_counter() < until and select.select([self.terminal], [], [], silence)[0]:
            seen = os.read(self.terminal, 65536)
            self._stream.feed(seen)
            count += len(seen)
        return count

    def wait_for(self, shown: Callable[[], bool]) -> float:
        """The moment at which the bytes arrived that show it."""
        arrived = time.perf_counter()
        while not shown():
            seen = os.read(self.terminal, 65536)
            arrived = time.perf_counter()
            self._stream.feed(seen)
        return arrived

    def change_pane(self, figures: Figures) -> None:
        """`tab` is of use even while nothing is listed yet; frames of the comparison itself do not count."""
        was = self.active
        figures.begin()
        os.write(self.terminal, b"\t")
        figures.end(self.wait_for(lambda: self.active != was))
        figures.bytes.append(self.look(SETTLED, longest=2 * SETTLED))


def measure_comparing() -> tuple[Figures, Figures, list[float]]:
    """At rest, at work, and the seconds that each comparison took while keys were pressed."""
    took: list[float] = []
    session = Comparing()
    idle, busy = Figures(queued=Queue(session)), Figures(queued=Queue(session))
    try:
        for _ in range(TURNS):
            began = time.perf_counter()
            os.write(session.terminal, b"=")
            session.wait_for(lambda: session.compares)
            while session.compares:
                session.change_pane(busy)
            took.append(time.perf_counter() - began)
            session.look(1.0)
            for _ in range(PRESSES):
                session.change_pane(idle)
            os.write(session.terminal, b"=")
            session.look(1.0)
    finally:
        session.quit()
    return idle, busy, took


def prepare(folder: Path, **urls: str) -> None:
    """A configuration and a state of their own, for this process and what it starts."""
    os.environ |= {"XNAT_TUI_CONFIG": str(folder), "XNAT_TUI_STATE": str(folder / "state")}
    os.environ |= {f"XNAT_TUI_PASSWORD_{name.upper()}": "admin" for name in urls}
    servers = (f'[servers.{name}]\nurl = "{url}"\nuser = "admin"\n' for name, url in urls.items())
    (folder / "config.toml").write_text("".join(servers))


def beside_a_worker() -> None:
    served = Served(SITE)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
            prepare(Path(name), lab=served.url)
            idle, busy, rate = measure(served.url, Path(name))
    finally:
        served.stop()
    tell(idle, busy, f"{rate / 1e6:.0f} MB/s beside it")


def while_comparing(sessions: int) -> None:
    sides = [Served((sessions // 2, 2, 6, 1, 20_000)) for _ in range(2)]
    try:
        with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
            prepare(Path(name), lab=sides[0].url, qc=sides[1].url)
            idle, busy, took = measure_comparing()
    finally:
        for side in sides:
            side.stop()
    tell(
        idle,
        busy,
        f"{len(busy.milliseconds)} presses, comparisons of {', '.join(f'{s:.1f}' for s in took)} s",
    )


def tell(idle: Figures, busy: Figures, beside: str) -> None:
    print(f"at rest  {idle.line()}")
    print(f"at work  {busy.line()}   ({beside})")
    alone = p95(busy.unqueued) / p95(idle.unqueued)
    print(
        f"  x {busy.p95 / idle.p95:.2f} at the 95th percentile; without waits for a processor x {alone:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", nargs="?", type=int, default=2_000)
    sessions = parser.parse_args().sessions
    print("while a worker exports")
    beside_a_worker()
    print(f"while {sessions} sessions of 6 scans are compared")
    while_comparing(sessions)


if __name__ == "__main__":
    main()
