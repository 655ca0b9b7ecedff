"""Exports: the rate beside `curl` of the same zip, many small files, and going on with a finished one.

Run it from the top of the repository: `python -m tests.bench.bench_export [--folder DIR]`. The server runs
in a process of its own; all write to the same disk, in turns, each going first; the median turn counts.
Each writes new files, which stay until the end: written over, `curl`'s pages would be at hand and ours not.
(An ext4 without a journal finds places for new files slowly for five minutes after many were deleted.)

A wire of 1 Gbit/s is what an export has to fill, or a server that deflates what it sends, as Java does unless
it is told otherwise. Over the loopback, undeflated, the server alone keeps one core busy, and `curl` neither
unpacks nor hashes nor syncs what it writes: there the figure tells what that costs. `bare` is the least that
does all of it in Python, with nothing around it: no list, no checks of names, no manifest. Of small files the
disk decides, which has to make each; `--folder /dev/shm` leaves it out.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import random
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.jobs.control import Control
from xnat_tui.model.location import Location
from xnat_tui.model.options import ExportOptions
from xnat_tui.model.plan import Plan
from xnat_tui.services.browsing.find import find
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.exporting.planning import plan_export
from xnat_tui.services.transfers.exporting.steps import export_executor
from xnat_tui.xnat.http.connection import Connection

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

    def download(self, *arguments, **options):
        self.downloads += 1
        return super().download(*arguments, **options)


def study(files: int, size: int, gigabits: float, level: int) -> Site:
    Paced.gigabits = gigabits
    site = Site()
    site.settings.zip_level = level
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
def serving(module: str, *words: float) -> Iterator[str]:
    """The address of a server in a process of its own, which `module --serve WORDS` is."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", "--serve", *map(str, words)],
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


def server(files: int, size: int, gigabits: float = LOOPBACK, level: int = 0) -> AbstractContextManager[str]:
    return serving("bench_export", files, size, gigabits, level)


def serve(files: int, size: int, gigabits: float, level: int) -> None:
    """The child: its address on stdout, until standard input closes."""
    with DemoServer(study(files, size, gigabits, level)) as one:
        print(one.url, flush=True)
        sys.stdin.read()


def connect(url: str) -> Counted:
    connection = Counted.open(Server(url, url, "admin"), Credential("admin", Secret("admin"), "bench"))
    assert isinstance(connection, Counted)
    return connection


def plan_for(connection: Connection, folder: Path) -> Plan:
    reader = Reader(connection)
    places = list(find(reader, Location.parse(f"{connection.url}/data/projects/P")))
    return plan_export(reader, places, folder, ExportOptions(metadata=False))


def export(connection: Connection, plan: Plan) -> tuple[int, int, Control]:
    """Files fetched, files skipped, and what was counted on the way."""
    control = Control()
    with export_executor(plan, lambda _: connection) as execute:
        outcomes = [execute(step, control) for step in plan.steps]
    assert not any(outcome.failures for outcome in outcomes)
    return sum(one.files for one in outcomes), sum(one.skipped for one in outcomes), control


def exported(connection: Connection, plan: Plan) -> None:
    fetched, _, _ = export(connection, plan)
    assert fetched == plan.totals.files


def curl(url: str, plan: Plan) -> None:
    address = f"{url}{plan.steps[0].source.uri}/files?format=zip"
    arguments = ["curl", "-sf", "-u", "admin:admin", "-o", f"{plan.destination}.zip", address]
    subprocess.run(arguments, check=True)


