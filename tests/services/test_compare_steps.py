"""Depth, reading and forgetting in any order: what is shown is what a fresh comparison shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import FileEntry, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import Action, ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site
from xnat_tui.errors import Interrupted
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import DIFFERENCES, Depth, Pair, Status
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing import reports
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection

FAULTS: tuple[tuple[str, Action], ...] = (
    (r"/files\?", ErrorPage(403)),
    (r"GET /data/projects/P/resources", ErrorPage(403)),
    (r"(subject_label|subjects/[^/]+/experiments)", ErrorPage(403)),
    (r"GET /data/experiments/[^/?]+\?", ErrorPage(403)),
)


def archive(right: bool) -> Site:
    """Every kind of difference, resources that share a label, one without counts, files without digest."""
    site = Site()
    project = site.add_project("P")
    tables = [{"a": b"1", "b": b"22"}, {"a": b"333"}]
    for number, files in enumerate(reversed(tables) if right else tables):
        hold(
            site, project.resources, "tables", {**files, "own": b"x" * (5 + 2 * number + right)}, f"F{number}"
        )
    for label in ("S1", "S2", "S4" if right else "S3"):
        subject = site.add_subject(project, label, fields={"gender": "male" if right else "female"})
        hold(site, subject.resources, "forms", {"one": b"same", "two": b"left" if not right else b"more"})
        session = site.add_experiment(subject, f"{label}_MR")
        for scan_id in ("1", "2", "4" if right else "3"):
            scan = site.add_scan(session, scan_id, fields={"quality": "usable"})
            other = b"B" if right and scan_id == "2" else b"A"
            hold(site, scan.resources, "DICOM", {"1.dcm": other, "2.dcm": b"2"})
            if scan_id == "1":
                hold(site, scan.resources, "NIFTI", {"x": b"1"}, "NIFTI" if right else "GZ")
                hold(site, scan.resources, "NIFTI", {"y": b"12" + b"3" * right}, "GZ" if right else "NIFTI")
        uncounted = hold(site, session.resources, "logs", {"log": b"abc", "late": b"late" * (1 + right)})
        uncounted.file_count = uncounted.file_size = None
        next(iter(uncounted.files.values())).digest = ""
    return site


def hold(
    site: Site, where: list[Resource], label: str, files: dict[str, bytes], format_: str = "DICOM"
) -> Resource:
    resource = site.new_resource(label, format=format_)
    for path, data in files.items():
        content = BytesContent(data)
        resource.add(FileEntry(path, content, content.md5, content.size))
    resource.populate_stats()
    where.append(resource)
    return resource


@dataclass
class Servers:
    demos: dict[str, DemoServer]
    connections: dict[str, Connection]

    def comparison(self, depth: Depth) -> Comparison:
        return Comparison(self._side("lab"), self._side("qc"), depth=depth)

    def _side(self, name: str) -> Side:
        reader = Reader(self.connections[name])
        return Side(reader, find_one(reader, Location.parse(f"{name}:P")))


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        demos = {name: stack.enter_context(DemoServer(archive(name == "qc"))) for name in ("lab", "qc")}
        credential = Credential("admin", Secret("admin"), "test")
        connections = {
            name: stack.enter_context(Connection.open(Server(name, one.url, "admin"), credential))
            for name, one in demos.items()
        }
        yield Servers(demos, connections)


Way = tuple[int, ...]


def ways(root: Pair) -> dict[Way, Pair]:
    """Every pair that is known, by the numbers of its steps among their siblings."""
    found: dict[Way, Pair] = {}
    waiting: list[tuple[Way, Pair]] = [((), root)]
    while waiting:
        way, pair = waiting.pop()
        found[way] = pair
        waiting += [((*way, number), child) for number, child in enumerate(pair.children or ())]
    return found


def shown(comparison: Comparison) -> list[Any]:
    """All that is shown of every pair, and the sums."""
    rows: list[Any] = [
        (
            way,
            str(pair.kind),
            pair.key,
            str(pair.status),
            pair.glyph,
            pair.fields,
            pair.note,
            pair.unverified,
            str(pair.error),
            pair.differing_below,
            pair.unread_below,
        )
        for way, pair in sorted(ways(comparison.root).items())
    ]
    document = reports.document(comparison, everything=True)
    return [*rows, comparison.summary(), document["summary"], document["items"]]


def recounted(pair: Pair) -> tuple[int, int]:
    """(differing, unread) below, by looking at everything."""
    differing = unread = 0
    for child in (pair.children or []) if pair.both else []:
        below = recounted(child)
        differing += below[0] + (child.status in DIFFERENCES or child.status is Status.UNREADABLE)
        unread += below[1] + (child.both and not child.complete)
    return differing, unread


@dataclass
class Walk:
    """A comparison that somebody plays with, and what of it was opened by hand."""

    servers: Servers
    comparison: Comparison
    opened: set[Way] = field(default_factory=set)
    met: list[Pair] = field(default_factory=list)

    def step(self, action: str, number: int) -> None:
        known = sorted(ways(self.comparison.root).items())
        self.met += [pair for _, pair in known]
        way, pair = known[number % len(known)]
        match action:
            case "depth":
                self.comparison.deepen(list(Depth)[number % 3])
                self.opened = {one for one in self.opened if dict(known)[one].kind not in BELOW}
            case "open" if pair.both:
                self.comparison.tree.fill(pair)
                self.opened.add(way)
            case "forget":
                self.forget(pair)
            case "fault":
                faults = self.servers.demos["qc"].faults
                faults.clear()
                if number % (len(FAULTS) + 1) < len(FAULTS):
                    faults.add(*FAULTS[number % (len(FAULTS) + 1)])
                self.forget(self.comparison.root)
            case "stop":
                self.interrupted(number % 4)
            case "run":
                self.comparison.run()
        for one in (*ways(self.comparison.root).values(), *self.met):
            assert (one.differing_below, one.unread_below) == recounted(one)

    def interrupted(self, after: int) -> None:
        looks = iter(range(after))

        def look() -> None:
            if next(looks, None) is None:
                self.comparison.stop.set()

        with suppress(Interrupted):
            self.comparison.run(look)
        self.comparison.stop.clear()

    def forget(self, pair: Pair) -> None:
        dropped = self.comparison.forget(pair)
        gone = next(way for way, one in ways(self.comparison.root).items() if one is dropped)
        self.opened = {one for one in self.opened if one[: len(gone)] != gone}

    def check(self) -> None:
        """Against a comparison that is made now, in which the same is opened.

        What proofs have found of the servers holds for both: with it more may be believed than without.
        """
        self.comparison.run()
        fresh = self.servers.comparison(self.comparison.depth)
        for made, played in (
            (fresh.tree.source, self.comparison.tree.source),
            (fresh.tree.destination, self.comparison.tree.destination),
        ):
            assert made is not None
            assert played is not None
            made.reader.proofs = deepcopy(played.reader.proofs)
        fresh.run()
        for way in sorted(self.opened):
            fresh.tree.fill(ways(fresh.root)[way])
        assert shown(self.comparison) == shown(fresh)


ACTIONS = st.tuples(
    st.sampled_from(["depth", "depth", "open", "forget", "run", "run", "stop", "fault", "check"]),
    st.integers(0, 500),
)


BELOW = (Kind.RESOURCE, Kind.FILE)
"""What a change of depth drops what is below of, and with it what was opened there."""
BACK_TO_LABELS = [("run", 0), ("depth", 0)]


@settings(max_examples=25)
@example(depth=Depth.DIGESTS, actions=BACK_TO_LABELS)
@example(depth=Depth.LABELS, actions=[("run", 114), ("fault", 168)])
@given(depth=st.sampled_from(list(Depth)), actions=st.lists(ACTIONS, max_size=9))
def test_any_order_of_depth_reading_and_forgetting_shows_what_a_fresh_comparison_shows(
    servers: Servers, depth: Depth, actions: list[tuple[str, int]]
) -> None:
    servers.demos["qc"].faults.clear()
    walk = Walk(servers, servers.comparison(depth))
    for action, number in actions:
        if action == "check":
            walk.check()
        else:
            walk.step(action, number)
    walk.check()


def test_the_archive_has_something_of_everything(servers: Servers) -> None:
    servers.demos["qc"].faults.clear()
    found = {}
    for depth in Depth:
        comparison = servers.comparison(depth)
        comparison.run()
        found[depth] = comparison.summary()
    assert len(set(found.values())) == 3
    assert all(
        one.same and one.differs and one.only_source and one.only_destination for one in found.values()
    )
    assert found[Depth.DIGESTS].unverified == 2


def test_what_was_left_is_let_go_of_without_a_search_for_garbage(servers):
    comparison = servers.comparison(Depth.SIZES)
    comparison.run()
    pairs = list(comparison.root.walk())
    places = [comparison.tree.place(pair) for pair in pairs]
    comparison.dissolve()
    assert len(pairs) > 30
    assert all(pair.children is None for pair in pairs)
    assert [comparison.tree.place(pair) for pair in pairs] == places  # what is above is still told
    for walk in (comparison.run, comparison.fill_missing):
        with pytest.raises(Interrupted):
            walk()


def test_what_walks_the_pairs_finds_all_of_them_though_the_comparison_is_left(servers):
    comparison = servers.comparison(Depth.SIZES)
    comparison.run()
    known = len(list(comparison.root.walk()))
    leaving = threading.Thread(target=comparison.dissolve)
    with comparison.held():
        leaving.start()
        assert comparison.stop.wait(20)
        assert len(list(comparison.root.walk())) == known
    leaving.join()
    assert comparison.root.children is None
