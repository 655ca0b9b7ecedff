"""Projects as plain trees, drawn at random and changed at random."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st


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


Spelt = tuple[str, ...]
"""All of them mean the same."""
SPELLINGS: list[Spelt] = [
    ("a",),
    ("A",),
    ("Tom's & Co <1>", "Tom&apos;s &amp; Co &lt;1&gt;"),
    ("line\nbreak",),
    ("ä",),
]
NUMBERS: list[Spelt] = [("70", "70.0", "70.00"), ("7",), ("0.5", ".5", "5e-1"), ("70.5",)]
DAYS: list[Spelt] = [("2020-02-29", "02/29/2020"), ("2019-02-28",)]
WORDS: list[Spelt] = [("male",), ("female",)]
FIELDS: dict[str, dict[str, list[Spelt]]] = {
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
