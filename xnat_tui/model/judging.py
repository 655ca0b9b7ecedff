"""When two items are the same: the rules, each with the evidence it rests on.

Equal are: an empty value and a missing one, numbers of one value, one day in two spellings, text before
and after XML escaping (XNAT stores parameters escaped, documents not). Neutral are fields that belong
to a server and not to the data: accession IDs, dates and users of insertion, paths, catalog statistics.
"""

from __future__ import annotations

import fnmatch
import html
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from xnat_tui.model.entities import Fields, Item, Kind
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
    *("ID", "id", "project", "label", "subject_ID", "image_session_ID", "imageSession_ID", "session_ID"),
    *("xnat_*", "*/xnat_*", "xdat_*", "*_info", "*_fk", "xnat:*/id"),
    # where it lies there
    *("URI", "uri", "prearchivePath", "file_count", "file_size", "cachePath"),
    # its project's own names: a project ID, a title and a secondary ID are unique per site
    *("secondary_ID", "name", "sharing", "sharing/*", "quarantine", "active"),
)
"""Shell globs of field names that never make a difference. `[compare] neutral_fields` adds more."""

PROJECT_ONLY_NEUTRAL = frozenset({"secondary_ID", "name", "active"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How to judge: depth, neutral fields, and what accession IDs mean on each side."""

    depth: Depth = Depth.SIZES
    neutral: tuple[str, ...] = NEUTRAL_FIELDS
    source_names: Mapping[str, str] = field(default_factory=dict)
    """Accession ID → path of that item on the source, so that references compare after mapping."""
    destination_names: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, source: Item, destination: Item) -> Verdict:
        """Judge two items of one key by their own fields, and files and resources by their content."""
        fields = self.field_differences(source, destination)
        if source.kind is Kind.FILE:
            return self._file(source, destination)
        if source.kind is Kind.RESOURCE and self.depth is Depth.SIZES:
            return self._resource(source, destination, fields)
        return Verdict(Status.DIFFERS if fields else Status.SAME, fields)

    def field_differences(self, source: Item, destination: Item) -> tuple[FieldDifference, ...]:
        """The items' own fields that are not the same, neutral ones left out, by name."""
        found = []
        types_known = source.type and destination.type  # some servers leave a scan's type out of bulk rows
        if source.kind in _TYPED and types_known and source.type != destination.type:
            found.append(FieldDifference("xsiType", source.type, destination.type))
        found += self.differences(source.kind, source.fields, destination.fields)
        return tuple(found)

    def differences(self, kind: Kind, source: Fields, destination: Fields) -> Iterable[FieldDifference]:
        names = source.names if source.names == destination.names else _union(source, destination)
        for name in names:
            one, other = source.get(name, ""), destination.get(name, "")
            if one == other or self.is_neutral(kind, name):
                continue
            if not (source.knows(name) and destination.knows(name)):
                continue
            one_named, other_named = self.source_names.get(one, one), self.destination_names.get(other, other)
            if not same_text(one_named, other_named):
                yield FieldDifference(name, one, other)

    def is_neutral(self, kind: Kind, name: str) -> bool:
        if name in PROJECT_ONLY_NEUTRAL and kind is not Kind.PROJECT:
            return False
        return _matches_any(name, self.neutral)

    def _file(self, source: Item, destination: Item) -> Verdict:
        if self.depth is Depth.LABELS:
            return Verdict(Status.SAME)
        found = []
        if source.bytes is not None and destination.bytes is not None and source.bytes != destination.bytes:
            found.append(FieldDifference("size", str(source.bytes), str(destination.bytes)))
        if self.depth is Depth.DIGESTS and source.digest and destination.digest:
            if source.digest != destination.digest:
                found.append(FieldDifference("digest", source.digest, destination.digest))
            return Verdict(Status.DIFFERS if found else Status.SAME, tuple(found))
        if found:
            return Verdict(Status.DIFFERS, tuple(found))
        if source.bytes is None or destination.bytes is None:
            return Verdict(Status.SAME, unverified=True, note="size not recorded")
        missing = [
            side for side, item in (("source", source), ("destination", destination)) if not item.digest
        ]
        if self.depth is Depth.DIGESTS:
            return Verdict(Status.SAME, unverified=True, note=f"no digest on the {' and the '.join(missing)}")
        return Verdict(Status.SAME)

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
        return Verdict(Status.SAME)


_TYPED = frozenset({Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR})


def _union(source: Fields, destination: Fields) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*source.names, *destination.names)))


@lru_cache(maxsize=4096)
def _matches_any(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|#39);")


def same_text(one: str, other: str) -> bool:
    """Whether two texts of one field mean the same: escaped or not, as a number, as a day."""
    one, other = _plain(one), _plain(other)
    if one == other:
        return True
    if not one or not other:
        return False
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return _same_number(one, other)
    day, other_day = _day(one), _day(other)
    return day is not None and day == other_day


def _plain(text: str) -> str:
    text = text.strip()
    return html.unescape(text) if _ENTITY.search(text) else text


def _same_number(one: str, other: str) -> bool:
    """By value, except that leading zeros are a name's and not a number's (`007` is not `7`)."""
    if any(re.match(r"[+-]?0\d", text) for text in (one, other)):
        return False
    return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=0.0)


_DAY_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_TIME = re.compile(r"(\d{2}:\d{2}:\d{2})(\.0+)?")


def _day(text: str) -> datetime | str | None:
    """A date, a date-time or a time of day in one of XNAT's spellings; None for anything else."""
    if time := _TIME.fullmatch(text):
        return time[1]
    for layout in _DAY_FORMATS:
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    return None
