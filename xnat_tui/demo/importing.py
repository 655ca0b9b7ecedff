"""The import service: from uploaded files to prearchive rows, and on to the archive."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xnat_tui.demo.archiving import (
    ArchiveFailure,
    Order,
    archive,
    archive_address,
    clean_label,
    receiving,
)
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.dicom import (
    SCAN_TYPES,
    SESSION_TYPES,
    date_of,
    file_name,
    read_header,
    session_fields,
    text_of,
    time_of,
)
from xnat_tui.demo.prearchive import build
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession, User
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.rights import edits_project
from xnat_tui.demo.site import Site

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SESSION_IMPORTER, DICOM_ZIP, GRADUAL = "SI", "DICOM-zip", "gradual-DICOM"
HANDLERS = {name.lower(): name for name in (SESSION_IMPORTER, DICOM_ZIP, GRADUAL)}
ELSEWHERE = frozenset(("xar", "inbox", "automation"))
"""Handlers that real servers have and this one does not."""
_COMMENT = re.compile(r"(Project|Subject|Session)\s*:\s*([^\s;,]+)", re.IGNORECASE)
_UNPARSABLE = "Upload did not include parsable files for session generation."


@dataclass(slots=True)
class Import:
    """An upload and what was asked for; empty labels are routed by the DICOM headers.

    ``destination`` is ``archive``, ``prearchive`` or "" (the project's setting decides);
    ``stamp`` and ``folder`` name an existing prearchive place.
    """

    user: User
    handler: str
    destination: str = ""
    project: str = ""
    subject: str = ""
    session: str = ""
    stamp: str = ""
    folder: str = ""
    overwrite: str = "none"
    overwrite_files: bool = False
    quarantine: bool = False
    trigger_pipelines: bool = True
    prevent_anon: bool = False
    commit: bool = False
    auto_archive: bool = False
    direct: bool = False
    skip_unparsable: bool = False
    stored: dict[str, str] = field(default_factory=dict)
    """What is only kept in the row: ``TIMEZONE``, ``SOURCE``, ``VISIT``, ``PROTOCOL``."""


@dataclass(frozen=True, slots=True)
class Received:
    """One DICOM file of an upload with its header."""

    name: str
    data: bytes
    header: Dataset


def run(site: Site, order: Import, name: str, payload: bytes) -> list[str]:
    """Take an upload in; the addresses of the sessions, with ``/data``.

    Raises ``Refusal``: 400 for nothing parsable or several studies for one archive session, 403
    without the edit right, 409 (``SI``) or 400 (the others) for an existing session.
    """
    received, unreadable = _read(name, payload)
    refuses_strangers = order.handler == DICOM_ZIP and not order.skip_unparsable
    if not received or (unreadable and refuses_strangers):
        raise Refusal(400, _UNPARSABLE)
    studies: dict[str, list[Received]] = {}
    for one in received:
        studies.setdefault(text_of(one.header, "StudyInstanceUID"), []).append(one)
    if order.destination == "archive" and order.session and len(studies) > 1:
        raise Refusal(400, "Upload contains several studies for one archive session.")
    rows = [_receive(site, order, files) for files in studies.values()]
    return [_carry_on(site, order, row) for row in rows]


def _read(name: str, payload: bytes) -> tuple[list[Received], int]:
    received, unreadable = [], 0
    for path, data in _members(name, payload):
        header = read_header(data)
        if header is None:
            unreadable += 1
        else:
            received.append(Received(path, data, header))
    return received, unreadable


def _members(name: str, payload: bytes) -> Iterator[tuple[str, bytes]]:
    file = io.BytesIO(payload)
    try:
        if zipfile.is_zipfile(file):
            file.seek(0)
            with zipfile.ZipFile(file) as packed:
                for info in packed.infolist():
                    if not info.is_dir():
                        yield info.filename, packed.read(info)
            return
        file.seek(0)
        if tarfile.is_tarfile(file):
            file.seek(0)
            with tarfile.open(fileobj=file) as tape:
                for entry in tape:
                    member = tape.extractfile(entry)
                    if member is not None:
                        yield entry.name, member.read()
            return
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise Refusal(400, f"Unable to read the archive: {error}") from error
    yield name, payload


def _receive(site: Site, order: Import, files: list[Received]) -> PrearchiveSession:
    """The row that the files of one study end in, new or the one that is receiving it."""
    project, subject, session = _route(site, order, files[0].header)
    known = site.projects.get(project)
    if known is not None and not edits_project(order.user, known):
        raise Refusal(403, "Invalid permissions for this project.")
    study = text_of(files[0].header, "StudyInstanceUID")
    row = _existing_row(site, order, project, study, session)
    if row is None:
        row = _new_row(site, order, project, subject, session, files[0].header)
        site.prearchive.append(row)
    row.lastmod = site.clock()
    for one in files:
        _store(order, row, one)
    row.xsi_type = _session_type(files, row)
    return row


def _route(site: Site, order: Import, header: Dataset) -> tuple[str, str, str]:
    """Project ID ("" when none fits), subject and session labels: as asked, else by the header."""
    comments = {key.lower(): value for key, value in _COMMENT.findall(text_of(header, "PatientComments"))}
    if order.project:
        known = site.project(order.project)
        if known is None and order.handler == SESSION_IMPORTER:
            raise Refusal(400, f"Unable to find project '{order.project}'")
        project = known.id if known is not None else ""
    else:
        named = comments.get("project") or text_of(header, "StudyDescription")
        found = site.project(named) if named else None
        project = found.id if found is not None and edits_project(order.user, found) else ""
    patient, number = text_of(header, "PatientID"), text_of(header, "AccessionNumber")
    subject = order.subject or comments.get("subject") or patient or text_of(header, "PatientName")
    session = order.session or comments.get("session") or number or patient
    return project, clean_label(subject), clean_label(session or text_of(header, "StudyInstanceUID"))


def _existing_row(
    site: Site, order: Import, project: str, study: str, session: str
) -> PrearchiveSession | None:
    for row in site.prearchive:
        if order.stamp and (row.timestamp, row.folder_name) == (order.stamp, order.folder):
            return row
        same = (row.project, row.tag, row.name) == (project, study, session)
        if same and order.handler != SESSION_IMPORTER and row.status in ("RECEIVING", "READY"):
            return row
    return None


def _new_row(
    site: Site, order: Import, project: str, subject: str, session: str, header: Dataset
) -> PrearchiveSession:
    now = site.clock()
    stamp = order.stamp or now.strftime("%Y%m%d_%H%M%S") + f"{site.count('received') % 1000:03d}"
    codes = {"4": "AutoArchive", "5": "AutoArchiveOverwrite"}
    known = site.projects.get(project)
    return PrearchiveSession(
        project=project,
        timestamp=stamp,
        folder_name=order.folder or session,
        name=session,
        subject=subject,
        status="RECEIVING",
        tag=text_of(header, "StudyInstanceUID"),
        lastmod=now,
        uploaded=now,
        scan_date=date_of(header),
        scan_time=time_of(header),
        autoarchive=codes.get(known.settings["prearchive_code"] if known else "", "Manual"),
        prevent_anon=str(order.prevent_anon).lower(),
        source=order.stored.get("SOURCE", ""),
        visit=order.stored.get("VISIT", ""),
        protocol=order.stored.get("PROTOCOL", ""),
        timezone=order.stored.get("TIMEZONE", ""),
        fields=session_fields(header),
        logs=[f"Received by {order.handler}."],
    )


def _store(order: Import, row: PrearchiveSession, one: Received) -> None:
    """Put a file into its scan: ``{SeriesNumber}``, or ``-MODn`` for another series of that number."""
    series = text_of(one.header, "SeriesInstanceUID")
    scan = next((known for known in row.scans.values() if known.uid == series), None)
    modality = text_of(one.header, "Modality")
    if scan is None:
        number = text_of(one.header, "SeriesNumber") or "1"
        taken = [key for key in row.scans if key == number or key.startswith(f"{number}-")]
        scan = PrearchiveScan(
            number if not taken else f"{number}-{modality}{len(taken)}",
            SCAN_TYPES.get(modality, "xnat:otherDicomScanData"),
            text_of(one.header, "SeriesDescription"),
            series,
        )
        row.scans[scan.id] = scan
    files = scan.resources.setdefault("secondary" if modality in ("OT", "SR") else "DICOM", {})
    name = one.name.rsplit("/", 1)[-1]
    if order.handler != SESSION_IMPORTER or not name or name in files:
        name = file_name(one.header)
    files[name] = BytesContent(one.data)


def _session_type(files: list[Received], row: PrearchiveSession) -> str:
    found = {text_of(one.header, "Modality") for one in files}
    found |= {key for key, kind in SCAN_TYPES.items() if any(s.xsi_type == kind for s in row.scans.values())}
    if {"PT", "MR"} <= found:
        return "xnat:petmrSessionData"
    return next((kind for key, kind in SESSION_TYPES.items() if key in found), "xnat:otherDicomSessionData")


def _carry_on(site: Site, order: Import, row: PrearchiveSession) -> str:
    """What happens to a received row: archived, built, or left receiving; its address."""
    automatic = row.autoarchive.startswith("AutoArchive") and order.destination != "prearchive"
    wanted = bool(row.project) and (order.destination == "archive" or automatic or order.auto_archive)
    at_once = order.handler == SESSION_IMPORTER or order.commit or order.direct
    if not at_once:
        then = _archive_order(order, row) if wanted else None
        site.background.start(row, receiving(site, then, row))
        return f"/data{row.url}"
    build(site, row)
    site.background.cancel(row)
    if not wanted:
        return f"/data{row.url}"
    try:
        session = archive(site, _directly(site, order, row))
    except ArchiveFailure as failure:
        conflict = failure.status == 409
        status = 409 if conflict and order.handler == SESSION_IMPORTER else 400
        raise Refusal(status, failure.message) from failure
    return archive_address(session)


def _directly(site: Site, order: Import, row: PrearchiveSession) -> Order:
    """With ``Direct-Archive`` the parts of one study, sent call by call, come together; here by merging."""
    found = site.experiment(row.name, row.project)
    ready = _archive_order(order, row)
    if order.direct and found is not None and found.fields.get("UID") == row.tag:
        return replace(ready, overwrite="append", overwrite_files=True, replace=False)
    return ready


def _archive_order(order: Import, row: PrearchiveSession) -> Order:
    overwrite = "" if order.overwrite == "none" else order.overwrite
    if not overwrite and row.autoarchive == "AutoArchiveOverwrite":
        overwrite = "append"
    return Order(
        row,
        order.user,
        overwrite=overwrite,
        overwrite_files=order.overwrite_files,
        quarantine=order.quarantine,
        trigger_pipelines=order.trigger_pipelines,
        merge=False,
        replace=overwrite == "delete",
    )
