"""The comparison against a naive one: random projects, random changes, every verdict the same.

What two sites hold is drawn as plain trees. Each tree fills a project of a demo server; the product compares
the servers, the oracle compares the trees, and knows nothing of listings, joins, batches or documents.
"""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.archive import Experiment, FileEntry
from xnat_tui.demo.archive import Item as Stored
from xnat_tui.demo.archive import Resource as StoredResource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import EMPTY_BODY, NO_RESULT_SET, Action, ErrorPage, Truncate
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site
from xnat_tui.model.location import Location
from xnat_tui.model.pairing import Depth, Pair
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.browsing.reading import Reader
from xnat_tui.services.browsing.trees import Side
from xnat_tui.services.comparing.compared import items_of
from xnat_tui.services.comparing.comparison import Comparison
from xnat_tui.xnat.http.connection import Connection


@dataclass
class File:
    data: bytes
    digest: bool = True
    """Whether the catalog has recorded it."""


@dataclass
class Resource:
    label: str
    side: str = ""
    format: str = "DICOM"
    files: dict[str, File] = field(default_factory=dict)
    counted: int | None = 0
    """How far the recorded count is off the truth; None: never counted."""

    @property
    def count(self) -> int | None:
        return None if self.counted is None else max(0, len(self.files) + self.counted)

    @property
    def size(self) -> int:
        return sum(len(one.data) for one in self.files.values())


@dataclass
class Item:
    kind: str
    key: str
    type: str = ""
    shared: bool = False
    fields: dict[str, int] = field(default_factory=dict)
    """Numbers of a spelling in SPELLINGS; two spellings of one group mean the same."""
    resources: list[Resource] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


SPELLINGS = [("a",), ("A",), ("Tom's & Co <1>", "Tom&apos;s &amp; Co &lt;1&gt;"), ("line\nbreak",), ("ä",)]
NUMBERS = [("70", "70.0", "70.00"), ("7",), ("0.5", ".5", "5e-1"), ("70.5",)]
DAYS = [("2020-02-29", "02/29/2020"), ("2019-02-28",)]
WORDS = [("male",), ("female",)]
FIELDS: dict[str, dict[str, list[tuple[str, ...]]]] = {
    "project": {"description": SPELLINGS, "fields/funding": SPELLINGS},
    "subject": {
        "gender": WORDS,
        "weight": NUMBERS,
        "dob": DAYS,
        "group": SPELLINGS,
        "fields/site": SPELLINGS,
    },
    "experiment": {"date": DAYS, "note": SPELLINGS, "operator": SPELLINGS, "fields/rater": SPELLINGS},
    "scan": {"type": SPELLINGS, "quality": WORDS, "frames": NUMBERS, "parameters/tr": NUMBERS},
    "assessor": {"date": DAYS, "note": SPELLINGS, "fields/pass": SPELLINGS},
    "reconstruction": {"type": SPELLINGS, "baseScanType": WORDS},
}
UNLISTED = {
    "subject": "employment",
    "experiment": "acquisition_site",
    "scan": "documentation",
    "assessor": "comments",
}
"""Fields that only an item's own document tells."""
TYPES = {
    "experiment": ("xnat:mrSessionData", "xnat:petSessionData", "xnat:subjectVariablesData"),
    "scan": ("xnat:mrScanData", "xnat:petScanData"),
    "assessor": ("xnat:qcManualAssessorData", "xnat:qcAssessmentData"),
}
LABELS = ("A", "a", "007", "7", "A.b c", "A%20b", "O'Neil #1")
SCANS = ("1", "01", "1-MR1", "a b/c")
RESOURCES = ("DICOM", "dicom", "NIfTI 1", "")
PATHS = ("1.dcm", "1.DCM", "sub/1.dcm", "a b+c%20#.dcm", "files/1.dcm")
BELOW = {
    "project": ("subject",),
    "subject": ("experiment",),
    "experiment": ("scan", "assessor", "reconstruction"),
}
SIDES = {"assessor": ("", "in", "out"), "reconstruction": ("in", "out")}


