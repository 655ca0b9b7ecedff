"""The things XNAT holds, as one frozen value each.

XNAT's hierarchy is project → subject → experiment (an imaging session, mostly) → scan, assessor,
reconstruction → resource → file; projects, subjects and experiments have resources of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from xnat_tui.errors import XnatTuiError


class Kind(StrEnum):
    """What an item is. The values are the words of the JSON documents."""

    SERVER = "server"
    PROJECT = "project"
    SUBJECT = "subject"
    EXPERIMENT = "experiment"
    SCAN = "scan"
    ASSESSOR = "assessor"
    RECONSTRUCTION = "reconstruction"
    RESOURCE = "resource"
    FILE = "file"

    __hash__ = str.__hash__  # that of an enumeration is written in Python, and every listing looks one up

    @property
    def plural(self) -> str:
        return f"{self.value}s" if self is not Kind.SERVER else "servers"


CHILD_KINDS: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.SERVER: (Kind.PROJECT,),
    Kind.PROJECT: (Kind.SUBJECT, Kind.RESOURCE),
    Kind.SUBJECT: (Kind.EXPERIMENT, Kind.RESOURCE),
    Kind.EXPERIMENT: (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION, Kind.RESOURCE),
    Kind.SCAN: (Kind.RESOURCE,),
    Kind.ASSESSOR: (Kind.RESOURCE,),
    Kind.RECONSTRUCTION: (Kind.RESOURCE,),
    Kind.RESOURCE: (Kind.FILE,),
    Kind.FILE: (),
}
"""Which kinds stand directly below a kind, in the order in which they are shown."""


class Fields(Mapping[str, str]):
    """An item's own fields, as XNAT names them, with their text; "" is a field without a value.

    All rows of one listing share the tuple of names, so that a project of 72,000 subjects stays small.
    """

    __slots__ = ("_values", "exhaustive", "names")

    def __init__(
        self, names: tuple[str, ...] = (), values: tuple[str, ...] = (), *, exhaustive: tuple[str, ...] = ()
    ) -> None:
        self.names = names
        self._values = values
        self.exhaustive = exhaustive
        """Beginnings of names of which all are here: an absent one has no value. ("",) is every field;
        for other names absence means that nobody asked."""

    @classmethod
    def of(cls, fields: Mapping[str, str], *, exhaustive: tuple[str, ...] = ()) -> Fields:
        """A mapping's fields in its order; `exhaustive` as the attribute says."""
        return cls(tuple(fields), tuple(fields.values()), exhaustive=exhaustive)

    def joined(self, other: Fields) -> Fields:
        """These fields and further ones of the same item."""
        if not other.names:
            exhaustive = self.exhaustive + other.exhaustive  # one tuple for all, where one of them is empty
            return Fields(self.names, self._values, exhaustive=exhaustive)
        names, values = (*self.names, *other.names), (*self._values, *other._values)
        return Fields(_one_of(names), values, exhaustive=(*self.exhaustive, *other.exhaustive))

    def unlike(self, other: Fields) -> Iterator[tuple[str, str, str]]:
        """(name, own text, other's text) where the texts differ and both sides know of the field."""
        if self.names == other.names:
            if self._values != other._values:
                for name, one, two in zip(self.names, self._values, other._values, strict=True):
                    if one != two:
                        yield name, one, two
            return
        here, there = dict(self.items()), dict(other.items())
        for name in dict.fromkeys((*self.names, *other.names)):
            one, two = here.get(name, ""), there.get(name, "")
            if one != two and self.knows(name) and other.knows(name):
                yield name, one, two

    def values(self) -> tuple[str, ...]:  # type: ignore[override]
        return self._values

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        return zip(self.names, self._values, strict=True)

    def knows(self, name: str) -> bool:
        """Whether something is known of this field, be it that it has no value."""
        return name in self.names or name.startswith(self.exhaustive)

    def __getitem__(self, name: str) -> str:
        try:
            return self._values[self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __hash__(self) -> int:
        return hash((self.names, self._values))

    def __repr__(self) -> str:
        return f"<{len(self.names)} fields>"  # values may be patient data

    def __reduce__(self) -> tuple[object, ...]:
        return (_fields, (self.names, self._values, self.exhaustive))


@lru_cache(maxsize=256)
def _one_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same names as one object for all rows of a listing."""
    return names


def _fields(names: tuple[str, ...], values: tuple[str, ...], exhaustive: tuple[str, ...]) -> Fields:
    return Fields(names, values, exhaustive=exhaustive)


NO_FIELDS = Fields()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on one server.

    `key` is what it is matched by inside its parent: a label, a scan ID, a path below the resource;
    never an accession ID. `files` and `bytes` are what the server last recorded, None where it
    has not: they prove nothing about the disk.
    """

    kind: Kind
    key: str
    id: str = ""
    """Accession ID, scan ID, or the number of a resource (`xnat_abstractresource_id`)."""
    type: str = ""
    """xsi type (`xnat:mrSessionData`); the format of a resource or file."""
    uri: str = ""
    """Where the server answers for it, by IDs, not percent-encoded: `/data/experiments/XNAT_E1/scans/3`."""
    fields: Fields = NO_FIELDS
    files: int | None = None
    bytes: int | None = None
    shared_from: str | None = None
    """The owning project, when this one only sees the item by sharing."""
    digest: str | None = None
    """A file's recorded MD5 in lower-case hex; None where the server has none."""
    side: str = ""
    """A resource of an assessor or reconstruction: "in", "out", or "" for one attached to it."""
    twin: str = ""
    """The server's own number, where a sibling has the same key: two resources of one label, one scan ID
    given twice. "" where the key is enough."""

    @property
    def label(self) -> str:
        return self.key

    def with_fields(self, fields: Fields) -> Item:
        """The same with other fields: what `dataclasses.replace` does, at a third of its time."""
        return Item(
            *(self.kind, self.key, self.id, self.type, self.uri, fields, self.files, self.bytes),
            *(self.shared_from, self.digest, self.side, self.twin),
        )

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id or self.key!r}>"


