"""Requests, seconds and memory of comparisons of whole projects, beside xnatpy and CopyXnat.

Run it from the top of the repository: `python -m tests.bench.bench_compare [SUBJECTS]`. The servers run
in a process of their own. Our own time is what a comparison takes above the same servers' time for the
same requests, sent again as plain HTTP one connection's width at a time, bodies read and thrown away.

CopyXnat 0.9.6 needs an older xmltodict than it says, so give it an environment of its own: `pip install
copyxnat 'xmltodict<0.13' nibabel pandas`, and name its program with `--copyxnat` where it is not on the
path. Where there is none its requests are as counted with it on these servers: 124, 239 and 354 for
1, 2 and 3 subjects of 2 sessions of 6 scans with one file each.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import synthetic_site
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection, Download

WALKED_SESSIONS = 20
"""xnatpy's walk is measured on these many sessions; its time and requests grow in proportion to them."""
COPYXNAT_SUBJECTS = 2
COPYXNAT_REQUESTS = 57.5
"""For each session, on each side."""


def serve(subjects: int, latency: float, sessions: int, scans: int) -> None:
    """The child: two equal sites, their ports on stdout, until standard input closes."""
    size = (subjects, sessions, scans)
    with DemoServer(synthetic_site(*size)) as one, DemoServer(synthetic_site(*size)) as two:
        one.faults.latency = two.faults.latency = latency
        print(one.url, two.url, flush=True)
        sys.stdin.read()


@contextmanager
def servers(subjects: int, latency: float, sessions: int = 2, scans: int = 6) -> Iterator[list[str]]:
    """Addresses of two equal sites, each subject with so many sessions of so many scans."""
    arguments = ["--serve", str(latency), str(subjects), "--each", str(sessions), str(scans)]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_compare", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().split()
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def connect(url: str) -> Connection:
    return Connection.open(Server(url, url, "demo"), Credential("demo", Secret("demo"), "bench"))


class Watched(Connection):
    """Remembers the addresses that were read."""

    asked: list[tuple[str, dict[str, Any], bytes | None]]

    def _read(self, path, params, limit, use, seconds=None, *, late_ends=False, body=None):
        self.asked.append((path, dict(params), body))
        return super()._read(path, params, limit, use, seconds, late_ends=late_ends, body=body)


def compare(urls: Sequence[str], depth: Depth) -> tuple[float, Comparison, list[Watched]]:
    connections: list[Watched] = []
    sides = []
    for url in urls:
        connection = Watched.open(Server(url, url, "demo"), Credential("demo", Secret("demo"), "bench"))
        assert isinstance(connection, Watched)
        connection.asked = []
        connections.append(connection)
        reader = Reader(connection)
        sides.append(Side(reader, find_one(reader, Location.parse(f"{url}/data/projects/BIG"))))
        connection.asked.clear()
    comparison = Comparison(*sides, depth=depth)
    began = time.perf_counter()
    comparison.run()
    return time.perf_counter() - began, comparison, connections


def throw_away(answer: Download) -> None:
    for _ in answer:
        pass


def servers_own_time(connections: Sequence[Watched]) -> float:
    """Seconds for the same requests with nothing done about their answers."""

    def again(connection: Watched, path: str, params: dict[str, Any], body: bytes | None) -> None:
        Connection._read(connection, path, params, 1 << 40, throw_away, 600.0, body=body)

    began = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(again, one, *asked) for one in connections for asked in list(one.asked)]
        for job in jobs:
            job.result()
    return time.perf_counter() - began


def walk_with_xnatpy(url: str) -> tuple[float, int]:
    """Names, counts and digests of every file of some sessions, as a script would ask for them."""
    import xnat

    began, requests = time.perf_counter(), 0
    with xnat.connect(url, user="demo", password="demo", no_parse_model=True, loglevel="ERROR") as session:

        def ask(path: str) -> list[dict[str, str]]:
            nonlocal requests
            requests += 1
            return session.get_json(path)["ResultSet"]["Result"]

        left = WALKED_SESSIONS
        for subject in ask("/data/projects/BIG/subjects"):
            for experiment in ask(f"/data/projects/BIG/subjects/{subject['ID']}/experiments"):
                left -= 1
                for scan in ask(f"/data/experiments/{experiment['ID']}/scans"):
                    address = f"/data/experiments/{experiment['ID']}/scans/{scan['ID']}/resources"
                    for one in ask(address):
                        ask(f"{address}/{one['xnat_abstractresource_id']}/files")
            if left <= 0:
                break
    return (time.perf_counter() - began) / WALKED_SESSIONS, requests // WALKED_SESSIONS


