"""When two items are the same: the rules, each with the evidence it rests on.

Equal are: an empty value and a missing one, numbers of one value, one day in two spellings. Any other text
is compared as it is, white space included. Neutral are fields that belong to a server and not to the data:
accession IDs, dates and users of insertion, paths, catalog statistics.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from xnat_tui.model.entities import SCAN_MODALITIES, Fields, Item, Kind
from xnat_tui.model.pairing import Depth, FieldDifference, Status, Verdict

NEUTRAL_FIELDS = (
    # who and when, on that server
    *(
        "insert_date",
        "insert_user",
        "last_modified",
        "activation_date",
        "activation_user",
        "row_last_modified",
    ),
    *("create_event_id", "start_date", "status", "quarantine_status", "version"),
    # identity on that server
    *("ID", "id", "project", "label"),
    *("xnat_*", "*/xnat_*", "xdat_*", "*_info", "*_fk", "xnat:*/id", "studyProtocol*/ID"),
    # where it lies there
    *("URI", "uri", "prearchivePath", "file_count", "file_size", "cachePath"),
    # its project's own names: a project ID, a title and a secondary ID are unique per site
    *("secondary_ID", "name", "sharing", "sharing/*", "quarantine", "active"),
    SCAN_MODALITIES,  # what was put together of its scans
)
"""Shell globs of field names that never make a difference. `[compare] neutral_fields` adds more, and
takes one of these away when it is written with a `!` before it."""

REFERENCES = frozenset(
    {"subject_ID", "subjectID", "image_session_ID", "imageSession_ID", "session_ID", "imageSessionID"}
)
"""Fields that hold another item's accession ID: compared by what they point to."""

SCAN_CONTENT = "RAW"
"""The content that XNAT gives the first resource of a typed scan when it is told none
(`DirectScanResourceImpl`): a scan's resource without a content has this one."""

PROJECT_ONLY_NEUTRAL = frozenset({"secondary_ID", "name", "active"})


def neutral_fields(changes: Iterable[str]) -> tuple[str, ...]:
    """NEUTRAL_FIELDS as a configuration changes them: `name` adds, `!name` takes away."""
    changes = tuple(changes)
    unwanted = {name[1:] for name in changes if name.startswith("!")}
    added = (name for name in changes if not name.startswith("!"))
    return tuple(dict.fromkeys(name for name in (*NEUTRAL_FIELDS, *added) if name not in unwanted))