def told_apart(items: Sequence[Item], numbers: Sequence[str]) -> Sequence[Item]:
    """Siblings of one kind, with their numbers as `twin` where they share a key."""
    if len(items) < 2:
        return items
    keys = [(item.side, item.key) for item in items]
    if len(set(keys)) == len(keys):
        return items
    times = Counter(keys)
    return [
        replace(item, twin=number) if times[key] > 1 else item
        for item, key, number in zip(items, keys, numbers, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of an item's children of one or all kinds.

    An error is a value: a listing that failed is never an empty one. `error` with items means that
    only these could be read.
    """

    items: tuple[Item, ...] = ()
    error: XnatTuiError | None = None
    seen_by: str = ""
    """The user whose rights shaped this answer."""


SESSION_WORDS: Mapping[str, str] = {
    "xnat:mrSessionData": "MR",
    "xnat:petSessionData": "PET",
    "xnat:petmrSessionData": "PET-MR",
    "xnat:ctSessionData": "CT",
    "xnat:crSessionData": "CR",
    "xnat:usSessionData": "US",
    "xnat:dxSessionData": "DX",
    "xnat:xaSessionData": "XA",
    "xnat:nmSessionData": "NM",
    "xnat:mgSessionData": "MG",
    "xnat:megSessionData": "MEG",
    "xnat:eegSessionData": "EEG",
    "xnat:rtSessionData": "RT",
    "xnat:opSessionData": "OP",
    "xnat:smSessionData": "SM",
    "xnat:srSessionData": "SR",
    "xnat:otherDicomSessionData": "OT",
}


def type_word(xsi_type: str) -> str:
    """`xnat:mrSessionData` → `MR`, `xnat:qcManualAssessorData` → `qcManualAssessor`."""
    if word := SESSION_WORDS.get(xsi_type):
        return word
    return xsi_type.partition(":")[2].removesuffix("Data") or xsi_type


SCAN_MODALITIES = "scan_modalities"
"""Field of a session whose own modality is not told: those of its scans, as DICOM writes several values."""
_PET = frozenset({"PET", "PT"})
_TYPE_MODALITIES: Mapping[str, frozenset[str]] = {
    "xnat:petmrSessionData": frozenset({"PET-MR", "PETMR", "PET/MR", "MR", *_PET}),
    "xnat:otherDicomSessionData": frozenset({"OT"}),
    "xnat:otherDicomScanData": frozenset(),
}
_TYPED = re.compile(r"\w+:([a-z]+)(?:Session|Scan)Data")
_BETWEEN = re.compile(r"[\\/,;+ ]+")


def modalities(item: Item) -> frozenset[str]:
    """By what a session or scan may be called: its field, its scans', and what its type alone tells.

    DICOM says PT, XNAT's types say PET: both are meant by either. A PET-MR session is both and has a word of
    its own, whatever single one its field holds.
    """
    told = [text for name in ("modality", SCAN_MODALITIES) if (text := item.fields.get(name, ""))]
    found = {word for text in told for word in (text, *_BETWEEN.split(text)) if word}
    if item.type in _TYPE_MODALITIES:
        found |= _TYPE_MODALITIES[item.type]
    elif typed := _TYPED.fullmatch(item.type):
        found |= {typed[1].upper(), SESSION_WORDS.get(item.type, typed[1].upper())}
    return frozenset(found | _PET if found & _PET else found)


def tells_modality(session: Item) -> bool:
    """Whether a session's own row does, be it by its type."""
    if session.fields.get("modality", "") or session.fields.get(SCAN_MODALITIES, ""):
        return True
    return session.type != "xnat:otherDicomSessionData" and bool(modalities(session))
