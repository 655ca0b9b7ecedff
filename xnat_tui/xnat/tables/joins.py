"""The joins that bulk questions rest on, and the small questions that prove or disprove them.

XNAT's list engine adds one row for each child that a joined column finds. A blank cell may mean that
there is none, or that this server does not answer the column: joined columns come back present and
blank on some. So a join is asked for in a second way: as the list of resources of many sessions, and as
the question which items have such a child at all (`absence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xnat_tui.model.entities import Item, Kind
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables.listing import number_or_none

LONGEST_LIST = 5_000
"""Characters of accession IDs in one address: servers accept some 8,000 of it all."""
SUBJECT = "xnat:subjectData"
EXPERIMENT = "xnat:subjectAssessorData"
SESSION = "xnat:imageSessionData"
ASSESSOR = "xnat:imageAssessorData"
RECONSTRUCTION = "reconstructions/reconstructedImage"


class Join(NamedTuple):
    """What a bulk question joins to items of one kind."""

    owner: Kind
    what: str
    """`variables`, or the plural of the kind that is joined; `parameters` of scans."""
    side: str = ""
    """Of a resource: `in`, `out`, or "" where it stands at the item itself; of parameters the scans' type."""


class Column(NamedTuple):
    """A field of one kind of item that a list tells; of a scan's parameters with the type of scan."""

    kind: Kind
    field: str
    type: str = ""


@dataclass(slots=True)
class Proofs:
    """What proofs have found of a server's lists. It holds for all of its projects."""

    proved: set[Join] = field(default_factory=set)
    """The joins that bulk answers were proved to tell."""
    multiplied: set[Join] = field(default_factory=set)
    """The joins that were proved to have a row for each of several children."""
    filled: set[Column] = field(default_factory=set)
    """The columns that had a text."""


SUBJECT_VARIABLES = Join(Kind.SUBJECT, "variables")
SUBJECT_RESOURCES = Join(Kind.SUBJECT, "resources")
EXPERIMENT_VARIABLES = Join(Kind.EXPERIMENT, "variables")
EXPERIMENT_RESOURCES = Join(Kind.EXPERIMENT, "resources")
SCANS = Join(Kind.EXPERIMENT, "scans")
RECONSTRUCTIONS = Join(Kind.EXPERIMENT, "reconstructions")
SCAN_RESOURCES = Join(Kind.SCAN, "resources")
ASSESSOR_VARIABLES = Join(Kind.ASSESSOR, "variables")
ASSESSOR_OUT, ASSESSOR_IN = Join(Kind.ASSESSOR, "resources", "out"), Join(Kind.ASSESSOR, "resources", "in")
ASSESSOR_OWN = Join(Kind.ASSESSOR, "resources")
RECONSTRUCTION_OUT = Join(Kind.RECONSTRUCTION, "resources", "out")
RECONSTRUCTION_IN = Join(Kind.RECONSTRUCTION, "resources", "in")

PATHS: Mapping[Join, tuple[str, str]] = {
    SUBJECT_VARIABLES: (SUBJECT, "fields/field/name"),
    SUBJECT_RESOURCES: (SUBJECT, "resources/resource/label"),
    EXPERIMENT_VARIABLES: (EXPERIMENT, "fields/field/name"),
    EXPERIMENT_RESOURCES: (EXPERIMENT, "resources/resource/label"),
    SCANS: (SESSION, "scans/scan/ID"),
    RECONSTRUCTIONS: (SESSION, f"{RECONSTRUCTION}/ID"),
    SCAN_RESOURCES: (SESSION, "scans/scan/file/label"),
    RECONSTRUCTION_OUT: (SESSION, f"{RECONSTRUCTION}/out/file/label"),
    RECONSTRUCTION_IN: (SESSION, f"{RECONSTRUCTION}/in/file/label"),
    ASSESSOR_VARIABLES: (ASSESSOR, "fields/field/name"),
    ASSESSOR_OUT: (ASSESSOR, "out/file/label"),
    ASSESSOR_IN: (ASSESSOR, "in/file/label"),
    ASSESSOR_OWN: (ASSESSOR, "resources/resource/label"),
}
"""The base type of the items that a join leads from, and the path of what only a joined child has."""

_CATEGORIES: Mapping[str, tuple[Join, ...]] = {
    "resources": (EXPERIMENT_RESOURCES,),
    "scans": (SCAN_RESOURCES,),
    "reconstructions": (RECONSTRUCTION_OUT, RECONSTRUCTION_IN),
    "assessors": (ASSESSOR_OUT, ASSESSOR_IN, ASSESSOR_OWN),
}
TOLD_BY_RESOURCES = frozenset({EXPERIMENT_RESOURCES, SCAN_RESOURCES, RECONSTRUCTION_OUT, ASSESSOR_OUT})
"""The joins that the list of all resources of sessions has in full."""


Facts = tuple[str, str, str, int | None, int | None]
"""What every list tells of a resource: label, format, content, number of files, bytes."""


@dataclass(frozen=True, slots=True)
class ListedResource:
    """A row of the list of all resources of some sessions, which does not tell of which session."""

    number: str
    joins: tuple[Join, ...]
    """Which join should have told it."""
    facts: Facts


def resource_facts(resource: Item) -> Facts:
    """What lists tell of a resource that was read, as `ListedResource` has it."""
    content = resource.fields.get("content", "")
    return resource.key, resource.type, content, resource.files, resource.bytes


def resources_of_all(connection: Connection, sessions: Sequence[str]) -> list[ListedResource]:
    """The resources of these sessions at every level, but what goes into assessors
    and reconstructions (`resources?all=true`, read from the database). Raises XnatTuiError."""
    path = f"/data/experiments/{','.join(sessions)}/resources"
    table = connection.table_within(
        connection.listing_seconds, path, "xnat_abstractresource_id", "category", all="true"
    )
    return [
        ListedResource(
            row["xnat_abstractresource_id"],
            _CATEGORIES.get(row["category"], ()),
            (
                row["label"],
                row["format"],
                row["content"],
                number_or_none(row["file_count"]),
                number_or_none(row["file_size"]),
            ),
        )
        for row in table
    ]


def fitting(sessions: Sequence[str]) -> Sequence[str]:
    """The last of these accession IDs, as many as one address can name."""
    length = 0
    for count, identifier in enumerate(reversed(sessions)):
        length += len(identifier) + 1
        if length > LONGEST_LIST:
            return sessions[len(sessions) - count :]
    return sessions
