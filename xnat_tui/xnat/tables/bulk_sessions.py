"""What stands below all sessions of a project: one request for each branch of XNAT's hierarchy.

`xnat:imageSessionData` as the root type covers every type of imaging session, leaves out what is none,
and does not touch `project` and `label` of what is shared in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xnat_tui.errors import BadAnswer
from xnat_tui.model.entities import Fields, Item, Kind, told_apart
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.http.retry import is_late
from xnat_tui.xnat.tables.bulk import (
    REFUSALS,
    Grouped,
    ResourceReader,
    Variables,
    by_accession_id,
    require,
    resource_columns,
    variable_columns,
)
from xnat_tui.xnat.tables.bulk_asking import BulkAsking
from xnat_tui.xnat.tables.listing import FieldReader
from xnat_tui.xnat.tables.table import Cells, Table, says

log = logging.getLogger("xnat_tui.bulk_sessions")

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
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "xnat:mrScanData": (
        *("coil", "fieldStrength", "marker", "parameters/tr", "parameters/te", "parameters/ti"),
        *("parameters/flip", "parameters/sequence", "parameters/orientation", "parameters/scanSequence"),
        *("parameters/voxelRes/x", "parameters/voxelRes/y", "parameters/voxelRes/z"),
        *("parameters/fov/x", "parameters/fov/y", "parameters/matrix/x", "parameters/matrix/y"),
    ),
    "xnat:petScanData": ("parameters/facility", "parameters/units", "parameters/orientation"),
    "xnat:ctScanData": (
        *("parameters/voxelRes/x", "parameters/voxelRes/y", "parameters/voxelRes/z", "parameters/fov/x"),
    ),
}
"""Type of scan → the acquisition parameters that are usual there."""
SCANS_OF: Mapping[str, tuple[str, ...]] = {
    "xnat:mrSessionData": ("xnat:mrScanData",),
    "xnat:petSessionData": ("xnat:petScanData",),
    "xnat:petmrSessionData": ("xnat:mrScanData", "xnat:petScanData"),
    "xnat:ctSessionData": ("xnat:ctScanData",),
}
"""Type of session → the types of its scans whose parameters are asked for."""

_ASSESSOR = "xnat:imageAssessorData"
_ASSESSOR_VARIABLE = f"{_ASSESSOR}/fields/field"
_ASSESSOR_SHARE = (f"{_ASSESSOR}/sharing/share/project", f"{_ASSESSOR}/sharing/share/label")
_ASSESSOR_OWNER = (f"{_ASSESSOR}/ID", f"{_ASSESSOR}/project")
_MAYBE_LEFT_OUT = frozenset({"ID", "xsiType", "session_label"})
_SCAN = "xnat:imageScanData"
_SCAN_ID = f"{_SCAN}/ID"
_SCAN_NUMBER = f"{_SCAN}/xnat_imagescandata_id"
_SCAN_TYPE = f"{_SCAN}/extension_item/element_name"
_RECONSTRUCTION = "xnat:imageSessionData/reconstructions/reconstructedImage"

Reconstructions = tuple[Grouped, Grouped]
"""Reconstructions by session, and their resources by address."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the list of imaging sessions tells of one, shared in or not."""

    owner: str
    """The owning project."""
    subject: str
    """The subject's accession ID."""
    fields: Fields
    assessors: dict[str, str] = field(default_factory=dict)
    """Owning projects by accession ID, of all assessors of the session: those too that the project does
    not show, and that the user perhaps may not read. Empty where the server does not tell."""


