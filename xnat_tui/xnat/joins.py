"""The joins that bulk questions rest on, and the small questions that prove or disprove them.

XNAT's list engine adds one row for each child that a joined column finds. A blank cell may mean that
there is none, or that this server does not answer the column: joined columns come back present and
blank on some. So a join is asked for in a second way: as a filter, which lists the items that have
such a child at all, and as the list of resources of many sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xnat_tui.model.entities import Item, Kind
from xnat_tui.xnat.connection import Connection, url_path
from xnat_tui.xnat.listing import accession_id, number_or_none

LONGEST_LIST = 5_000
"""Characters of accession IDs in one address: servers accept some 8,000 of it all."""
_FILTERS_ON_PROJECT_LISTS = (1, 8)
_IMAGING = "xnat:imageSessionData"
_ASSESSING = "xnat:imageAssessorData"
_RECONSTRUCTION = f"{_IMAGING}/reconstructions/reconstructedImage"


@dataclass(frozen=True, slots=True)
class Join:
    """What a bulk question joins to items of one kind."""

    owner: Kind
    what: str
    """`variables`, or the plural of the kind that is joined; `parameters` of scans."""
    side: str = ""
    """Of a resource: `in`, `out`, or "" where it stands at the item itself; of parameters the scans' type."""


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

_FILTERS: Mapping[Join, tuple[str, str]] = {
    SUBJECT_VARIABLES: ("", "xnat:subjectData/fields/field/name"),
    SUBJECT_RESOURCES: ("", "xnat:subjectData/resources/resource/label"),
    EXPERIMENT_VARIABLES: ("xnat:subjectAssessorData", "xnat:subjectAssessorData/fields/field/name"),
    EXPERIMENT_RESOURCES: ("xnat:subjectAssessorData", "xnat:subjectAssessorData/resources/resource/label"),
    SCANS: (_IMAGING, "xnat:imageScanData/ID"),
    RECONSTRUCTIONS: (_IMAGING, f"{_RECONSTRUCTION}/ID"),
    SCAN_RESOURCES: (_IMAGING, "xnat:imageScanData/file/label"),
    RECONSTRUCTION_OUT: (_IMAGING, f"{_RECONSTRUCTION}/out/file/label"),
    RECONSTRUCTION_IN: (_IMAGING, f"{_RECONSTRUCTION}/in/file/label"),
    ASSESSOR_VARIABLES: (_ASSESSING, f"{_ASSESSING}/fields/field/name"),
    ASSESSOR_OUT: (_ASSESSING, f"{_ASSESSING}/out/file/label"),
    ASSESSOR_IN: (_ASSESSING, f"{_ASSESSING}/in/file/label"),
    ASSESSOR_OWN: (_ASSESSING, f"{_ASSESSING}/resources/resource/label"),
}
"""Root type and path of the filter that leaves only items with a child of the kind."""

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
    content = resource.fields.get("content", "")
    return resource.key, resource.type, content, resource.files, resource.bytes


class ProofQuestions:
    """Small questions about a project that prove what bulk answers left blank; each is one request.

    They raise XnatTuiError.
    """

    def __init__(self, connection: Connection, project: Item) -> None:
        self._connection = connection
        self._project = project.id

    def items_with(self, join: Join) -> frozenset[str]:
        """Accession IDs of the subjects, experiments or assessors that have a child of this kind.

        Before 1.8 lists of a project ignore filters, so that the site's lists are asked, which leave out
        what is shared in.
        """
        root, path = _FILTERS[join]
        name = "experiments" if root else "subjects"
        parameters = {"columns": "ID", path: "*"} | ({"xsiType": root} if root else {})
        address = f"/data/projects/{url_path(self._project)}/{name}"
        if self._connection.version_tuple < _FILTERS_ON_PROJECT_LISTS:
            address, parameters["project"] = f"/data/{name}", self._project
        table = self._connection.table_within(self._connection.listing_seconds, address, "URI", **parameters)
        return frozenset(map(accession_id, table))

    def resources(self, sessions: Sequence[str]) -> list[ListedResource]:
        """The resources of these sessions at every level but what goes into reconstructions
        (`resources?all=true`, read from the database)."""
        path = f"/data/experiments/{','.join(sessions)}/resources"
        table = self._connection.table_within(
            self._connection.listing_seconds, path, "xnat_abstractresource_id", "category", all="true"
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
