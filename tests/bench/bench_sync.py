"""Requests, seconds and memory of syncs in which nothing changed.

Run it from the top of the repository: `python -m tests.bench.bench_sync [SUBJECTS]`, two sessions of six
scans each. The servers run in a process of their own. What a sync takes above a comparison of the same depth
is its own: judging, remembering, looking up.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bench_compare import servers
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.services.syncing import definitions
from xnat_tui.services.syncing.definitions import Sync
from xnat_tui.services.syncing.memory import memory_file
from xnat_tui.services.workspace import Workspace


def prepare(folder: Path, urls: list[str]) -> None:
    """A configuration and a state of its own, with one sync of each depth."""
    os.environ["XNAT_TUI_CONFIG"] = str(folder / "config")
    os.environ["XNAT_TUI_STATE"] = str(folder / "state")
    os.environ["NETRC"] = str(folder / "netrc")
    for name, url in zip(("lab", "qc"), urls, strict=True):
        os.environ[f"XNAT_TUI_PASSWORD_{name.upper()}"] = "admin"
        config.save_server(Server(name, url, "admin"))
    for depth in ("sizes", "digests"):
        definitions.add(config.load(), Sync(depth, "lab:BIG", "qc:BIG", depth=depth))


def megabytes() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def measure(depth: str) -> None:
    """A first run, which adopts, a second one, and a comparison."""
    for words in ("first run", "nothing changed"):
        started = time.monotonic()
        with Workspace() as workspace:
            report = workspace.sync(depth)
        spent = time.monotonic() - started
        print(f"{depth}, {words}: {report.requests} requests, {spent:.1f} s, {megabytes():.0f} MB at most")
        assert not report.items
    started = time.monotonic()
    with Workspace() as workspace:
        compared = workspace.compare("lab:BIG", "qc:BIG", depth=depth)
    print(f"{depth}, a comparison: {compared.requests} requests, {time.monotonic() - started:.1f} s")
    print(f"on disk: {memory_file().stat().st_size / 1e6:.1f} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", type=int, nargs="?", default=100)
    parser.add_argument("--depth", choices=["sizes", "digests"], action="append")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers(chosen.subjects, 0.0) as urls:
        prepare(Path(folder), urls)
        for depth in chosen.depth or ["sizes", "digests"]:
            measure(depth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