class SessionQuestions:
    """The questions about all sessions of a project. They raise XnatTuiError."""

    def __init__(self, connection: Connection, project: Item) -> None:
        self._asking = BulkAsking(connection, project.id)
        self._project = project.id
        self._path = f"/data/projects/{url_path(project.id)}"

    def sessions(self) -> tuple[dict[str, Session], Reconstructions | None]:
        """Imaging sessions by accession ID, and reconstructions with their `out` resources.

        One request, and one more for each of these parts that the server refuses to list with them:
        reconstructions, which are None then, and who owns the sessions' assessors.
        """
        columns = ("label", "project", "subject_ID", *SESSION_FIELDS)
        out = _reconstruction_columns("out")
        reconstructions: Reconstructions | None = None
        late = False
        for more in ((*out, *_ASSESSOR_OWNER), _ASSESSOR_OWNER, out, ()):
            if late and more:
                continue  # it is the joins that take long: without any of them
            try:
                table = self._ask("xnat:imageSessionData", (*columns, *more))
                reconstructions = _reconstructions(table, "out") if out[0] in more else None
                break
            except REFUSALS as refusal:
                if not more:
                    raise
                late = is_late(refusal)
                log.info("sessions with %d columns refused: %s", len(more), type(refusal).__name__)
        require(table, "project", "subject_ID")
        read = FieldReader(table, {name: name for name in SESSION_FIELDS})
        pick = table.picker(_ASSESSOR_OWNER)
        found: dict[str, Session] = {}
        for identifier, rows in by_accession_id(table).items():
            assessors = {assessor: owns for assessor, owns in map(pick, rows) if assessor}
            row = table.row(rows[0])
            owner, subject = row.required("project"), row.required("subject_ID")
            found[identifier] = Session(owner, subject, read(rows[0]), assessors)
        return found, reconstructions

    def reconstructions_in(self) -> Reconstructions:
        """Reconstructions with their `in` resources."""
        return _reconstructions(self._ask("xnat:imageSessionData", _reconstruction_columns("in")), "in")

    def scans(self) -> tuple[Grouped, Grouped]:
        """Scans by session, and resources by the scan's address; one row per scan × resource.

        Where a server refuses to tell the types of scans it is asked again without them.
        """
        try:
            return self._scans((_SCAN_TYPE,))
        except REFUSALS as refusal:
            if is_late(refusal):
                raise
            log.info("scans with their types refused: %s", type(refusal).__name__)
            return self._scans(())

    def _scans(self, more: tuple[str, ...]) -> tuple[Grouped, Grouped]:
        path = f"{_SCAN}/file"
        names = (_SCAN_ID, _SCAN_NUMBER, *more, *(f"{_SCAN}/{name}" for name in SCAN_FIELDS))
        table = self._ask("xnat:imageSessionData", (*names, *resource_columns(path)))
        columns = {name: f"{_SCAN}/{name}" for name in SCAN_FIELDS}
        require(table, _SCAN_ID, *columns.values())
        read = FieldReader(table, columns)
        read_resources = ResourceReader(table, path)
        identity = table.picker((_SCAN_ID, _SCAN_NUMBER, f"{_SCAN}/type", f"{_SCAN}/UID"))
        id_of, type_of = table.cell(_SCAN_ID), table.cell(_SCAN_TYPE)
        scans: Grouped = {}
        resources: Grouped = {}
        for session, rows in by_accession_id(table).items():
            here: list[Item] = []
            numbers: list[str] = []
            for number, same in _by_scan(rows, identity):
                identifier = id_of(same[0])
                uri = f"/data/experiments/{session}/scans/{identifier}"
                found = read_resources(same, uri)
                resources.setdefault(uri, []).extend(found)
                here.append(_scan(identifier, type_of(same[0]), uri, read(same[0]), found))
                numbers.append(number)
            scans[session] = list(told_apart(here, numbers))
        return scans, resources

    def parameters(self, session_type: str, scan_type: str) -> dict[str, dict[str, Fields]]:
        """Acquisition parameters of one type of scan in one type of session: session → scan ID → fields.

        Every session of the type is there, be it without a scan of that type.
        """
        names = PARAMETERS[scan_type]
        key = f"{scan_type}/ID"
        columns = {name: f"{scan_type}/{name}" for name in names}
        table = self._ask(session_type, (key, *columns.values()))
        require(table, key, *columns.values())
        read = FieldReader(table, columns)
        id_of = table.cell(key)
        return {
            session: {identifier: read(cells) for cells in rows if (identifier := id_of(cells))}
            for session, rows in by_accession_id(table).items()
        }

    def assessors(self) -> Grouped:
        """Image assessors by the session that they assess, owned and shared in, with labels as known here."""
        columns = (
            *("ID", "label", "xsiType", "session_ID", "session_label"),
            *ASSESSOR_COLUMNS.values(),
            *variable_columns(_ASSESSOR_VARIABLE),
            *_ASSESSOR_SHARE,
        )
        table = self._ask(_ASSESSOR, columns)
        require(
            table, "label", "session_ID", *ASSESSOR_COLUMNS.values(), *variable_columns(_ASSESSOR_VARIABLE)
        )
        require(table, *_ASSESSOR_SHARE)
        read = FieldReader(table, ASSESSOR_COLUMNS)
        variables = Variables(table, _ASSESSOR_VARIABLE)
        share = table.picker(_ASSESSOR_SHARE)
        found: Grouped = {}
        for identifier, rows in by_accession_id(table).items():
            row = table.row(rows[0])
            # not every root type makes XNAT replace the label of what is shared in by the one it has here
            here = next((label for project, label in map(share, rows) if project == self._project), "")
            session = row.required("session_ID")
            found.setdefault(session, []).append(
                Item(
                    Kind.ASSESSOR,
                    here or row["label"] or identifier,
                    identifier,
                    type=row["xsiType"],
                    uri=f"/data/experiments/{session}/assessors/{identifier}",
                    fields=variables(read(rows[0]), rows),
                )
            )
        return {session: list(told_apart(found[session], _ids(found[session]))) for session in found}

    def assessor_files(self, side: str) -> Grouped:
        """`in` or `out` resources by the assessor's accession ID; addresses still lack the session.

        Those attached to the assessor itself come along with `in`, which few have.
        """
        path, own = f"{_ASSESSOR}/{side}/file", f"{_ASSESSOR}/resources/resource"
        columns = (
            resource_columns(path) if side == "out" else (*resource_columns(path), *resource_columns(own))
        )
        table = self._ask(_ASSESSOR, ("ID", *columns))
        read = ResourceReader(table, path)
        read_own = ResourceReader(table, own) if side == "in" else None
        found: Grouped = {}
        for identifier, rows in by_accession_id(table).items():
            found[identifier] = read(rows, "", side)
            if read_own is not None:
                found[identifier] += read_own(rows, f"/data/experiments/{identifier}")
        return found

    def _ask(self, root: str, columns: Sequence[str]) -> Table:
        return self._asking.table(
            *(f"{self._path}/experiments", "URI"),
            about=_about(root, columns[0]),
            xsiType=root,
            columns=dict.fromkeys(("ID", *columns)),
        )


