"""Which data types a source uses, and whether a destination has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.errors import BadAnswer, XnatTuiError
from xnat_tui.model.entities import SESSION_WORDS, Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.show import Branch, walk
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.preflight import DataTypes, data_types
from xnat_tui.xnat.http.connection import Connection

_TYPED = (Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR)


class Availability(StrEnum):
    """What a destination says of a type. The values are the words of the JSON document."""

    PRESENT = "present"
    MISSING = "missing"
    NOT_SET_UP = "not set up"
    """The schema is installed, and no administrator has set the type up: most users cannot store it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UsedType:
    """A type that occurs at the source. `kind` is session, subject assessor, scan or assessor."""

    type: str
    kind: str
    count: int
    status: Availability = Availability.UNKNOWN


@dataclass(frozen=True, slots=True)
class Types:
    """Every type in use, and what could not be read at the source: there may then be more."""

    used: tuple[UsedType, ...]
    unread: tuple[tuple[str, XnatTuiError], ...] = ()

    @property
    def missing(self) -> bool:
        return any(one.status in (Availability.MISSING, Availability.NOT_SET_UP) for one in self.used)

    @property
    def certain(self) -> bool:
        return not self.unread and all(one.status is not Availability.UNKNOWN for one in self.used)


def datatypes(source: Reader, place: Place, destination: Connection, filters: Filters = NO_FILTERS) -> Types:
    """The types of sessions, subject assessors, scans and assessors at and below a place.

    A type is present when the destination lists it both as a schema and among its search elements; scans
    are in no list of elements, and servers before 1.7.6 have no list of schemas.
    """
    root = walk(source, place, "scans", filters)
    branches = list(root.walk())
    unread = [(str(one.place.location), one.error) for one in branches if one.error is not None]
    counts: Counter[tuple[str, str]] = Counter()
    for branch in branches:
        item = branch.place.item
        if item is None or item.kind not in _TYPED:
            continue
        if item.kind is Kind.SCAN and not item.type:
            continue  # some servers leave it out of bulk answers
        counts[_kind(item), item.type] += 1
    for found, error in _untyped_scans(source, branches):
        if error is not None:
            unread.append((found, error))
        else:
            counts["scan", found] += 1
    there = data_types(destination)
    rows = [
        UsedType(name, kind, count, _availability(there, name, kind))
        for (kind, name), count in counts.items()
    ]
    order = ("session", "scan", "assessor", "subject assessor")
    rows.sort(key=lambda row: (order.index(row.kind), row.type))
    return Types(tuple(rows), tuple(unread))


def _kind(item: Item) -> str:
    if item.kind is not Kind.EXPERIMENT:
        return str(item.kind)
    is_session = item.type in SESSION_WORDS or item.type.endswith("SessionData")
    return "session" if is_session else "subject assessor"


def _untyped_scans(reader: Reader, branches: list[Branch]) -> Iterator[tuple[str, XnatTuiError | None]]:
    """Types of the scans whose bulk row had none, from their session's document; or why there is none."""
    sessions: dict[str, Place] = {}
    wanted: dict[str, list[str]] = {}
    for branch in branches:
        item = branch.place.item
        if item is not None and item.kind is Kind.SCAN and not item.type:
            session = branch.place.up_to(Kind.EXPERIMENT)
            sessions[session.items[-1].uri] = session
            wanted.setdefault(session.items[-1].uri, []).append(item.id)
    for uri, session in sessions.items():
        try:
            document = reader.document(session)
        except XnatTuiError as error:
            yield str(session.location), error
            continue
        listed = next((found for key, found in document.below.items() if key == f"{uri}#{Kind.SCAN}"), None)
        types = {item.id: item.type for item in listed.items} if listed else {}
        for identifier in wanted[uri]:
            if found := types.get(identifier):
                yield found, None
            else:
                location = session.location.child(Kind.SCAN, identifier)
                yield str(location), BadAnswer("The server does not tell the type of this scan.")


def _availability(there: DataTypes, name: str, kind: str) -> Availability:
    elements, schemas = there.elements, there.schemas
    if not name or (elements is None and schemas is None):
        return Availability.UNKNOWN
    if kind == "scan":
        if schemas is None:
            return Availability.PRESENT if name in (elements or ()) else Availability.UNKNOWN
        return Availability.PRESENT if name in schemas else Availability.MISSING
    if schemas is not None and name not in schemas:
        return Availability.MISSING
    if elements is None:
        return Availability.UNKNOWN
    if name in elements:
        return Availability.PRESENT
    return Availability.MISSING if schemas is None else Availability.NOT_SET_UP
