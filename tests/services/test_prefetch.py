"""How many requests things cost, counted at the servers."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.study import destination_site, source_site, synthetic_site
from xnat_tui.model.entities import CHILD_KINDS, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Level, Side, Tree
from xnat_tui.xnat.http.retry import Patience

SUBJECTS, SESSIONS = 7, 21


@pytest.fixture
def equal(pair_of: Any) -> Any:
    return pair_of(synthetic_site(SUBJECTS, 3, 2), synthetic_site(SUBJECTS, 3, 2))


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"depth": "labels"}, 16 + 1),
        ({"depth": "sizes"}, 16 + 1),
        ({"depth": "digests"}, 16 + 1 + math.ceil(SESSIONS / 10)),
        ({"depth": "sizes", "fields": "all"}, 12 + 1 + SESSIONS + SUBJECTS),
    ],
)
def test_a_comparison_costs_sixteen_requests_with_its_proofs_whatever_the_number_of_sessions(
    equal: Any, options: dict[str, Any], most: int
) -> None:
    comparison = equal.compare("lab:BIG", "qc:BIG", **options)
    assert max(comparison.requests) <= most
    for server, counted in zip(equal.servers.values(), comparison.requests, strict=True):
        assert len(server.requests) <= counted + 6, "what signing in and finding the project takes"
    assert comparison.summary().same > SESSIONS * 5


@pytest.mark.parametrize("depth", ["labels", "sizes", "digests"])
def test_the_sample_study_stays_in_its_budget(demo: Any, depth: str) -> None:
    """Six types of experiments and three of assessors, of which six have one or two items, resources at the
    project and at SUB-011, and answers that end with items of no other use."""
    most = 16 + 6 + 3 + (4 + 8 if depth == "digests" else 4)
    assert max(demo.compare(depth=depth).requests) <= most


@pytest.mark.parametrize("answer", ["labels", "refused"])
def test_without_bulk_counts_each_session_costs_one_request_more(pair_of: Any, answer: str) -> None:
    size: dict[str, Any] = {"subjects": SUBJECTS, "sessions_per_subject": 3, "scans_per_session": 2}
    sites = pair_of(synthetic_site(**size), synthetic_site(**size))
    sites.servers["lab"].site.settings.bulk_file_columns = answer
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    summary = comparison.summary()
    assert summary.same == 1 + SUBJECTS + SESSIONS + 3 * 2 * SESSIONS
    usual, again = comparison.requests[1], Patience().tries - 1
    refused = (
        6 if answer == "refused" else 0
    )  # subjects, owned, sessions, scans, both sides of reconstructions
    assert usual < comparison.requests[0] <= usual + SESSIONS + 2 + refused * again


def test_types_of_scans_are_asked_for_and_left_out_where_they_are_refused(pair_of: Any) -> None:
    sites = pair_of(source_site(), destination_site())
    sites.servers["qc"].faults.add("extension_item", ErrorPage(500))
    comparison = sites.compare("lab:BRAINS/SUB-005", "qc:BRAINS/SUB-005")
    assert comparison.summary().unreadable == 0
    whole = sites.compare()
    plain = sites.servers["qc"].requests
    assert whole.summary().unreadable == 0
    assert sum("extension_item" in entry.query for entry in plain) == Patience().tries
    assert sum("series_description" in entry.query for entry in plain) == Patience().tries + 1


def test_refused_files_of_many_sessions_are_asked_for_by_session(pair_of: Any) -> None:
    size: dict[str, Any] = {"subjects": SUBJECTS, "sessions_per_subject": 3, "scans_per_session": 4}
    sites = pair_of(synthetic_site(**size), synthetic_site(**size))
    sites.servers["lab"].faults.add("/data/experiments/[^/]*,", ErrorPage(500))
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    assert comparison.summary().unreadable == 0
    batches = math.ceil(SESSIONS / 10)
    assert comparison.requests[0] <= comparison.requests[1] + SESSIONS + batches * (Patience().tries - 1) + 2
    assert comparison.requests[1] <= 17 + batches


def test_stale_counts_cost_one_request_for_a_session_and_none_for_a_scan(pair_of: Any) -> None:
    size: dict[str, Any] = {"subjects": 2, "sessions_per_subject": 2, "scans_per_session": 5}
    sites = pair_of(synthetic_site(**size), synthetic_site(**size))
    for session in sites.servers["lab"].site.experiments.values():
        for scan in session.scans.values():
            scan.resources[0].file_count = 9
    comparison = sites.compare("lab:BIG", "qc:BIG", depth="digests")
    assert comparison.summary(Kind.RESOURCE).unreadable == 20
    assert comparison.requests[0] == comparison.requests[1] + 4
    reasons = {pair.source_error.message for pair in comparison.root.walk() if pair.source_error}
    assert reasons == {"The server counts 9 files in DICOM and lists 1."}


def test_signing_in_and_listing_projects_takes_six_requests(demo: Any) -> None:
    before = len(demo.servers["lab"].requests)
    reader = demo.reader("lab")
    assert reader.below(Place("lab"), Kind.PROJECT).items
    assert len(demo.servers["lab"].requests) - before <= 6


@pytest.mark.parametrize(
    ("location", "most"),
    [
        ("lab:BRAINS", 1),
        ("lab:BRAINS/SUB-002", 1),
        ("lab:BRAINS/SUB-002/SUB-002_MR1", 2),
        ("lab:BRAINS/resources/tables", 1),
    ],
)
def test_opening_a_node_costs_one_request_two_for_a_session(demo: Any, location: str, most: int) -> None:
    reader = demo.reader("lab")
    place = find_one(reader, Location.parse(location))
    reader.forget(Place("lab"))
    before = reader.connection.requests
    tree = Tree(Side(reader, place), None)
    tree.fill(tree.root)
    assert tree.root.children
    assert reader.connection.requests - before <= most


def test_of_two_threads_that_want_the_same_pair_one_asks(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = demo.reader("lab")
    tree = Tree(Side(reader, find_one(reader, Location.parse("lab:BRAINS"))), None)
    asks, go_on = threading.Event(), threading.Event()
    asked = []

    def load(pair: Pair) -> Level:
        asked.append(pair)
        asks.set()
        go_on.wait()
        return Level([])

    monkeypatch.setattr(tree, "load", load)
    threads = [threading.Thread(target=tree.fill, args=(tree.root,)) for _ in range(2)]
    threads[0].start()
    asks.wait()
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert asked == [tree.root]
    assert tree.root.children == []


def test_what_stands_below_a_session_comes_with_it(demo: Any) -> None:
    reader = demo.reader("lab")
    session = find_one(reader, Location.parse("lab:BRAINS/SUB-002/SUB-002_MR1"))
    scans = reader.below(session, Kind.SCAN).items
    before = reader.connection.requests
    for kind in CHILD_KINDS[Kind.EXPERIMENT]:
        for item in reader.below(session, kind).items:
            if kind is not Kind.RESOURCE:
                assert reader.below(session.child(item), Kind.RESOURCE).error is None
    assert len(scans) > 3
    assert reader.connection.requests == before