def walk_with_copyxnat(program: str, latency: float) -> tuple[float, float] | None:
    """Seconds and requests for each session of `copyxnat compare`; None where it does not run."""
    site: dict[str, Any] = {"subjects": COPYXNAT_SUBJECTS, "sessions_per_subject": 2, "scans_per_session": 6}
    sessions = COPYXNAT_SUBJECTS * 2
    with (
        tempfile.TemporaryDirectory() as folder,
        DemoServer(synthetic_site(**site)) as one,
        DemoServer(synthetic_site(**site)) as two,
    ):
        one.faults.latency = two.faults.latency = latency
        sides = ("-s", one.url, "-u", "demo", "-d", two.url, "-w", "demo", "-p", "BIG")
        began = time.perf_counter()
        run = subprocess.run(
            [program, "-c", folder, "compare", *sides],
            input="demo\ndemo\n",
            text=True,
            capture_output=True,
            start_new_session=True,  # without a terminal it reads the passwords from its input
        )
        seconds = time.perf_counter() - began
        if run.returncode or "matches" not in run.stdout + run.stderr:
            return None
        return seconds / sessions, len(one.requests) / sessions


def measure(subjects: int, depth: Depth, latency: float, copyxnat: str | None) -> None:
    sessions = subjects * 2
    print(f"{subjects} subjects, {sessions} sessions of 6 scans, {depth}, {latency * 1000:.0f} ms latency:")
    with servers(subjects, latency) as urls:
        before = resource.getrusage(resource.RUSAGE_SELF)
        seconds, comparison, connections = compare(urls, depth)
        after = resource.getrusage(resource.RUSAGE_SELF)
        memory = (after.ru_maxrss - before.ru_maxrss) / 1000
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        summary, requests = comparison.summary(), comparison.requests
        plain = servers_own_time(connections)
        print(f"  {seconds:6.2f} s, the servers' own {plain:.2f} s: {seconds - plain:.2f} s above it")
        print(f"  {cpu:6.2f} s of processor time; {memory:.0f} MB")
        print(f"  {requests[0]} and {requests[1]} requests, {summary.same} items the same")
        each, walked = walk_with_xnatpy(urls[0])
        both = 2 * each * sessions
        print(f"  a walk with xnatpy: {both:.0f} s (x {both / seconds:.0f}), about {walked * sessions}")
        print(f"  requests on each side (x {walked * sessions / requests[0]:.0f})")
        for connection in connections:
            connection.close()
    _beside_copyxnat(copyxnat, latency, sessions, seconds, requests[0])


def _beside_copyxnat(
    program: str | None, latency: float, sessions: int, seconds: float, requests: int
) -> None:
    found = walk_with_copyxnat(program, latency) if program else None
    if found is None:
        asked, why = COPYXNAT_REQUESTS * sessions, "does not run here" if program else "is not installed"
        print(f"  CopyXnat {why}: about {asked:.0f} requests on each side (x {asked / requests:.0f})")
        return
    took, asked = found[0] * sessions, found[1] * sessions
    print(f"  CopyXnat: {took:.0f} s (x {took / seconds:.0f}), about {asked:.0f}")
    print(f"  requests on each side (x {asked / requests:.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", type=int, nargs="?", default=5000)
    parser.add_argument("--copyxnat", metavar="PROGRAM", default=shutil.which("copyxnat"))
    parser.add_argument("--serve", type=float, metavar="LATENCY", help=argparse.SUPPRESS)
    parser.add_argument("--each", type=int, nargs=2, default=(2, 6), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.subjects, options.serve, *options.each)
        return
    measure(100, Depth.DIGESTS, 0.05, options.copyxnat)
    measure(options.subjects, Depth.SIZES, 0.0, options.copyxnat)


if __name__ == "__main__":
    main()
