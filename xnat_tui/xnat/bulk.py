"""A whole project in a dozen questions, whatever the number of its sessions.

XNAT's list engine joins multi-valued paths: one row per session × scan × resource. Each question
here asks for one such branch. Rows keep the accession ID in the last segment of `URI`, whatever the
query's root type calls its ID column, and long columns come back under their lower-case path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind
from xnat_tui.xnat.connection import Connection, url_path
from xnat_tui.xnat.listing import (
    EXPERIMENT_COLUMNS,
    SUBJECT_FIELDS,
    FieldReader,
    accession_id,
    experiment_item,
    number_or_none,
    subject_item,
)
from xnat_tui.xnat.table import Row, Table

SESSION_FIELDS = (
    *("modality", "UID", "scanner", "operator", "session_type", "dcmAccessionNumber", "dcmPatientId"),
    *("dcmPatientName",),
)
SCAN_FIELDS = (
    *("type", "quality", "series_description", "note", "condition", "frames", "UID"),
    *("scanner", "modality", "validation/status"),
)
ASSESSOR_COLUMNS = {
    **{name: name for name in ("date", "time", "note")},
    "validation/status": "validation_status",
}
RECONSTRUCTION_FIELDS = ("type", "baseScanType")
PARAMETERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "xnat:mrSessionData": (
        "xnat:mrScanData",
        (
            *("coil", "fieldStrength", "marker", "parameters/tr", "parameters/te", "parameters/ti"),
            *("parameters/flip", "parameters/sequence", "parameters/orientation", "parameters/scanSequence"),
            *("parameters/voxelRes/x", "parameters/voxelRes/y", "parameters/voxelRes/z"),
            *("parameters/fov/x", "parameters/fov/y", "parameters/matrix/x", "parameters/matrix/y"),
        ),
    ),
    "xnat:petSessionData": (
        "xnat:petScanData",
        ("parameters/facility", "parameters/units", "parameters/orientation"),
    ),
    "xnat:ctSessionData": (
        "xnat:ctScanData",
        ("parameters/voxelRes/x", "parameters/voxelRes/y", "parameters/voxelRes/z", "parameters/fov/x"),
    ),
}
"""Session type → the type of its scans, and the acquisition parameters that are usual there."""

_RESOURCE_COLUMNS = ("xnat_abstractresource_id", "label", "format", "content", "file_count", "file_size")
_SUBJECT_VARIABLE = "xnat:subjectData/fields/field"
_EXPERIMENT_VARIABLE = "xnat:subjectAssessorData/fields/field"
_ASSESSOR_VARIABLE = "xnat:imageAssessorData/fields/field"
_SCAN = "xnat:imageScanData"
_RECONSTRUCTION = "xnat:imageSessionData/reconstructions/reconstructedImage"

Grouped = dict[str, list[Item]]
"""Items by the accession ID of what they belong to; an owner without any has an empty list."""


@dataclass(frozen=True, slots=True)
class Experiments:
    """The experiments of a project, by subject ID; `subjects` names the subjects' labels seen there."""

    by_subject: Grouped
    subject_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Owned:
    """What a project owns: every experiment and assessor, and the resources that stand at it."""

    types: Mapping[str, str]
    resources: Grouped


