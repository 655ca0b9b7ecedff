"""A project of 72,000 subjects compared by labels, and its copy planned: memory and seconds.

Run it from the top of the repository: `python -m tests.bench.bench_many [SUBJECTS [SESSIONS]]`, SESSIONS for
each subject. The servers run in a process of their own, and so does the `compare` whose memory is measured:
by the interpreter that `--python` names, of an environment as users have it. In that of the tests xnatpy
loads pandas, which takes 50 MB. At most 300 MB and 10 s are meant to be taken.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.bench.bench_compare import compare, servers, servers_own_time
from xnat_tui.model.pairing import Depth

COMPARE = ("-q", "compare", "one:BIG", "other:BIG", "--depth", "labels")
PLAN = ("-q", "copy", "--dry-run", "one:BIG", "other:NEW")
PLAN_AGAIN = ("-q", "copy", "--dry-run", "one:BIG", "other:BIG")


def in_its_own_process(python: str, urls: Sequence[str], verb: Sequence[str]) -> tuple[float, float]:
    """MB at most, and seconds of processor time, of a verb from its start to its end."""
    with tempfile.TemporaryDirectory() as home:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XNAT")}
        passwords = {f"XNAT_TUI_PASSWORD_{name}": "demo" for name in ("ONE", "OTHER")}
        own = {"XNAT_TUI_CONFIG": f"{home}/config.toml", "XNAT_TUI_STATE": f"{home}/state", "HOME": home}
        program, environment = [python, "-m", "xnat_tui"], {**kept, **own, **passwords}
        for name, url in zip(("one", "other"), urls, strict=True):
            adding = [*program, "server", "add", name, url, "--user", "demo"]
            subprocess.run(adding, env=environment, check=True, capture_output=True)
        with subprocess.Popen([*program, *verb], env=environment, stdout=subprocess.DEVNULL) as child:
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(verb)} ended with {child.returncode}")
        return used.ru_maxrss / 1000, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", type=int, nargs="?", default=72_000)
    parser.add_argument("sessions", type=int, nargs="?", default=0)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with servers(options.subjects, 0.0, options.sessions, 1) as urls:
        found = [in_its_own_process(options.python, urls, verb) for verb in (COMPARE, PLAN, PLAN_AGAIN)]
        seconds, comparison, connections = compare(urls, Depth.LABELS)
        requests = comparison.requests
        plain = servers_own_time(connections)
        print(f"{options.subjects:,} subjects of {options.sessions} sessions:")
        words = ("compared by labels", "copy planned", "copy planned again")
        for word, (memory, processor) in zip(words, found, strict=True):
            print(f"  {word}: {memory:.0f} MB at most, {processor:.2f} s of processor time from start to end")
        print(f"  {seconds:.2f} s, the servers' own {plain:.2f} s: {seconds - plain:.2f} s above it")
        print(f"  {requests} requests, {comparison.summary().same:,} items the same")
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    main()
