"""A project of 72,000 subjects compared by labels: memory, and seconds above the servers' own.

Run it from the top of the repository: `python -m tests.bench.bench_many [SUBJECTS [SESSIONS]]`, SESSIONS for
each subject. The servers run in a process of their own. At most 300 MB and 10 s are meant to be taken.
"""

from __future__ import annotations

import argparse
import resource

from tests.bench.bench_compare import compare, servers, servers_own_time
from xnat_tui.model.pairing import Depth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", type=int, nargs="?", default=72_000)
    parser.add_argument("sessions", type=int, nargs="?", default=0)
    options = parser.parse_args()
    with servers(options.subjects, 0.0, options.sessions, 1) as urls:
        before = resource.getrusage(resource.RUSAGE_SELF)
        seconds, comparison, connections = compare(urls, Depth.LABELS)
        after = resource.getrusage(resource.RUSAGE_SELF)
        memory = after.ru_maxrss / 1000
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        same, requests = comparison.summary().same, comparison.requests
        plain = servers_own_time(connections)
        print(
            f"{options.subjects:,} subjects of {options.sessions} sessions, labels: {same:,} items the same"
        )
        print(f"  {seconds:6.2f} s, the servers' own {plain:.2f} s: {seconds - plain:.2f} s above it")
        print(f"  {cpu:6.2f} s of processor time; {memory:.0f} MB at most; {requests} requests")
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    main()
