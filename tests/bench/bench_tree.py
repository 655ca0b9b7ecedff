"""Time and bytes per key of two linked panes with 100,000 rows each, beside a bare Textual app.

Run it from the top of the repository: `python -m tests.bench.bench_tree [ROWS]`. It plays the
terminal itself: writes keys into a pseudo-terminal and waits for the end of the frame they cause.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SYNC_QUERY, SYNC_ANSWER, FRAME_END = b"\x1b[?2026$p", b"\x1b[?2026;2$y", b"\x1b[?2026l"
WIDTH, HEIGHT = 80, 24
SETTLED = 0.05
"""Seconds of silence after which nothing more is expected."""

KEYS = {
    "down": b"\x1b[B",
    "up": b"\x1b[A",
    "page": b"\x1b[6~",
    "mark": b" ",
    "open": b"\x1b[C",
    "close": b"\x1b[D",
}


def p95(figures: Sequence[float]) -> float:
    return sorted(figures)[int(len(figures) * 0.95)]


@dataclass
class Figures:
    """Milliseconds to the last byte of a key's frame, and the bytes of all that it caused."""

    milliseconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    queued: Callable[[], float] = float
    """Milliseconds that those who answer a key have waited for a processor so far; 0 where nobody asks."""
    unqueued: list[float] = field(default_factory=list)
    """`milliseconds` without these: what a key takes where no other program wants the processors."""
    _began: tuple[float, float] = (0.0, 0.0)

    @property
    def p95(self) -> float:
        return p95(self.milliseconds)

    def begin(self) -> None:
        """A key is pressed now."""
        self._began = time.perf_counter(), self.queued()

    def end(self, arrived: float | None = None) -> None:
        """Its frame has arrived, now or then."""
        seconds, queued = (arrived or time.perf_counter()) - self._began[0], self.queued() - self._began[1]
        self.milliseconds.append(seconds * 1000)
        self.unqueued.append(max(0.0, seconds * 1000 - queued))

    def line(self) -> str:
        middle = statistics.median(self.milliseconds)
        return f"p50 {middle:6.1f} ms   p95 {self.p95:6.1f} ms   {statistics.mean(self.bytes):7.0f} B a key"


class Session:
    """One program in a pseudo-terminal of 80 by 24: a module of Python, and what it is told."""

    def __init__(self, module: str, arguments: Sequence[str], **environment: str) -> None:
        self.terminal, child = pty.openpty()
        sizes = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "80", "LINES": "24"}
        began = time.perf_counter()
        self.program = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=child,
            stdout=child,
            stderr=child,
            env=os.environ | sizes | {"TEXTUAL_ANIMATIONS": "none"} | environment,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        os.close(child)
        self.start_bytes = len(self.read_until(SYNC_QUERY))
        os.write(self.terminal, SYNC_ANSWER)
        self.start_bytes += self.settle(1.0)
        self.start_seconds = time.perf_counter() - began - 1.0

    def read_until(self, mark: bytes) -> bytes:
        seen = b""
        while mark not in seen:
            seen += os.read(self.terminal, 65536)
        return seen

    def settle(self, silence: float = SETTLED) -> int:
        """Read until nothing has come for a while; returns the number of bytes."""
        count = 0
        while select.select([self.terminal], [], [], silence)[0]:
            count += len(os.read(self.terminal, 65536))
        return count

    def press(self, key: str, figures: Figures) -> None:
        figures.begin()
        os.write(self.terminal, KEYS[key])
        seen = len(self.read_until(FRAME_END))
        figures.end()
        figures.bytes.append(seen + self.settle())

    def memory(self) -> float:
        """Resident megabytes."""
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
        return int(kilobytes) / 1000

    def quit(self) -> None:
        os.write(self.terminal, b"\x11")
        with suppress(OSError):  # Linux says so at the end of a pseudo-terminal
            while os.read(self.terminal, 65536):
                pass
        self.program.wait()
        os.close(self.terminal)


def measure(name: str, session: Session, script: Sequence[Sequence[str]]) -> None:
    try:
        print(f"{name}: started in {session.start_seconds:.2f} s with {session.start_bytes} B")
        for keys in script:
            figures = Figures()
            for key in keys:
                session.press(key, figures)
            print(f"  {'/'.join(dict.fromkeys(keys)):12} {figures.line()}")
        idle = session.settle(2.0)
        print(f"  idle for 2 s: {idle} B; resident memory {session.memory():.0f} MB")
        session.quit()
    finally:
        if session.program.poll() is None:
            session.program.kill()


def run_child(name: str, count: int) -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    from tests.tui.conftest import TreeApp, make_pair, make_wide
    from xnat_tui.model.entities import Kind
    from xnat_tui.tui.explorer.rows import Rows
    from xnat_tui.tui.terminal.driver import driver_class

    class Bare(App[None]):
        presses = 0

        def compose(self) -> ComposeResult:
            yield Static("0")

        def on_key(self) -> None:
            self.presses += 1
            self.query_one(Static).update(str(self.presses), layout=False)

    if name == "bare":
        Bare().run()
        return
    root = make_wide(count)
    for subject in root.children or ():
        if subject.key.endswith("50"):
            subject.attach([make_pair(Kind.EXPERIMENT, f"{subject.key}_{n}") for n in range(10)])
    app = TreeApp(Rows(root, comparing=True))
    app.driver_class = driver_class()
    app.run()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("rows", nargs="?", type=int, default=100_000)
    arguments.add_argument("--child", choices=["bare", "tree"], help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.child:
        run_child(options.child, options.rows)
        return
    count = str(options.rows)
    script = [["down"] * 50, ["open", "close"] * 20, ["down"] * 100, ["page"] * 40, ["mark"] * 40]
    here = "tests.bench.bench_tree"
    measure("bare Textual app", Session(here, ["--child", "bare"]), [["down"] * 100])
    measure(f"two panes of {count} rows", Session(here, [count, "--child", "tree"]), script)
    stock = Session(here, [count, "--child", "tree"], XNAT_TUI_DIFF_DRIVER="0")
    measure(f"two panes of {count} rows, stock driver", stock, script)


if __name__ == "__main__":
    main()