def _about(root: str, first: str) -> str:
    """How a question is called, by its root type and the first thing that it asks for."""
    if root == _ASSESSOR:
        return "the assessors"
    if first.startswith(_RECONSTRUCTION):
        return "the reconstructions"
    return "the scans" if first.endswith("/ID") else "the sessions"


def _ids(items: Iterable[Item]) -> list[str]:
    return [item.id for item in items]


def _reconstruction_columns(side: str) -> tuple[str, ...]:
    return (
        f"{_RECONSTRUCTION}/ID",
        *(f"{_RECONSTRUCTION}/{name}" for name in RECONSTRUCTION_FIELDS),
        *resource_columns(f"{_RECONSTRUCTION}/{side}/file"),
    )


def _reconstructions(table: Table, side: str) -> Reconstructions:
    key = f"{_RECONSTRUCTION}/ID"
    columns = {name: f"{_RECONSTRUCTION}/{name}" for name in RECONSTRUCTION_FIELDS}
    require(table, key, *columns.values())
    read = FieldReader(table, columns)
    read_resources = ResourceReader(table, f"{_RECONSTRUCTION}/{side}/file")
    id_of = table.cell(key)
    items: Grouped = {}
    resources: Grouped = {}
    for session, rows in by_accession_id(table).items():
        found: dict[str, list[Cells]] = {}
        for cells in rows:
            if identifier := id_of(cells):
                found.setdefault(identifier, []).append(cells)
        items[session] = []
        for identifier, same in found.items():
            uri = f"/data/experiments/{session}/reconstructions/{identifier}"
            resources[uri] = read_resources(same, f"{uri}/{side}", side)
            items[session].append(
                Item(Kind.RECONSTRUCTION, identifier, identifier, uri=uri, fields=read(same[0]))
            )
    return items, resources


def _scan(identifier: str, type_: str, uri: str, fields: Fields, resources: list[Item]) -> Item:
    return Item(
        Kind.SCAN,
        identifier,
        identifier,
        type=type_,
        uri=uri,
        fields=fields,
        files=_total([resource.files for resource in resources]),
        bytes=_total([resource.bytes for resource in resources]),
    )


def _total(counts: list[int | None]) -> int | None:
    """None where one of them is not known."""
    return None if None in counts else sum(filter(None, counts))


def _by_scan(
    rows: list[Cells], identity: Callable[[Cells], tuple[str, ...]]
) -> Iterable[tuple[str, list[Cells]]]:
    """Rows of one session, a scan at a time, with its number: two scans of one ID are two."""
    found: dict[str, list[Cells]] = {}
    for cells in rows:
        identifier, number, scan_type, uid = identity(cells)
        if says(identifier):
            found.setdefault(number or f"{identifier} {scan_type} {uid}", []).append(cells)
        elif identifier or number or scan_type or uid:
            raise BadAnswer("The server lists a scan without its ID.")
    return found.items()
