"""Requests, seconds and memory of comparisons of whole projects, beside a natural walk with xnatpy.

Run it from the top of the repository: `python -m tests.bench.bench_compare [SUBJECTS]`. The servers run
in a process of their own. Our own time is what a comparison takes above the same servers' time for the
same requests, sent again as plain HTTP one connection's width at a time, bodies read and thrown away.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import synthetic_site
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth
from xnat_tui.services.browse import Side
from xnat_tui.services.compare import Comparison
from xnat_tui.services.find import find_one
from xnat_tui.services.reading import Reader
from xnat_tui.xnat.connection import Connection, Download

WALKED_SESSIONS = 20
"""xnatpy's walk is measured on these many sessions; its time and requests grow in proportion to them."""


def serve(subjects: int, latency: float) -> None:
    """The child: two equal sites, their ports on stdout, until standard input closes."""
    with DemoServer(synthetic_site(subjects, 2, 6)) as one, DemoServer(synthetic_site(subjects, 2, 6)) as two:
        one.faults.latency = two.faults.latency = latency
        print(one.url, two.url, flush=True)
        sys.stdin.read()


@contextmanager
def servers(subjects: int, latency: float) -> Iterator[list[str]]:
    arguments = ["--serve", str(latency), str(subjects)]
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

    asked: list[tuple[str, dict[str, object]]]

    def _read(self, path: str, params: dict[str, object], limit: int, use):  # type: ignore[no-untyped-def, override]
        self.asked.append((path, dict(params)))
        return super()._read(path, params, limit, use)


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

    def again(connection: Watched, path: str, params: dict[str, object]) -> None:
        Connection._read(connection, path, params, 1 << 40, throw_away)  # type: ignore[arg-type]

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


def measure(subjects: int, depth: Depth, latency: float) -> None:
    sessions = subjects * 2
    print(f"{subjects} subjects, {sessions} sessions of 6 scans, {depth}, {latency * 1000:.0f} ms latency:")
    with servers(subjects, latency) as urls:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        seconds, comparison, connections = compare(urls, depth)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 - before
        summary, requests = comparison.summary(), comparison.requests
        plain = servers_own_time(connections)
        print(f"  {seconds:6.2f} s, the servers' own {plain:.2f} s: {seconds - plain:.2f} s above it")
        print(f"  {requests[0]} and {requests[1]} requests, {memory:.0f} MB, {summary.same} items the same")
        each, walked = walk_with_xnatpy(urls[0])
        both = 2 * each * sessions
        print(f"  a walk with xnatpy: {both:.0f} s (x {both / seconds:.0f}), about {walked * sessions}")
        print(f"  requests on each side (x {walked * sessions / requests[0]:.0f})")
        for connection in connections:
            connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", type=int, nargs="?", default=5000)
    parser.add_argument("--serve", type=float, metavar="LATENCY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.subjects, options.serve)
        return
    measure(100, Depth.DIGESTS, 0.05)
    measure(options.subjects, Depth.SIZES, 0.0)


if __name__ == "__main__":
    main()