class ProjectQuestions:
    """The questions about one project; each is one request. They raise XnatTuiError."""

    def __init__(self, connection: Connection, project: Item) -> None:
        self._connection = connection
        self._project = project
        self._path = f"/data/projects/{url_path(project.id)}"

    def subjects(self) -> list[Item]:
        """Subjects, owned and shared in, with demographics and custom variables."""
        columns = ("ID", "label", "project", *SUBJECT_FIELDS, *_variable_columns(_SUBJECT_VARIABLE))
        table = self._connection.table(f"{self._path}/subjects", columns=",".join(columns))
        read = FieldReader(table, {name: name for name in SUBJECT_FIELDS})
        variables = _Variables(table, _SUBJECT_VARIABLE)
        return [
            subject_item(rows[0], self._project.id, variables(read(rows[0]), rows))
            for rows in _by_accession_id(table).values()
        ]

    def subject_resources(self) -> Grouped:
        path = "xnat:subjectData/resources/resource"
        table = self._connection.table(
            f"{self._path}/subjects", columns=",".join(("ID", "label", *_resource_columns(path)))
        )
        _require(table, f"{path}/label")
        return {
            subject: _resources(rows, path, f"/data/subjects/{subject}")
            for subject, rows in _by_accession_id(table).items()
        }

    def experiments(self) -> Experiments:
        """Experiments of all types but image assessors, with labels as this project knows them.

        The rows pretend that all of them belong here: `owned` tells which do.
        """
        columns = (
            *("ID", "label", "project", "subject_ID", "subject_label", "xsiType"),
            *EXPERIMENT_COLUMNS.values(),
            *_variable_columns(_EXPERIMENT_VARIABLE),
        )
        table = self._connection.table(f"{self._path}/experiments", columns=",".join(columns))
        read = FieldReader(table, EXPERIMENT_COLUMNS)
        variables = _Variables(table, _EXPERIMENT_VARIABLE)
        by_subject: Grouped = {}
        labels: dict[str, str] = {}
        for rows in _by_accession_id(table).values():
            row = rows[0]
            labels[row["subject_ID"]] = row["subject_label"]
            by_subject.setdefault(row["subject_ID"], []).append(
                experiment_item(row, variables(read(row), rows))
            )
        return Experiments(by_subject, labels)

    def owned(self) -> Owned:
        """What the project owns, image assessors included, and the resources that stand at it.

        Only the site-wide list tells owned from shared in: it answers with the owner's project.
        """
        path = "xnat:experimentData/resources/resource"
        table = self._connection.table(
            "/data/experiments",
            project=self._project.id,
            columns=",".join(("ID", "project", "xsiType", *_resource_columns(path))),
        )
        _require(table, f"{path}/label")
        grouped = _by_accession_id(table)
        return Owned(
            {identifier: rows[0]["xsiType"] for identifier, rows in grouped.items()},
            {
                identifier: _resources(rows, path, f"/data/experiments/{identifier}")
                for identifier, rows in grouped.items()
            },
        )

    def session_fields(self) -> dict[str, tuple[str, Fields]]:
        """Imaging sessions: accession ID → (owning project, fields). This root leaves `project` alone."""
        table = self._sessions("xnat:imageSessionData", ("label", "project", *SESSION_FIELDS))
        read = FieldReader(table, {name: name for name in SESSION_FIELDS})
        return {accession_id(row): (row["project"], read(row)) for row in table}

    def scans(self) -> tuple[Grouped, Grouped]:
        """Scans by session, and resources by the scan's address; one row per scan × resource."""
        path = f"{_SCAN}/file"
        columns = (
            f"{_SCAN}/ID",
            f"{_SCAN}/xnat_imagescandata_id",
            *(f"{_SCAN}/{name}" for name in SCAN_FIELDS),
            *_resource_columns(path),
        )
        table = self._sessions("xnat:imageSessionData", columns)
        _require(table, f"{path}/label")
        read = FieldReader(table, {name: f"{_SCAN}/{name}" for name in SCAN_FIELDS})
        scans: Grouped = {}
        resources: Grouped = {}
        for session, rows in _by_accession_id(table).items():
            scans[session] = []
            for same in _by_scan(rows):
                uri = f"/data/experiments/{session}/scans/{same[0][f'{_SCAN}/ID']}"
                found = _resources(same, path, uri)
                resources.setdefault(uri, []).extend(found)
                scans[session].append(_scan(same[0], uri, read(same[0]), found))
        return scans, resources

    def parameters(self, session_type: str) -> dict[tuple[str, str], Fields]:
        """Acquisition parameters of one type of session: (session, scan ID) → fields."""
        scan_type, names = PARAMETERS[session_type]
        table = self._sessions(session_type, (f"{scan_type}/ID", *(f"{scan_type}/{name}" for name in names)))
        read = FieldReader(table, {name: f"{scan_type}/{name}" for name in names})
        return {(accession_id(row), row[f"{scan_type}/ID"]): read(row) for row in table}

    def assessors(self) -> Grouped:
        """Image assessors by the session that they assess."""
        columns = (
            *("ID", "label", "xsiType", "session_ID", "session_label"),
            *ASSESSOR_COLUMNS.values(),
            *_variable_columns(_ASSESSOR_VARIABLE),
        )
        table = self._sessions("xnat:imageAssessorData", columns)
        read = FieldReader(table, ASSESSOR_COLUMNS)
        variables = _Variables(table, _ASSESSOR_VARIABLE)
        found: Grouped = {}
        for identifier, rows in _by_accession_id(table).items():
            row = rows[0]
            found.setdefault(row["session_ID"], []).append(
                Item(
                    Kind.ASSESSOR,
                    row["label"] or identifier,
                    identifier,
                    type=row["xsiType"],
                    uri=f"/data/experiments/{row['session_ID']}/assessors/{identifier}",
                    fields=variables(read(row), rows),
                )
            )
        return found

    def assessor_files(self, side: str) -> Grouped:
        """`in` or `out` resources by the assessor's accession ID; addresses still lack the session."""
        path = f"xnat:imageAssessorData/{side}/file"
        table = self._sessions("xnat:imageAssessorData", ("ID", *_resource_columns(path)))
        if table.columns:
            _require(table, f"{path}/label")
        return {
            identifier: _resources(rows, path, "", side)
            for identifier, rows in _by_accession_id(table).items()
        }

    def reconstructions(self, side: str) -> tuple[Grouped, Grouped]:
        """Reconstructions by session, and their `in` or `out` resources by address."""
        path = f"{_RECONSTRUCTION}/{side}/file"
        columns = (
            f"{_RECONSTRUCTION}/ID",
            *(f"{_RECONSTRUCTION}/{name}" for name in RECONSTRUCTION_FIELDS),
            *_resource_columns(path),
        )
        table = self._sessions("xnat:imageSessionData", columns)
        _require(table, f"{_RECONSTRUCTION}/ID", f"{path}/label")
        read = FieldReader(table, {name: f"{_RECONSTRUCTION}/{name}" for name in RECONSTRUCTION_FIELDS})
        items: Grouped = {}
        resources: Grouped = {}
        for session, rows in _by_accession_id(table).items():
            found: dict[str, list[Row]] = {}
            for row in rows:
                if identifier := row[f"{_RECONSTRUCTION}/ID"]:
                    found.setdefault(identifier, []).append(row)
            items[session] = []
            for identifier, same in found.items():
                uri = f"/data/experiments/{session}/reconstructions/{identifier}"
                resources[uri] = _resources(same, path, f"{uri}/{side}", side)
                items[session].append(
                    Item(Kind.RECONSTRUCTION, identifier, identifier, uri=uri, fields=read(same[0]))
                )
        return items, resources

    def _sessions(self, root: str, columns: Iterable[str]) -> Table:
        return self._connection.table(
            f"{self._path}/experiments", xsiType=root, columns=",".join(dict.fromkeys(("ID", *columns)))
        )


