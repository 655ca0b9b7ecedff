"""Copies between two demo servers, beside `curl` fetching and sending the same bytes in the same run.

    python -m tests.bench.bench_transfer

Prints rates, requests of both servers and times; what can be counted is asserted in tests/services.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.services.conftest import Copying, _connect
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.options import CopyOptions, Mode
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import Report
from xnat_tui.services.transfers.copying.execution import sender
from xnat_tui.services.transfers.copying.execution.steps import copy_executor

TURNS = 9
BOUNDARY_TURNS = 3
CURL = ("curl", "-sSf", "-u", "admin:admin")
SERVE = """
import sys
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.demo.study import synthetic_site
numbers = [int(word) for word in sys.argv[1:6]]
site = Site()
if numbers[0]:
    site = synthetic_site(*numbers[:3], files_per_resource=numbers[3], file_size=numbers[4])
with DemoServer(site) as server:
    server.faults.latency = float(sys.argv[6])
    print(server.url, flush=True)
    sys.stdin.read()
"""


class Served:
    """A demo server in a process of its own, so that it does not share the interpreter with the copy."""

    def __init__(self, numbers: tuple[int, int, int, int, int], latency: float = 0.0) -> None:
        words = [sys.executable, "-c", SERVE, *map(str, numbers), str(latency)]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _copying(source: Any, target: Any) -> Copying:
    """Between servers of other processes, of which no more than the address is known."""
    return Copying(source, target, _connect)


def beside_curl(files: int, size: int) -> None:
    """The files of one resource: ours, and one zip down and one up by `curl`, in turns, each going first."""
    source = Served((1, 1, 1, files, size))
    ours, theirs = [], []
    try:
        for turn in range(TURNS):
            target = Served((0, 0, 0, 0, 0))
            pair = _copying(source, target)
            _run(pair, _planned(pair, Mode.METADATA)[2])
            plan = _planned(pair, Mode.ZIP)[2]
            if turn % 2:
                theirs.append(_curl(source.url, target.url))
            took, requests, report = _run(pair, plan)
            assert report.done_files == files
            ours.append(took)
            if not turn % 2:
                theirs.append(_curl(source.url, target.url))
            _close(pair)
            target.stop()
            os.sync()
    finally:
        source.stop()
    ratios = [other / one for one, other in zip(ours, theirs, strict=True)]
    rate = files * size / statistics.median(ours) / 1e6
    print(f"  copy    {statistics.median(ours):6.2f} s  {requests:6} requests  {rate:7.1f} MB/s")
    print(f"  curl    {statistics.median(theirs):6.2f} s down and up")
    print(f"  x {statistics.median(ratios):.2f}; turn by turn {' '.join(f'{ratio:.2f}' for ratio in ratios)}")


def _close(pair: Copying) -> None:
    for connection in pair.connections.values():
        connection.close()


def measured(numbers: tuple[int, int, int, int, int], mode: Mode, latency: float = 0.0) -> None:
    source, target = Served(numbers, latency), Served((0, 0, 0, 0, 0), latency)
    pair = _copying(source, target)
    try:
        seconds, requests, plan = _planned(pair, mode)
        print(f"  plan    {seconds:6.2f} s  {requests:6} requests  {plan.totals.files} files")
        took, requests, report = _run(pair, plan)
        rate = report.done_bytes / took / 1e6
        print(f"  copy    {took:6.2f} s  {requests:6} requests  {rate:7.1f} MB/s  {report.verified}")
        first = _each(pair)  # with signing in
        shares = {name: count / numbers[0] / numbers[1] for name, count in first.items()}
        asked = "   ".join(f"{name} {first[name]} ({shares[name]:.2f} a session)" for name in first)
        print(f"          of plan and copy: {asked}")
        seconds, requests, plan = _planned(pair, mode)
        again, _, report = _run(pair, plan)
        asked = "   ".join(f"{name} {count - first[name]}" for name, count in _each(pair).items())
        print(f"  again   {seconds + again:6.2f} s  {report.done_files} files sent; requests: {asked}")
    finally:
        _close(pair)
        source.stop()
        target.stop()


def _each(pair: Copying) -> dict[str, int]:
    return {name: connection.requests for name, connection in pair.connections.items()}


def _requests(pair: Copying) -> int:
    return sum(connection.requests for connection in pair.connections.values())


def _planned(pair: Copying, mode: Mode) -> tuple[float, int, Plan]:
    before, began = _requests(pair), time.perf_counter()
    plan = pair.plan("BIG", options=CopyOptions(mode=mode))
    return time.perf_counter() - began, _requests(pair) - before, plan


def _run(pair: Copying, plan: Plan) -> tuple[float, int, Report]:
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        job = journal.create(plan)
        before, began = _requests(pair), time.perf_counter()
        with copy_executor(plan, pair.connections.__getitem__) as execute:
            report = run(journal, job, execute, workers=4)
        return time.perf_counter() - began, _requests(pair) - before, report


def _curl(source: str, target: str) -> float:
    """One zip of the first scan's resource down, one with bare names up: only the sending counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = "data/projects/BIG/subjects/S00001/experiments/S00001_MR1/scans/1/resources/DICOM/files"
        began = time.perf_counter()
        _call(f"{source}/{session}?format=zip", "-o", str(folder / "down.zip"))
        spent = time.perf_counter() - began
        with zipfile.ZipFile(folder / "down.zip") as down, zipfile.ZipFile(folder / "up.zip", "w") as up:
            for info in down.infolist():
                up.writestr(info.filename.rpartition("/files/")[2], down.read(info))
        path = session.replace("BIG", "NEW").replace("/DICOM/", "/CURL/")
        began = time.perf_counter()
        url = f"{target}/{path}/a.zip?extract=true&inbody=true"
        _call(url, "-T", str(folder / "up.zip"), "-H", "Content-Type: application/zip", "-H", "Expect:")
        return spent + time.perf_counter() - began


