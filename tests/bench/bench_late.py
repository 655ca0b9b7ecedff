"""Requests of comparing a project whose server takes 65 s for one bulk answer, beside the undelayed run.

Run it from the top of the repository: `python -m tests.bench.bench_late [SECONDS]`. Each of the
bulk questions is delayed in a run of its own, then all of them in one. Nothing is scaled down: the limits are
the product's own. The measure is 1.1 times the requests; exit 1 beyond it, or where a verdict changes.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.bench.bench_compare import connect
from xnat_tui.demo.faults import Late
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import synthetic_site
from xnat_tui.model.location import Location
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import Summary
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader

MOST = 1.1
QUESTIONS = {
    "none": "",
    "subjects": r"/BIG/subjects\?.*gender",
    "experiments": r"/BIG/experiments\?.*subject_label",
    "owned": r"GET /data/experiments\?",
    "sessions": r"/BIG/experiments\?.*dcmPatientName",
    "scans": r"/BIG/experiments\?.*imageScanData",
    "all": r"/BIG/(subjects|experiments)\?|GET /data/experiments\?",
}


def compare(question: str, seconds: float, subjects: int) -> tuple[int, Summary, float]:
    """Requests to the delayed server, what was found, and how long it took."""
    with ExitStack() as stack:
        sides = []
        for delayed in (True, False):
            server = stack.enter_context(DemoServer(synthetic_site(subjects, 2, 6)))
            reader = Reader(stack.enter_context(connect(server.url)))
            place = find_one(reader, Location.parse(f"{server.url}/data/projects/BIG"))
            sides.append(Side(reader, place))
            if delayed and QUESTIONS[question]:
                server.faults.add(QUESTIONS[question], Late(seconds))
        comparison = Comparison(*sides)
        began = time.perf_counter()
        comparison.run()
        return comparison.requests[0], comparison.summary(), time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=65.0)
    parser.add_argument("--subjects", type=int, default=100)
    options = parser.parse_args()
    with ThreadPoolExecutor(len(QUESTIONS)) as pool:  # they only wait
        found = dict(
            zip(
                QUESTIONS,
                pool.map(lambda one: compare(one, options.seconds, options.subjects), QUESTIONS),
                strict=True,
            )
        )
    usual, truth, _ = found["none"]
    failed = 0
    for question, (requests, summary, seconds) in found.items():
        failed |= requests > MOST * usual or summary != truth
        print(f"{question:12} late by {options.seconds:g} s: {requests} requests (x {requests / usual:.2f}),")
        print(f"{'':12} {seconds:.0f} s, {'the same' if summary == truth else 'OTHER'} verdicts")
    return failed


if __name__ == "__main__":
    sys.exit(main())
