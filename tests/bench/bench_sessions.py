"""Exports of many sessions beside a plain loop of their zips: requests, and time across 50 ms.

Run it from the top of the repository: `python -m tests.bench.bench_sessions [--sessions N] [--latency S]`.
The server runs in a process of its own and answers every request that much later. `loop` is what a script
does: as many threads as the export has workers, each of which takes the next session and writes its zip as
it comes, with no list, nothing unpacked, hashed or synced. `export` is the whole of it: the journal, the
lists, every file unpacked, proved, synced and in its place; with and without the documents. In turns, each
into an empty folder; the planning is told by itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import requests

from tests.bench.bench_export import serving
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.jobs.journal import Journal
from xnat_tui.jobs.runner import run
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import State
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor
from xnat_tui.xnat.http.connection import Connection

SCANS, FILES = 6, 2


def study(sessions: int, size: int) -> Site:
    """Two sessions a subject, six scans a session, two files a scan."""
    site = Site()
    project = site.add_project("P")
    for number in range(sessions):
        if number % 2 == 0:
            subject = site.add_subject(project, f"S{number // 2:04d}")
        session = site.add_experiment(subject, f"{subject.label}_{number % 2}")
        for scan in range(SCANS):
            resource = site.new_resource("DICOM", format="DICOM", content="RAW")
            for file in range(FILES):
                content = BytesContent(os.urandom(size))
                resource.add(FileEntry(f"{file}.dcm", content, content.md5, size, "DICOM", "RAW"))
            resource.populate_stats()
            site.add_scan(session, str(scan), fields={"type": "T1"}).resources.append(resource)
    return site


def serve(sessions: int, size: int, latency: float) -> None:
    """The child: its address on stdout, until standard input closes."""
    with DemoServer(study(sessions, size)) as one:
        one.faults.latency = latency
        print(one.url, flush=True)
        sys.stdin.read()


def plan_for(connection: Connection, folder: Path, metadata: bool) -> Plan:
    reader = Reader(connection)
    places = list(find(reader, Location.parse("lab:P")))
    return plan_export(reader, places, folder, ExportOptions(metadata=metadata))


def export(connection: Connection, plan: Plan, workers: int) -> None:
    with Journal(Path(f"{plan.destination}.sqlite")) as journal:
        job = journal.create(plan)
        with export_executor(plan, lambda _: connection) as execute:
            report = run(journal, job, execute, workers=workers)
    assert (report.state, report.failed) == (State.DONE, ())
    assert report.verified.digest == plan.totals.files


def loop(url: str, plan: Plan, workers: int) -> None:
    folder = Path(f"{plan.destination}-loop")
    folder.mkdir()
    asking = requests.Session()
    asking.auth = ("admin", "admin")
    asking.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=workers))

    def fetch(session: str) -> None:
        address = f"{url}{session}/files?all=true&format=zip"
        with (
            asking.get(address, stream=True) as answer,
            (folder / session.rpartition("/")[2]).open("wb") as out,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_content(1 << 18):
                out.write(chunk)

    sessions = dict.fromkeys(step.session for step in plan.steps if step.session)
    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(fetch, session) for session in sessions]:
            future.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=float, nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    if options.serve:
        sessions, size, latency = options.serve
        serve(int(sessions), int(size), latency)
        return
    took: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-sessions-") as name,
        serving("bench_sessions", options.sessions, options.size, options.latency) as url,
        Connection.open(
            Server("lab", url, "admin"), Credential("admin", Secret("admin"), "bench")
        ) as connection,
    ):
        for turn in range(options.turns):
            contestants: dict[str, Callable[[Plan], None]] = {
                "loop": lambda plan: loop(url, plan, options.workers),
                "export": partial(export, connection, workers=options.workers),
                "export with documents": partial(export, connection, workers=options.workers),
            }
            names = list(contestants)
            for who in names[turn % 3 :] + names[: turn % 3]:
                before, began = connection.requests, time.perf_counter()
                plan = plan_for(connection, Path(name) / f"{who}-{turn}", who.endswith("documents"))
                planning, asked = time.perf_counter() - began, connection.requests - before
                os.sync()
                began = time.perf_counter()
                contestants[who](plan)
                took.setdefault(who, []).append(time.perf_counter() - began)
                if turn == 0 and who != "loop":
                    count = connection.requests - before
                    print(
                        f"{who}: {asked} requests to plan in {planning:.2f} s, {count - asked} to run,",
                        end=" ",
                    )
                    print(
                        f"{count / options.sessions:.2f} for each of {options.sessions} sessions", flush=True
                    )
    print(f"{options.latency * 1000:g} ms, {options.workers} workers, {options.size} bytes a file:")
    for who, seconds in took.items():
        ratios = [one / loops for one, loops in zip(seconds, took["loop"], strict=True)]
        turns = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  {who:22} {statistics.median(seconds):6.2f} s, x {statistics.median(ratios):.2f}; {turns}")


if __name__ == "__main__":
    main()