def _call(url: str, *words: str) -> None:
    subprocess.run([*CURL, *words, url], check=True, stdout=subprocess.DEVNULL)


def boundary() -> None:
    """From which size on a file is worth a request of its own: both ways side by side, in turns."""
    for size in (1_000_000, 4_000_000, 16_000_000, 32_000_000, 64_000_000):
        count = max(2, 128_000_000 // size)
        source = Served((1, 1, 1, count, size))
        took: dict[str, list[float]] = {"alone": [], "zipped": []}
        try:
            for turn in range(2 * BOUNDARY_TURNS):
                name = ("alone", "zipped")[turn % 2]
                target = Served((0, 0, 0, 0, 0))
                pair = Copying(source, target, _connect)  # type: ignore[arg-type]
                _run(pair, _planned(pair, Mode.METADATA)[2])
                mode = Mode.ZIP if name == "zipped" else Mode.FILE
                with patch.object(sender, "LARGE", 1):  # a file alone is streamed, not kept on its way
                    took[name].append(_run(pair, _planned(pair, mode)[2])[0])
                _close(pair)
                target.stop()
        finally:
            source.stop()
        alone, zipped = (statistics.median(times) for times in took.values())
        words = f"alone {alone:5.2f} s, zipped {zipped:5.2f} s, x {zipped / alone:.2f}"
        print(f"  {count:4} files of {size / 1e6:3.0f} MB: {words}")


def main() -> None:
    if shutil.which("curl") is None:
        raise SystemExit("curl is needed beside the copy: apt-get install curl")
    print("200 files of 0.5 MB, one resource")
    beside_curl(200, 500_000)
    print("1,000 files of 20 kB, one resource")
    measured((1, 1, 1, 1000, 20_000), Mode.ZIP)
    print("100 subjects x 2 sessions x 6 scans at 50 ms (CopyXnat: 177 requests a session, 35,350)")
    measured((100, 2, 6, 1, 20_000), Mode.AUTO, 0.05)
    print("10,000 files")
    measured((2, 1, 5, 1000, 2_000), Mode.AUTO)
    print("a file alone, or zipped with its neighbours")
    boundary()


if __name__ == "__main__":
    main()