@dataclass(frozen=True, slots=True)
class Rules:
    """How to judge: depth, neutral fields, and what accession IDs mean on each side."""

    depth: Depth = Depth.SIZES
    neutral: tuple[str, ...] = NEUTRAL_FIELDS
    source_names: Mapping[str, str] = field(default_factory=dict)
    """Accession ID → what that item is called on the source, so that references compare after mapping."""
    destination_names: Mapping[str, str] = field(default_factory=dict)
    is_listed: Callable[[Kind, str, str], bool] | None = None
    """Whether a field (kind, name, xsi type) counts; None where every field does."""
    _decided: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, source: Item, destination: Item) -> Verdict:
        """Judge two items of one key by their own fields, and files and resources by their content.

        An item that is shared in equals an owned one with the same fields; that it is another's is told.
        """
        fields = self.field_differences(source, destination)
        if (source.shared_from is None) != (destination.shared_from is None):
            status = Status.DIFFERS if fields else Status.SAME
            return Verdict(status, fields, note=_owners(source, destination))
        if source.kind is Kind.FILE:
            return self._file(source, destination)
        if source.kind is Kind.RESOURCE and self.depth is Depth.SIZES:
            return self._resource(source, destination, fields)
        return Verdict(Status.DIFFERS, fields) if fields else _SAME

    def field_differences(self, source: Item, destination: Item) -> tuple[FieldDifference, ...]:
        """The items' own fields that are not the same, neutral ones left out, by name."""
        found = []
        if source.type != destination.type and source.kind in _TYPED and source.type and destination.type:
            # some servers leave a scan's type out of bulk rows
            found.append(FieldDifference("xsiType", source.type, destination.type))
        one, other = source.fields, destination.fields
        if one.names != other.names or one.values() != other.values():
            found += self.differences(source.kind, one, other, source.type)
        if source.kind is Kind.RESOURCE and "/scans/" in source.uri:
            found = [
                one for one in found if one.name != "content" or not same_content(one.source, one.destination)
            ]
        return tuple(found)

    def differences(
        self, kind: Kind, source: Fields, destination: Fields, type_: str = ""
    ) -> Iterable[FieldDifference]:
        """What counts among two items' fields, in the source's order; `type_` is their xsi type."""
        for name, one, other in source.unlike(destination):
            if self.counts(kind, name, type_) and not self._same_value(name, one, other):
                yield FieldDifference(name, one, other)

    def _same_value(self, name: str, one: str, other: str) -> bool:
        """A reference is compared by what it points to, and says nothing where that was not read."""
        one_named, other_named = self.source_names.get(one), self.destination_names.get(other)
        if one_named is not None and other_named is not None:
            return one_named == other_named
        return (name in REFERENCES and bool(one and other)) or same_text(one, other)

    def counts(self, kind: Kind, name: str, type_: str = "") -> bool:
        """Whether a difference in this field is one."""
        if self.is_listed is not None and not self.is_listed(kind, name, type_):
            return False
        return not self.is_neutral(kind, name, type_)

    def is_neutral(self, kind: Kind, name: str, type_: str = "") -> bool:
        """A glob is of a field's name, or of `xnat:mrSessionData/note`, the field of one type."""
        if name in PROJECT_ONLY_NEUTRAL and kind is not Kind.PROJECT:
            return False
        typed = f"{type_}/{name}"
        known = self._decided.get(typed)
        if known is None:
            known = self._decided[typed] = any(
                fnmatch.fnmatchcase(text, glob) for glob in self.neutral for text in (name, typed)
            )
        return known

    def _file(self, source: Item, destination: Item) -> Verdict:
        if self.depth is Depth.LABELS:
            return _SAME
        found = []
        if source.bytes is not None and destination.bytes is not None and source.bytes != destination.bytes:
            found.append(FieldDifference("size", str(source.bytes), str(destination.bytes)))
        if self.depth is Depth.DIGESTS and source.digest and destination.digest:
            if source.digest != destination.digest:
                found.append(FieldDifference("digest", source.digest, destination.digest))
            return Verdict(Status.DIFFERS, tuple(found)) if found else _SAME
        if found:
            return Verdict(Status.DIFFERS, tuple(found))
        if source.bytes is None or destination.bytes is None:
            return Verdict(Status.SAME, unverified=True, note="size not recorded")
        missing = [
            side for side, item in (("source", source), ("destination", destination)) if not item.digest
        ]
        if self.depth is Depth.DIGESTS:
            return Verdict(Status.SAME, unverified=True, note=f"no digest on the {' and the '.join(missing)}")
        return _SAME

    def _resource(self, source: Item, destination: Item, fields: tuple[FieldDifference, ...]) -> Verdict:
        found = list(fields)
        uncounted = False
        for name, one, other in (
            ("file_count", source.files, destination.files),
            ("file_size", source.bytes, destination.bytes),
        ):
            if one is None or other is None:
                uncounted = True
            elif one != other:
                found.append(FieldDifference(name, str(one), str(other)))
        if found:
            return Verdict(Status.DIFFERS, tuple(found))
        if uncounted:
            return Verdict(Status.UNREAD, note="files not counted by the server")
        return _SAME


def same_content(one: str, other: str) -> bool:
    """Whether two contents of a scan's resource are one: none is what XNAT makes of none."""
    return (one or SCAN_CONTENT) == (other or SCAN_CONTENT)


def _owners(source: Item, destination: Item) -> str:
    words = [
        "owned" if owner is None else f"shared in from {owner or 'another project'}"
        for owner in (source.shared_from, destination.shared_from)
    ]
    return f"{words[0]} on the source, {words[1]} on the destination"


_SAME = Verdict(Status.SAME)
_TYPED = frozenset({Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR})


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def same_text(one: str, other: str) -> bool:
    """Whether two texts of one field are the same, or mean the same number or the same day."""
    if one == other:
        return True
    if not one or not other:
        return False
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return _same_number(one, other)
    day, other_day = _day(one), _day(other)
    return day is not None and day == other_day


def _same_number(one: str, other: str) -> bool:
    """By value, except that leading zeros are a name's and not a number's (`007` is not `7`).

    What is too great or too small for a float is rather a name as well: `12e4567` is not `34e5678`.
    """
    if any(re.match(r"[+-]?0\d", text) for text in (one, other)):
        return False
    if one.lstrip("+-").isdecimal() and other.lstrip("+-").isdecimal():
        return Decimal(one) == Decimal(other)  # int() refuses thousands of digits
    values = float(one), float(other)
    if values == (0.0, 0.0):
        return not any(float(re.split("[eE]", text)[0]) for text in (one, other))
    return math.inf not in map(abs, values) and math.isclose(*values, rel_tol=1e-9, abs_tol=0.0)


_DAY_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_TIME = re.compile(r"(\d{2}:\d{2}:\d{2})(\.0+)?")


def _day(text: str) -> datetime | str | None:
    """A date, a date-time or a time of day in one of XNAT's spellings; None for anything else."""
    if time := _TIME.fullmatch(text):
        return time[1]
    for layout in _DAY_FORMATS:
        try:
            return datetime.strptime(text, layout)  # noqa: DTZ007  held against another of the same server
        except ValueError:
            continue
    return None