def spellings(kind: str, name: str) -> list[tuple[int, str]]:
    """(meaning, text) of each number that a field may have."""
    groups = FIELDS[kind].get(name, SPELLINGS)
    return [(meaning, text) for meaning, group in enumerate(groups) for text in group]


# drawing


def fields(kind: str) -> st.SearchStrategy[dict[str, int]]:
    names = [*FIELDS[kind], *([UNLISTED[kind]] if kind in UNLISTED else [])]
    return st.fixed_dictionaries(
        {}, optional={name: st.integers(0, len(spellings(kind, name)) - 1) for name in names}
    )


def resources(kind: str) -> st.SearchStrategy[list[Resource]]:
    files = st.dictionaries(
        st.sampled_from(PATHS), st.builds(File, st.sampled_from((b"one", b"two", b"four"))), max_size=2
    )
    one = st.builds(
        Resource,
        st.sampled_from(RESOURCES),
        st.sampled_from(SIDES.get(kind, ("",))),
        st.just("DICOM"),
        files,
    )
    return st.lists(one, max_size=2)


def items(kind: str) -> st.SearchStrategy[Item]:
    keys = LABELS if kind in ("subject", "experiment", "assessor") else SCANS
    below = [st.lists(items(one), max_size=2, unique_by=lambda item: item.key) for one in BELOW.get(kind, ())]
    return st.builds(
        lambda key, type_, shared, values, held, members: Item(
            kind,
            key,
            type_,
            shared and kind in ("subject", "experiment", "assessor"),
            values,
            held,
            [] if type_ == "xnat:subjectVariablesData" else [one for group in members for one in group],
        ),
        st.sampled_from(keys),
        st.sampled_from(TYPES.get(kind, ("",))),
        st.booleans(),
        fields(kind),
        resources(kind),
        st.tuples(*below),
    )


PROJECT = items("project")
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["none", "item", "resource", "file"])
    ),
    max_size=6,
)


def every(item: Item) -> Iterator[Item]:
    yield item
    for one in item.items:
        yield from every(one)


def change(tree: Item, changes: list[tuple[int, int, str]]) -> Item:
    """A copy of a tree with something of it changed, each change where its first number says."""
    tree = copy.deepcopy(tree)
    for place, how, what in changes:
        found = list(every(tree))
        if what == "item":
            _change_item(found[place % len(found)], how, [one for one in found if one.items])
        held = [(one, number) for one in found for number in range(len(one.resources))]
        if what in ("resource", "file") and held:
            owner, number = held[place % len(held)]
            (_change_resource if what == "resource" else _change_file)(owner, number, how)
    return tree