def _scan(row: Row, uri: str, fields: Fields, resources: list[Item]) -> Item:
    counts = [resource.files for resource in resources]
    sizes = [resource.bytes for resource in resources]
    identifier = row[f"{_SCAN}/ID"]
    return Item(
        Kind.SCAN,
        identifier,
        identifier,
        uri=uri,
        fields=fields,
        files=None if None in counts else sum(count or 0 for count in counts),
        bytes=None if None in sizes else sum(size or 0 for size in sizes),
    )


def _by_scan(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows of one session, a scan at a time: two scans of one ID are two."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row[f"{_SCAN}/ID"]:
            number = row[f"{_SCAN}/xnat_imagescandata_id"]
            key = (number,) if number else tuple(row[f"{_SCAN}/{name}"] for name in ("ID", "type", "UID"))
            found.setdefault(key, []).append(row)
    yield from found.values()


def _by_accession_id(table: Table) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in table:
        grouped.setdefault(accession_id(row), []).append(row)
    return grouped


def _variable_columns(path: str) -> tuple[str, str]:
    return f"{path}/name", f"{path}/field"


class _Variables:
    """Custom variables, one row each, joined to the item's other fields as `fields/NAME`."""

    def __init__(self, table: Table, path: str) -> None:
        self._name, self._value = _variable_columns(path)
        self._listed = ("fields/",) if self._name.lower() in {name.lower() for name in table.columns} else ()

    def __call__(self, fields: Fields, rows: list[Row]) -> Fields:
        found = {f"fields/{row[self._name]}": row[self._value] for row in rows if row[self._name]}
        names, values = (*fields.names, *found), (*fields.values(), *found.values())
        return Fields(names, values, exhaustive=self._listed)


def _resource_columns(path: str) -> Iterator[str]:
    return (f"{path}/{name}" for name in _RESOURCE_COLUMNS)


def _resources(rows: list[Row], path: str, owner_uri: str, side: str = "") -> list[Item]:
    """The resources in the rows of one owner; a row without any has blank cells."""
    found: dict[str, Item] = {}
    for row in rows:
        number, label = row[f"{path}/xnat_abstractresource_id"], row[f"{path}/label"]
        if not (number or label) or (number or label) in found:
            continue
        names = ("format", "content")
        found[number or label] = Item(
            Kind.RESOURCE,
            label,
            number,
            type=row[f"{path}/format"],
            uri=f"{owner_uri}/resources/{number or label}",
            fields=Fields(names, tuple(row[f"{path}/{name}"] for name in names)),
            files=number_or_none(row[f"{path}/file_count"]),
            bytes=number_or_none(row[f"{path}/file_size"]),
            side=side,
        )
    return list(found.values())


def _require(table: Table, *columns: str) -> None:
    """Raises BadAnswer where the server dropped a column that the question was about."""
    there = {column.lower() for column in table.columns}
    missing = [column for column in columns if column.lower() not in there]
    if missing and len(table):
        raise BadAnswer(f"This server does not list {', '.join(missing)}.")
