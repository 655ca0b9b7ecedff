"""The comparison against a naive one: random projects, random changes, every verdict the same.

What two sites hold is drawn as plain trees. Each tree fills a project of a demo server; the product compares
the servers, the oracle compares the trees, and knows nothing of listings, joins, batches or documents.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.services.drawn_sites import add_plain, fill
from tests.services.drawn_trees import CHANGES, PROJECT, Item, change
from tests.services.naive_comparison import Path, Verdicts, judged
from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.faults import EMPTY_BODY, NO_RESULT_SET, Action, ErrorPage, Truncate
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth, Pair
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection

Fault = tuple[str, str, Action]
"""On which server, at which requests, and what comes in place of an answer."""


Outcome = Mapping[str, Any]
OUTCOMES: list[Outcome] = [
    *({"bulk_file_columns": "labels"}, {"bulk_file_columns": "refused"}),
    *({"scan_type_column": "missing"}, {"scan_type_column": "refused"}),
    *({"reconstruction_columns": "missing"}, {"reconstruction_columns": "refused"}),
    *({"assessor_owner_column": "missing"}, {"assessor_owner_column": "refused"}),
    *({"shared_rows_repeat": True}, {"last_modified_blank": True}, {"typed_children": True}),
    *({"item_search": "refused"}, {"item_search": "empty"}),
    *({"missing_resource_files": "missing"}, {"encoded_labels_match": True}, {"strict_addresses": False}),
]
"""What real servers may do, as no source proves it."""
COLUMNS = (
    r"subjectData/resources/resource/",
    r"subjectData/fields/field/",
    r"subjectAssessorData/fields/field/",
    r"experimentData/resources/resource/",
    r"imageScanData/(xnat_imagescandata_id|ID)$",
    r"imageScanData/file/",
    r"imageScanData/file/file_(count|size)",
    r"imageScanData/extension_item/",
    r"imageScanData/(type|quality|frames)$",
    r"mrScanData/",
    r"reconstructions/reconstructedImage/ID$",
    r"reconstructions/reconstructedImage/",
    r"reconstructedImage/out/file/",
    r"reconstructedImage/in/file/",
    r"imageAssessorData/fields/field/",
    r"imageAssessorData/sharing/share/",
    r"imageAssessorData/out/file/",
    r"imageAssessorData/in/file/",
    r"imageAssessorData/resources/resource/",
    r"imageAssessorData/(ID|project)$",
)
"""Every group of joined columns that bulk questions ask for."""
FIELD_COLUMNS = (
    *(r"demographicData\]/", r"subjectData/group$", r"experimentData/(date|note)$", r"/operator$"),
    *(r"imageScanData/quality$", r"mrScanData/parameters/tr$", r"/baseScanType$"),
)
"""Fields of their own that servers may leave blank."""
ANSWERS = ("blank", "single", "cut", "missing", "refused")


class Servers:
    """Two servers that stay, and a project on each for every example."""

    def __init__(self, stack: ExitStack) -> None:
        self.numbers = itertools.count()
        self.servers = {name: stack.enter_context(DemoServer(Site())) for name in ("lab", "qc")}
        secret = Credential("admin", Secret("admin"), "test")
        self.connections = {
            name: stack.enter_context(Connection.open(Server(name, server.url, "admin"), secret))
            for name, server in self.servers.items()
        }

    def compare(
        self,
        one: Item,
        other: Item,
        depth: str,
        every_field: bool,
        fault: Fault | None = None,
        outcomes: tuple[Outcome, Outcome] = ({}, {}),
        more: int = 0,
    ) -> Verdicts:
        for running, outcome in zip(self.servers.values(), outcomes, strict=True):
            running.site.settings = Settings(**outcome)
        name = f"P{next(self.numbers)}"
        sides = []
        for server, tree in (("lab", one), ("qc", other)):
            fill(self.servers[server].site, name, tree)
            for number in range(more):
                add_plain(self.servers[server].site, name, f"plain {number}")
            reader = Reader(self.connections[server])
            sides.append(Side(reader, find_one(reader, Location.parse(f"{server}:{name}"))))
        comparison = Comparison(*sides, depth=Depth(depth), fields="all" if every_field else "listed")
        if fault is not None:
            side, pattern, action = fault
            self.servers[side].faults.add(pattern, action)
        try:
            comparison.run()
        finally:
            for running in self.servers.values():
                running.faults.clear()
                for project in (f"{name}_X", name):
                    running.site.remove(running.site.projects[project])
        return Counter(
            (_path(pair), "unverified" if pair.unverified else str(pair.status))
            for pair in items_of(comparison.root)
        )


def _path(pair: Pair) -> Path:
    steps = []
    while pair.parent is not None:
        if pair.group is None:
            item = pair.item
            assert item is not None
            steps.append(
                f"{pair.kind} {item.side}/{pair.key}"
                if pair.kind == "resource"
                else f"{pair.kind} {pair.key}"
            )
        pair = pair.parent
    return tuple(reversed(steps))


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
        yield Servers(stack)


QUESTIONS = (
    *(r"/subjects\?", r"/experiments\?", r"GET /data/experiments\?", r"imageScanData", r"mrScanData"),
    *(r"imageAssessorData", r"reconstructedImage", r"GET /data/experiments/[^/]+\?", r"/files"),
    *(
        r"GET /data/subjects/",
        r"GET /data/projects/P\d+\?",
        r"/resources",
        r"/subjects/[^/]+/experiments",
        r"P\d",
    ),
)
QUICK = settings(
    max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@QUICK
@given(
    PROJECT,
    CHANGES,
    st.sampled_from(["labels", "sizes", "digests"]),
    st.booleans(),
    st.tuples(st.sampled_from([{}, *OUTCOMES]), st.sampled_from([{}, *OUTCOMES])),
)
def test_every_verdict_is_the_naive_one(
    servers: Servers,
    tree: Item,
    changes: list[tuple[int, int, str]],
    depth: str,
    every_field: bool,
    outcomes: tuple[Outcome, Outcome],
) -> None:
    other = change(tree, changes)
    found = servers.compare(tree, other, depth, every_field, outcomes=outcomes)
    expected = judged(tree, other, depth, every_field)
    more = set(judged(tree, other, depth, True))  # what is read from documents tells every field
    several = {*several_of(tree), *several_of(other)}
    paths = Counter({path: number for (path, _), number in found.items()})
    missing = Counter({path: number for (path, _), number in expected.items()}) - paths
    unlike = [*missing, *(path for path, status in found - expected if (path, status) not in more)]
    assert [path for path in unlike if not any(path[: len(one)] == one for one in several)] == []
    for path in several:
        assert standing(found, path) == standing(expected, path)
        assert not (differs(expected, path) and not differs(found, path))


@QUICK
@given(
    PROJECT,
    CHANGES,
    st.sampled_from(["labels", "sizes", "digests"]),
    st.booleans(),
    st.sampled_from(["lab", "qc"]),
    st.sampled_from(QUESTIONS),
    st.sampled_from([ErrorPage(500), ErrorPage(403), EMPTY_BODY, NO_RESULT_SET, Truncate(300)]),
)
def test_trouble_makes_things_unreadable_and_no_verdict_wrong(
    servers: Servers,
    tree: Item,
    changes: list[tuple[int, int, str]],
    depth: str,
    every_field: bool,
    side: str,
    question: str,
    trouble: Action,
) -> None:
    other = change(tree, changes)
    assume(not list(several_of(tree)) + list(several_of(other)))
    truth = set(judged(tree, other, depth, every_field)) | set(judged(tree, other, depth, True))
    found = servers.compare(tree, other, depth, every_field, (side, question, trouble))
    assert [row for row in found if row[1] != "unreadable" and row not in truth] == []
    unreadable = {path for path, status in found if status == "unreadable"}
    hidden = {path for path, _ in truth} - {path for path, _ in found}
    assert [path for path in hidden if not any(path[:end] in unreadable for end in range(len(path)))] == []


@QUICK
@given(
    PROJECT,
    CHANGES,
    st.sampled_from(["labels", "sizes", "digests"]),
    st.tuples(*[st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(ANSWERS), max_size=3)] * 2),
    st.tuples(*[st.dictionaries(st.sampled_from(FIELD_COLUMNS), st.just("blank"), max_size=2)] * 2),
    st.tuples(*[st.sampled_from(["full", "refused", "empty"])] * 2),
    st.sampled_from([0, 6]),
)
def test_no_answer_of_a_joined_column_is_believed_unproved(
    servers: Servers,
    tree: Item,
    changes: list[tuple[int, int, str]],
    depth: str,
    answers: tuple[dict[str, str], dict[str, str]],
    blanks: tuple[dict[str, str], dict[str, str]],
    searches: tuple[str, str],
    more: int,
) -> None:
    """Blank, absent, refused, cut off, or one row where there should be several: never a wrong verdict."""
    other = change(tree, changes)
    assume(not list(several_of(tree)) + list(several_of(other)))
    one, two = (
        {"columns": columns | blank, "item_search": search}
        for columns, blank, search in zip(answers, blanks, searches, strict=True)
    )
    found = servers.compare(tree, other, depth, False, outcomes=(one, two), more=more)
    plain = {path: number for path, number in found.items() if not path[0][:1] or "plain" not in path[0][0]}
    assert Counter(plain) == judged(tree, other, depth, False)


def several_of(item: Item, path: Path = ()) -> Iterator[Path]:
    """Where more than one resource has the same label."""
    for where, one in placed(item, path):
        for (side, label), number in Counter((it.side, it.label) for it in one.resources).items():
            if number > 1:
                yield (*where, f"resource {side}/{label}")


def placed(item: Item, path: Path = ()) -> Iterator[tuple[Path, Item]]:
    yield path, item
    for one in item.items:
        yield from placed(one, (*path, f"{one.kind} {one.key}"))


def standing(verdicts: Verdicts, path: Path) -> Counter[str]:
    """How many of several resources of one label stand on which side."""
    rows = (status for (where, status), number in verdicts.items() if where == path for _ in range(number))
    return Counter(status if status.startswith("only") else "both" for status in rows)


def differs(verdicts: Verdicts, path: Path) -> bool:
    """Whether anything at or below a path is not the same."""
    rows = (status for where, status in verdicts if where[: len(path)] == path)
    return any(status not in ("same", "unverified") for status in rows)