def _change_item(item: Item, how: int, parents: list[Item]) -> None:
    how, rest = divmod(how, 6)
    names = list(FIELDS[item.kind]) + ([UNLISTED[item.kind]] if item.kind in UNLISTED else [])
    name = names[how % len(names)]
    if rest == 0:
        item.fields.pop(name, None)
    elif rest == 1:
        item.fields[name] = how // len(names) % len(spellings(item.kind, name))
    elif rest == 2 and item.kind in TYPES:
        item.type = TYPES[item.kind][how % 2] if item.type != "xnat:subjectVariablesData" else item.type
    elif rest == 3 and item.kind in ("subject", "experiment", "assessor"):
        item.shared = not item.shared
    elif rest == 4 and parents:
        parent = parents[how % len(parents)]
        parent.items.pop(how // len(parents) % len(parent.items))
    elif rest == 5 and parents:
        parent = parents[how % len(parents)]
        moved = parent.items[how // len(parents) % len(parent.items)]
        keys = LABELS if moved.kind in ("subject", "experiment", "assessor") else SCANS
        taken = {one.key for one in parent.items if one.kind == moved.kind}
        moved.key = next((key for key in keys[how % len(keys) :] if key not in taken), moved.key)
        parent.items.reverse()


def _change_resource(owner: Item, number: int, how: int) -> None:
    resource = owner.resources[number]
    how, rest = divmod(how, 7)
    if rest == 0:
        del owner.resources[number]
    elif rest == 1:
        owner.resources.append(copy.deepcopy(resource))
    elif rest == 2:
        resource.label = RESOURCES[how % len(RESOURCES)]
    elif rest == 3:
        resource.format = "NIFTI"
    elif rest == 4:
        resource.counted = (None, 1, -1)[how % 3]
    elif rest == 5:
        resource.side = SIDES.get(owner.kind, ("",))[how % len(SIDES.get(owner.kind, ("",)))]
    else:
        owner.resources.reverse()


def _change_file(owner: Item, number: int, how: int) -> None:
    files = owner.resources[number].files
    path = PATHS[how % len(PATHS)]
    how, rest = divmod(how // len(PATHS), 4)
    if rest == 0:
        files.pop(path, None)
    elif rest == 1:
        files[path] = File((b"one", b"two", b"four")[how % 3])
    elif path in files:
        files[path].digest = rest == 2


# filling a site


def fill(site: Site, name: str, tree: Item) -> None:
    """A project of this name with what the tree says; shared items belong to another one."""
    project, other = site.add_project(name, users={"demo": "owner"}), site.add_project(f"{name}_X")
    other.users["demo"] = "owner"
    _put(site, project, tree)
    for one in tree.items:
        owner = other if one.shared else project
        subject = site.add_subject(owner, f"own {one.key}" if one.shared else one.key)
        if one.shared:
            site.share(subject, name, one.key)
        _put(site, subject, one)
        for two in one.items:
            label = f"own {one.key} {two.key}" if two.shared else two.key
            session = site.add_experiment(
                subject, label, two.type, project=f"{name}_X" if two.shared else name
            )
            if two.shared:
                site.share(session, name, two.key)
            _put(site, session, two)
            _fill_session(site, session, two, name)


def add_plain(site: Site, project: str, label: str) -> None:
    """A subject with one session of one scan: what most of an archive is, and shows none of the rest."""
    session = site.add_experiment(
        site.add_subject(site.projects[project], label), f"{label} MR", "xnat:mrSessionData", project=project
    )
    scan = site.add_scan(session, "1", xsi_type="xnat:mrScanData")
    _put(site, scan, Item("scan", "1", resources=[Resource("DICOM", files={"1.dcm": File(b"one")})]))


def _fill_session(site: Site, session: Experiment, tree: Item, name: str) -> None:
    for one in tree.items:
        if one.kind == "scan":
            _put(site, site.add_scan(session, one.key, xsi_type=one.type), one)
        elif one.kind == "assessor":
            label = f"own {session.label} {one.key}" if one.shared else one.key
            owner = f"{name}_X" if one.shared else session.project
            assessor = site.add_assessor(session, label, one.type, project=owner)
            if one.shared:
                site.share(assessor, name, one.key)
            _put(site, assessor, one)
        else:
            _put(site, site.add_reconstruction(session, one.key), one)


def _put(site: Site, stored: Stored, tree: Item) -> None:
    for name, number in tree.fields.items():
        text = spellings(tree.kind, name)[number][1]
        if name.startswith("fields/"):
            stored.variables[name.removeprefix("fields/")] = text
        else:
            stored.fields[name] = text
    for one in tree.resources:
        where: list[StoredResource] = getattr(stored, f"{one.side}_resources" if one.side else "resources")
        resource = site.new_resource(one.label, format=one.format)
        where.append(resource)
        for path, file in one.files.items():
            content = BytesContent(file.data)
            digest = content.md5 if file.digest else ""
            resource.add(FileEntry(path, content, digest, content.size))
        resource.file_count = one.count
        resource.file_size = None if one.counted is None else one.size


# the oracle

Path = tuple[str, ...]
Verdicts = Counter[tuple[Path, str]]


def judged(one: Item, other: Item, depth: str, every_field: bool) -> Verdicts:
    """Each item's path with its verdict."""
    return Counter(_item(one, other, (), depth, every_field))


def _item(one: Item, other: Item, path: Path, depth: str, every_field: bool) -> Iterator[tuple[Path, str]]:
    names = {*one.fields, *other.fields}
    if not every_field and one.kind != "project":
        names.discard(UNLISTED.get(one.kind, ""))
    same = one.type == other.type and all(_meaning(one, name) == _meaning(other, name) for name in names)
    yield path, "same" if same else "differs"
    for kind in BELOW.get(one.kind, ()):
        left = {item.key: item for item in one.items if item.kind == kind}
        right = {item.key: item for item in other.items if item.kind == kind}
        for key in {**left, **right}:
            below = (*path, f"{kind} {key}")
            if key in left and key in right:
                yield from _item(left[key], right[key], below, depth, every_field)
            else:
                yield below, "only_source" if key in left else "only_destination"
    yield from _resources(one, other, path, depth)


def _meaning(item: Item, name: str) -> int | None:
    number = item.fields.get(name)
    return None if number is None else spellings(item.kind, name)[number][0]


def _resources(one: Item, other: Item, path: Path, depth: str) -> Iterator[tuple[Path, str]]:
    keys = {(resource.side, resource.label) for resource in (*one.resources, *other.resources)}
    for side, label in keys:
        left = [it for it in one.resources if (it.side, it.label) == (side, label)]
        right = [it for it in other.resources if (it.side, it.label) == (side, label)]
        below = (*path, f"resource {side}/{label}")
        ways = []
        for order in itertools.permutations(right, len(right)):
            pairs = list(itertools.zip_longest(left, order))
            ways.append([row for pair in pairs for row in _resource(*pair, below, depth)])
        yield from min(ways, key=lambda rows: sum(status != "same" for _, status in rows))


def _resource(
    one: Resource | None, other: Resource | None, path: Path, depth: str
) -> Iterator[tuple[Path, str]]:
    if one is None or other is None:
        yield path, "only_source" if one is not None else "only_destination"
        return
    status = "same" if one.format == other.format else "differs"
    if depth == "sizes" and status == "same":
        status = _counts(one, other)
    if depth != "digests":
        yield path, status
        return
    yield path, "unreadable" if _doubtful(one) or _doubtful(other) else status
    for name in {**one.files, **other.files}:
        left, right = one.files.get(name), other.files.get(name)
        below = (*path, f"file {name}")
        if left is not None and right is not None:
            differs = len(left.data) != len(right.data) or (
                left.digest and right.digest and left.data != right.data
            )
            yield below, "differs" if differs else "same" if left.digest and right.digest else "unverified"
        elif _doubtful(other if right is None else one):
            yield below, "unreadable"
        else:
            yield below, "only_source" if right is None else "only_destination"


def _counts(one: Resource, other: Resource) -> str:
    counted = one.count is not None and other.count is not None
    if not counted:
        if _doubtful(one) or _doubtful(other):
            return "unreadable"
        return "same" if (len(one.files), one.size) == (len(other.files), other.size) else "differs"
    return "same" if (one.count, one.size) == (other.count, other.size) else "differs"


def _doubtful(one: Resource) -> bool:
    """Fewer files listed than counted, or none where nobody ever counted: no fact."""
    return len(one.files) < one.count if one.count is not None else not one.files


# the product


Fault = tuple[str, str, Action]
"""On which server, at which requests, and what comes in place of an answer."""


Outcome = dict[str, object]
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
            running.site.settings = Settings(**outcome)  # type: ignore[arg-type]
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
    outcomes = tuple(
        {"columns": columns | blank, "item_search": search}
        for columns, blank, search in zip(answers, blanks, searches, strict=True)
    )
    found = servers.compare(tree, other, depth, False, outcomes=outcomes, more=more)  # type: ignore[arg-type]
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
