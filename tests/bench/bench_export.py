"""Exports: the rate beside `curl` of the same zip, many small files, and going on with a finished one.

Run it from the top of the repository: `python -m tests.bench.bench_export`. The server runs in a process
of its own; `curl` writes to the same disk, in turns, each going first; the median turn counts.

A wire of 1 Gbit/s is what an export has to fill. Over the loopback the server alone keeps one core busy, and
`curl` neither unpacks nor hashes nor syncs what it writes: there the figure tells what that costs.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.plan import Plan, Policy
from xnat_tui.services.browsing.find import find
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.exporting.steps import export_executor
from xnat_tui.services.planning.export import plan_export
from xnat_tui.xnat.connection import Connection

TURNS = 9
LOOPBACK = 0.0


class Paced(BytesContent):
    """Given out no faster than a wire would carry it: what one piece was late, the next one catches up."""

    gigabits = LOOPBACK
    _free = 0.0
    """When the wire has carried all that was given out."""

    def chunks(self) -> Iterator[bytes]:
        for chunk in super().chunks():
            now = time.perf_counter()
            began = Paced._free if now - Paced._free < 0.05 else now
            Paced._free = began + len(chunk) * 8 / Paced.gigabits / 1e9
            time.sleep(max(0.0, Paced._free - now))
            yield chunk


class Counted(Connection):
    """Counts the requests for files and what came of them."""

    downloads = 0

    def download(self, *arguments, **options):  # type: ignore[no-untyped-def, override]
        self.downloads += 1
        return super().download(*arguments, **options)


def study(files: int, size: int, gigabits: float) -> Site:
    Paced.gigabits = gigabits
    site = Site()
    session = site.add_experiment(site.add_subject(site.add_project("P"), "S"), "E")
    scan = site.add_scan(session, "1", fields={"type": "T1"})
    resource = site.new_resource("DICOM", format="DICOM", content="RAW")
    noise = random.Random(1)
    for number in range(files):
        content = (Paced if gigabits else BytesContent)(noise.randbytes(size))
        resource.add(FileEntry(f"{number:05d}.dcm", content, content.md5, size, "DICOM", "RAW"))
    resource.populate_stats()
    scan.resources.append(resource)
    return site


@contextmanager
def server(files: int, size: int, gigabits: float = LOOPBACK) -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_export", "--serve", str(files), str(size), str(gigabits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def serve(files: int, size: int, gigabits: float) -> None:
    """The child: its address on stdout, until standard input closes."""
    with DemoServer(study(files, size, gigabits)) as one:
        print(one.url, flush=True)
        sys.stdin.read()


def connect(url: str) -> Counted:
    connection = Counted.open(Server(url, url, "admin"), Credential("admin", Secret("admin"), "bench"))
    assert isinstance(connection, Counted)
    return connection


def plan_for(connection: Connection, folder: Path) -> Plan:
    reader = Reader(connection)
    places = list(find(reader, Location.parse(f"{connection.url}/data/projects/P")))
    return plan_export(reader, places, folder, Policy(metadata=False))


def export(connection: Connection, plan: Plan) -> tuple[int, int, Control]:
    """Files fetched, files skipped, and what was counted on the way."""
    control = Control()
    with export_executor(plan, lambda _: connection) as execute:
        outcomes = [execute(step, control) for step in plan.steps]
    assert not any(outcome.failures for outcome in outcomes)
    return sum(one.files for one in outcomes), sum(one.skipped for one in outcomes), control


def curl(url: str, plan: Plan, folder: Path) -> float:
    began = time.perf_counter()
    address = f"{url}{plan.steps[0].source.uri}/files?format=zip"
    arguments = ["curl", "-sf", "-u", "admin:admin", "-o", str(folder / "curl.zip"), address]
    subprocess.run(arguments, check=True)
    took = time.perf_counter() - began
    os.sync()
    return took


def beside_curl(files: int, size: int, base: Path, gigabits: float = LOOPBACK) -> None:
    """In turns, each into an empty folder and with nothing left to be written to the disk."""
    ours, theirs = [], []
    with server(files, size, gigabits) as url, connect(url) as connection:
        for turn in range(TURNS):
            plan = plan_for(connection, base / f"{size}-{gigabits}-{turn}")
            if turn % 2:
                theirs.append(curl(url, plan, base))
            began = time.perf_counter()
            fetched, _, _ = export(connection, plan)
            ours.append(time.perf_counter() - began)
            assert fetched == files
            os.sync()
            if not turn % 2:
                theirs.append(curl(url, plan, base))
    total = files * size / 1e6
    rates = total / statistics.median(ours), total / statistics.median(theirs)
    ratios = [other / one for one, other in zip(ours, theirs, strict=True)]
    wire = f"{gigabits:g} Gbit/s" if gigabits else "the loopback"
    print(f"{files} files of {size} bytes over {wire}: export {rates[0]:.1f} MB/s, curl {rates[1]:.1f} MB/s")
    print(f"  x {statistics.median(ratios):.2f}; turn by turn {' '.join(f'{ratio:.2f}' for ratio in ratios)}")


def resume(files: int, size: int, base: Path) -> None:
    """A finished export, planned and run again as a new job, and as the same job."""
    with server(files, size) as url:
        with connect(url) as connection:
            plan = plan_for(connection, base / "many")
            export(connection, plan)
        for name, planned in (("the same job", plan), ("a new one", None)):
            with connect(url) as connection:
                before = connection.requests
                began = time.perf_counter()
                fetched, skipped, control = export(connection, planned or plan_for(connection, base / "many"))
                seconds = time.perf_counter() - began
                requests = connection.requests - before
                print(f"{files} finished files, {name}: {seconds:.2f} s, {requests} requests,")
                print(f"  {connection.downloads} of them for files, {control.bytes} bytes of files;")
                print(f"  {fetched} files fetched, {skipped} passed over")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--serve", type=float, nargs=3, metavar=("FILES", "SIZE", "GIGABITS"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.serve:
        files, size, gigabits = options.serve
        serve(int(files), int(size), gigabits)
        return
    with tempfile.TemporaryDirectory(prefix="bench-export-") as name:
        for gigabits in (1.0, 2.5, LOOPBACK):
            beside_curl(200, 500_000, Path(name), gigabits)
        beside_curl(10_000, 2_000, Path(name))
        resume(10_000, 2_000, Path(name))


if __name__ == "__main__":
    main()