def bare(url: str, plan: Plan) -> None:
    """The zip as the demo server writes it: deflated, the sizes behind under their signature."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    credentials = base64.b64encode(b"admin:admin").decode()
    path = f"{parts.path}{plan.steps[0].source.uri}/files?format=zip"
    connection.request("GET", path, headers={"Authorization": f"Basic {credentials}"})
    response = connection.getresponse()
    folder = Path(f"{plan.destination}-bare")
    folder.mkdir()
    with ThreadPoolExecutor(6) as pool:
        landing: list[Future[str]] = []
        rest = response.read(1 << 18)
        while rest.startswith(b"PK\3\4"):
            lengths = struct.unpack_from("<HH", rest, 26)
            rest = rest[30 + sum(lengths) :] or response.read(1 << 18)
            inflater, held, checksum = zlib.decompressobj(-15), [], 0
            while not inflater.eof:
                held.append(inflater.decompress(rest))
                checksum = zlib.crc32(held[-1], checksum)
                rest = inflater.unused_data or response.read(1 << 18)
            while len(rest) < 400:
                more = response.read(1 << 18)
                rest += more
                if not more:
                    break
            assert struct.unpack_from("<I", rest, 4)[0] == checksum
            rest = rest[16:]
            landing.append(pool.submit(_land, folder / str(len(landing)), held))
        for one in landing:
            one.result()
    connection.close()
    assert len(landing) == plan.totals.files


def _land(place: Path, held: list[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in held:
        digest.update(piece)
    part = place.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.writev(descriptor, held)
    os.fsync(descriptor)
    os.close(descriptor)
    part.rename(place)
    return digest.hexdigest()


def _cpu() -> float:
    """Seconds of this process and of the children that ended."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def beside_curl(files: int, size: int, base: Path, gigabits: float = LOOPBACK, level: int = 0) -> None:
    """In turns, each into an empty folder and with nothing left to be written to the disk."""
    took: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    with server(files, size, gigabits, level) as url, connect(url) as connection:
        contestants: dict[str, Callable[[Plan], None]] = {
            "curl": partial(curl, url),
            "export": partial(exported, connection),
            "bare": partial(bare, url),
        }
        for turn in range(TURNS):
            plan = plan_for(connection, base / f"{size}-{gigabits}-{level}-{turn}")
            names = list(contestants)
            for name in names[turn % 3 :] + names[: turn % 3]:
                os.sync()
                began, used = time.perf_counter(), _cpu()
                contestants[name](plan)
                took.setdefault(name, []).append(time.perf_counter() - began)
                spent.setdefault(name, []).append(_cpu() - used)
    wire = f"{gigabits:g} Gbit/s" if gigabits else "the loopback"
    deflated = "deflated as Java does" if level else "only framed as deflated"
    print(f"{files} files of {size} bytes over {wire}, {deflated}:")
    for name in contestants:
        rate = files * size / 1e6 / statistics.median(took[name])
        ratios = [curls / one for curls, one in zip(took["curl"], took[name], strict=True)]
        turns = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  {name:6} {rate:6.1f} MB/s, {statistics.median(spent[name]):.2f} s of CPU,", end=" ")
        print(f"x {statistics.median(ratios):.2f} of curl; turn by turn {turns}", flush=True)


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
                print(f"  {control.bytes} bytes of files;")
                print(f"  {fetched} files fetched, {skipped} passed over")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--serve", type=float, nargs=4, metavar=("FILES", "SIZE", "GIGABITS", "LEVEL"), help=argparse.SUPPRESS
    )
    parser.add_argument("--folder", help="where to write: another disk, say")
    options = parser.parse_args()
    if options.serve:
        files, size, gigabits, level = options.serve
        serve(int(files), int(size), gigabits, int(level))
        return
    with tempfile.TemporaryDirectory(prefix="bench-export-", dir=options.folder) as name:
        for gigabits in (1.0, 2.5, LOOPBACK):
            beside_curl(200, 500_000, Path(name), gigabits)
        beside_curl(200, 500_000, Path(name), level=-1)
        beside_curl(10_000, 2_000, Path(name))
        beside_curl(20_000, 10_000, Path(name))
        beside_curl(3_000, 10_000, Path(name), 0.1)
        resume(10_000, 2_000, Path(name))


if __name__ == "__main__":
    main()
