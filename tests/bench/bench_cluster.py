"""What a Dask cluster carries: four workers on this machine beside one, the link of each at 100 Mbit.

Run it from the top of the repository: `python -m tests.bench.bench_cluster [--mbit RATE]`. Each worker is
a process of its own whose connections to both servers go through a link of its own
(`tests/bench/link.py`): what the servers, the scheduler and this process do is not slowed. The copy is the
verb's, `xnat-tui copy --executor dask=ADDRESS`, each time to a new project. At least 3 times as much is
meant to be carried by four. A last run loses one of its workers in the middle, and has to lose nothing
else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.bench_transfer import Served

TOP = Path(__file__).parents[2]
THREADS = 2
"""Steps at once in each worker: while one waits for an answer the other fills the link."""
STEPS = 12
"""Under way at once: Dask hands some workers one more than they have threads, and none may idle for it."""
FILES = 4
FILE_BYTES = 2_000_000


@contextmanager
def process(*words: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A Python program until the end of the block."""
    child = subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=TOP,
        env=environment,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


class Cluster:
    """A scheduler with so many workers, each behind a link of so many bytes a second."""

    def __init__(self, stack: ExitStack, workers: int, rate: float, servers: list[str], home: str) -> None:
        self._environment = {**os.environ, **surroundings(home)}
        scheduler_file = f"{home}/scheduler-{workers}-{time.time()}.json"
        common = ("--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", scheduler_file)
        scheduler = ("-m", "distributed.cli.dask_scheduler", "--port", "0", *common)
        stack.enter_context(process(*scheduler, environment=self._environment))
        wait_until(lambda: Path(scheduler_file).exists() and Path(scheduler_file).read_text().endswith("}"))
        self.address = str(json.loads(Path(scheduler_file).read_text())["address"])
        addresses = [server.partition("//")[2].strip("/") for server in servers]
        self.workers: list[subprocess.Popen[str]] = []
        for _ in range(workers):
            link = stack.enter_context(
                process("-m", "tests.bench.link", str(rate), *addresses, environment=self._environment)
            )
            assert link.stdout is not None
            linked = {**self._environment, "LINK": link.stdout.readline().strip()}
            words = ("-m", "distributed.cli.dask_worker", self.address, "--nthreads", str(THREADS))
            more = ("--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--preload", "tests.bench.link")
            self.workers.append(stack.enter_context(process(*words, *more, environment=linked)))
        self._wait_for(workers)

    def _wait_for(self, workers: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)


def surroundings(home: str) -> dict[str, str]:
    """The program's folders and passwords, for a process of its own."""
    passwords = {f"XNAT_TUI_PASSWORD_{name}": "admin" for name in ("LAB", "QC")}
    path = os.pathsep.join([str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"XNAT_TUI_CONFIG": f"{home}/config", "XNAT_TUI_STATE": f"{home}/state", "HOME": home}
    return {**own, **passwords, "PYTHONPATH": path}


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("It did not come in time.")
        time.sleep(0.05)


def verb(home: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "xnat_tui", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **surroundings(home)},
        cwd=TOP,
    )


def ended(child: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON document of a verb."""
    out, said = child.communicate()
    if child.returncode:
        raise SystemExit(f"{child.args!r} ended with {child.returncode}: {said[-6000:]}")
    found: dict[str, Any] = json.loads(out)
    return found


def copy(home: str, cluster: Cluster, project: str) -> subprocess.Popen[str]:
    words = ("--json", "copy", "--yes", "lab:BIG", f"qc:{project}", "--workers", str(STEPS))
    return verb(home, *words, "--executor", f"dask={cluster.address}")


def lose_one(home: str, cluster: Cluster, total: int) -> None:
    """Kill the first worker once a third has arrived."""

    def third() -> bool:
        rows = ended(verb(home, "--json", "jobs", "list"))
        newest = next(iter(rows["items"] if isinstance(rows, dict) else rows))
        return int(newest["bytes_done"]) >= total // 3

    wait_until(third)
    cluster.workers[0].kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbit", type=float, default=100.0)
    parser.add_argument("--sessions", type=int, default=24)
    options = parser.parse_args()
    rate, total = options.mbit * 1e6 / 8, options.sessions * FILES * FILE_BYTES
    source = Served((options.sessions, 1, 1, FILES, FILE_BYTES))
    target = Served((0, 0, 0, 0, 0))
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as home, ExitStack() as servers:
        servers.callback(source.stop)
        servers.callback(target.stop)
        for name, server in (("lab", source), ("qc", target)):
            verb(home, "server", "add", name, server.url, "--user", "admin").communicate()
        print(
            f"{total / 1e6:.0f} MB in {options.sessions} sessions, {options.mbit:.0f} Mbit for each worker:"
        )
        for workers in (1, 4):
            with ExitStack() as stack:
                cluster = Cluster(stack, workers, rate, [source.url, target.url], home)
                seconds[workers] = ended(copy(home, cluster, f"NEW{workers}"))["seconds"]
            carried = total / seconds[workers] / 1e6
            print(f"  {workers} workers: {seconds[workers]:6.1f} s, {carried:5.1f} MB/s", flush=True)
        print(f"  x {seconds[1] / seconds[4]:.2f}")
        with ExitStack() as stack:
            cluster = Cluster(stack, 4, rate, [source.url, target.url], home)
            running = copy(home, cluster, "LOST")
            lose_one(home, cluster, total)
            report = ended(running)
        print(f"  a worker lost in the middle: {report['state']}, {report['seconds']:.1f} s,", end=" ")
        print(f"{report['done']['files'] + report['skipped']} of {options.sessions * FILES} files")
        differing = ended(verb(home, "--json", "compare", "lab:BIG", "qc:LOST", "--depth", "digests"))
        print(f"  compared by digests: {differing['summary']}")


if __name__ == "__main__":
    main()
