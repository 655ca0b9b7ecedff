"""The worker process, as a job gets it: its memory while one large file passes, and finished jobs run again.

    python -m tests.bench.bench_worker [BYTES]

Memory is the peak that the kernel counted for that process alone (`VmHWM`), so this runs on Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.bench_transfer import Served
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.reporting import report
from xnat_tui.model.options import CopyOptions, ExportMode, ExportOptions, Mode
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import Report, State
from xnat_tui.services.transfers.running.worker import COMMAND
from xnat_tui.services.workspace import Workspace

LARGE = 4_000_000_000
NUMBERS = tuple[int, int, int, int, int]


@contextmanager
def workplace(numbers: NUMBERS) -> Iterator[Path]:
    """A source with synthetic data, an empty destination, and folders of the program's own."""
    source, target = Served(numbers), Served((0, 0, 0, 0, 0))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-worker-") as name:
            folder = Path(name)
            for variable, part in (("CONFIG", "config"), ("STATE", "state")):
                (folder / part).mkdir()
                os.environ[f"XNAT_TUI_{variable}"] = str(folder / part)
            tables = [
                f'[servers.{one}]\nurl = "{server.url}"\nuser = "admin"\n'
                for one, server in (("lab", source), ("qc", target))
            ]
            (folder / "config/config.toml").write_text("\n".join(tables))
            for one in ("LAB", "QC"):
                os.environ[f"XNAT_TUI_PASSWORD_{one}"] = "admin"
            yield folder
    finally:
        source.stop()
        target.stop()


def run(plan: Plan) -> tuple[float, int, Report]:
    """Seconds, bytes of memory at most, and what became of a job in a worker process of its own."""
    with Journal() as journal:
        job = journal.create(plan)
        began, most = time.perf_counter(), 0
        worker = subprocess.Popen([*COMMAND, job])
        while worker.poll() is None:
            most = max(most, _peak(worker.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        found = report(journal, job)
        assert found.state is State.DONE, found
        return seconds, most, found


def _peak(process: int) -> int:
    """0 before it is there, and once it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def planned(verb: str, folder: Path, mode: Mode = Mode.AUTO) -> Plan:
    """As a new session of the program would plan it."""
    with Workspace() as workspace:
        if verb == "export":
            return workspace.plan_export(
                "lab:BIG", folder / "out", options=ExportOptions(mode=ExportMode(mode))
            )
        return workspace.plan_copy("lab:BIG", "qc:NEW", options=CopyOptions(mode=mode))


def large(size: int) -> None:
    for mode in (Mode.FILE, Mode.ZIP):
        with workplace((1, 1, 1, 1, size)) as folder:
            for verb in ("export", "copy"):
                _tell(f"{verb}, mode {mode}", run(planned(verb, folder, mode)))


def again(numbers: NUMBERS) -> None:
    with workplace(numbers) as folder:
        for verb in ("export", "copy"):
            plan = planned(verb, folder)
            _tell(verb, run(plan))
            _tell(f"{verb}, the same plan again", run(plan))
            began = time.perf_counter()
            plan = planned(verb, folder)
            seconds = time.perf_counter() - began
            _tell(f"{verb}, planned anew in {seconds:.2f} s", run(plan))


def _tell(name: str, measured: tuple[float, int, Report]) -> None:
    seconds, most, found = measured
    moved = f"{found.done_files} files moved, {found.skipped} there before"
    print(f"  {name}: {seconds:.2f} s, {most / 1e6:.0f} MB of memory, {moved}", flush=True)


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    print("10,000 files")
    again((2, 1, 5, 1000, 2_000))
    print(f"one file of {size} bytes")
    large(size)


if __name__ == "__main__":
    main()
