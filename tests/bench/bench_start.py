"""How soon the program is there, and what it weighs: `python -m tests.bench.bench_start`.

First painted frame of `xnat-tui demo` beside a bare Textual app's, `--help` beside an interpreter that
imports click, and the memory of a process that has listed a project of 72,000 subjects.
"""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

RUNS = 7
SUBJECTS = 72_000
PAINT_LIMIT, HELP_LIMIT, MEMORY_LIMIT = 250.0, 2.0, 200.0
SYNC_QUERY, SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("painted")
Bare().run()
"""

LISTING = f"""
import resource
from xnat_tui.demo.server import DemoServer
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.model.entities import Fields
from xnat_tui.tui.explorer.rows import Rows
import xnat_tui.services.workspace, xnat_tui.tui.app, xnat_tui.tui.explorer.screen
names = ("gender", "handedness", "group", "insert_date")
project = Pair(Kind.PROJECT, "P", Item(Kind.PROJECT, "P", "P"))
project.attach([
    Pair(Kind.SUBJECT, f"SUB-{{n:06}}", Item(
        Kind.SUBJECT, f"XNAT_S{{n:06}}", f"SUB-{{n:06}}", uri=f"/data/projects/P/subjects/XNAT_S{{n:06}}",
        fields=Fields(names, ("female", "right", "control", "2024-01-01")),
    ))
    for n in range({SUBJECTS})
])
rows = Rows(project)
assert len(rows) == {SUBJECTS}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
""".replace("from xnat_tui.demo.server import DemoServer\n", "")


def painted(command: Sequence[str], text: bytes, environment: Mapping[str, str]) -> float:
    """Milliseconds until a text is painted in a pseudo-terminal of 80 by 24; the program is then ended."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], list(command), dict(environment))
    seen = b""
    try:
        while text not in seen:
            ready, _, _ = select.select([terminal], [], [], 20)
            if not ready:
                raise TimeoutError(f"{command} painted nothing")
            got = os.read(terminal, 65536)
            seen += got
            if SYNC_QUERY in got:
                os.write(terminal, SYNC_ANSWER)
        return 1000 * (time.perf_counter() - started)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, 15)
        with suppress(OSError):
            while os.read(terminal, 65536):
                pass
        os.close(terminal)
        os.waitpid(child, 0)


def took(command: Sequence[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=dict(environment))
    return 1000 * (time.perf_counter() - started)


def middle(measure: Callable[[], float]) -> float:
    measure()
    return statistics.median(measure() for _ in range(RUNS))


def main() -> int:
    python = sys.executable
    program = [python, "-m", "xnat_tui"]
    with tempfile.TemporaryDirectory() as folder:
        world = {"XNAT_TUI_CONFIG": f"{folder}/c", "XNAT_TUI_STATE": f"{folder}/s", "TERM": "xterm-256color"}
        environment = {**os.environ, **world, "COLUMNS": "80", "LINES": "24", "TEXTUAL_ANIMATIONS": "none"}
        bare = middle(lambda: painted([python, "-c", BARE], b"painted", environment))
        demo = middle(lambda: painted([*program, "demo"], b"Destination", environment))
        click = middle(lambda: took([python, "-c", "import click"], environment))
        usage = middle(lambda: took([*program, "--help"], environment))
        listing = subprocess.run(
            [python, "-c", LISTING], check=True, capture_output=True, text=True, env=environment
        )
    memory = int(listing.stdout) / 1000
    figures = (
        ("first frame of the demo, over a bare app's", demo - bare, PAINT_LIMIT, "ms"),
        ("--help, as often as `import click`", usage / click, HELP_LIMIT, "x"),
        (f"memory with {SUBJECTS} subjects listed", memory, MEMORY_LIMIT, "MB"),
    )
    print(f"bare {bare:.0f} ms, demo {demo:.0f} ms; click {click:.0f} ms, --help {usage:.0f} ms")
    for what, value, limit, unit in figures:
        print(f"{what:<46} {value:8.1f} {unit:<3} limit {limit:g}  {'ok' if value <= limit else 'TOO MUCH'}")
    return 0 if all(value <= limit for _, value, limit, _ in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
