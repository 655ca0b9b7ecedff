"""The prearchive's rows: who sees them, how they are listed and found, and the work on them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from lxml import etree

from xnat_tui.demo.archive import timestamp
from xnat_tui.demo.background import Job
from xnat_tui.demo.datatypes import NAMESPACES
from xnat_tui.demo.dicom import first_header, scan_fields, session_fields
from xnat_tui.demo.records import PrearchiveSession, User
from xnat_tui.demo.replies import Refusal, Table
from xnat_tui.demo.rights import edits_project, reads_project
from xnat_tui.demo.site import Site

COLUMNS = (
    "project", "timestamp", "lastmod", "uploaded", "scan_date", "scan_time", "subject", "folderName",
    "name", "tag", "status", "url", "autoarchive", "prevent_anon", "prevent_auto_commit", "SOURCE",
    "VISIT", "PROTOCOL", "TIMEZONE",
)  # fmt: skip
UNASSIGNED = "Unassigned"
UNBUILT = ("RECEIVING", "RECEIVING_INTERRUPT", "BUILDING", "QUEUED_BUILDING", "_BUILDING")
SETTLED = ("READY", "CONFLICT", "ERROR")
"""The statuses in which a session may be worked on."""


def busy(row: PrearchiveSession) -> bool:
    """Whether work is queued or going on, or data still arrive."""
    return row.status not in SETTLED


def locked(row: PrearchiveSession) -> bool:
    return row.status.startswith("_")


def edits_row(site: Site, user: User, row: PrearchiveSession) -> bool:
    """Project editors; unassigned rows belong to those who may see all data."""
    project = site.projects.get(row.project)
    return user.admin if project is None else edits_project(user, project)


def reads_row(site: Site, user: User, row: PrearchiveSession) -> bool:
    project = site.projects.get(row.project)
    return user.admin if project is None else reads_project(user, project)


def table(site: Site, rows: Iterable[PrearchiveSession]) -> Table:
    """The rows as XNAT lists them, without a total; ``url`` lacks its ``/data``."""
    return Table(COLUMNS, [_cells(row, site.settings.unassigned_cell) for row in rows], total=False)


def find(site: Site, project: str, stamp: str, folder: str) -> PrearchiveSession | None:
    wanted = "" if project == UNASSIGNED else project
    for row in site.prearchive:
        if (row.project, row.timestamp, row.folder_name) == (wanted, stamp, folder):
            return row
    return None


def by_address(site: Site, user: User, source: str) -> PrearchiveSession:
    """The row of ``[/data]/prearchive/projects/P/TS/F``: 400 malformed, 404 gone, 403 no right."""
    parts = unquote(source).strip().removeprefix("/data").strip("/").split("/")
    if len(parts) != 5 or parts[:2] != ["prearchive", "projects"]:
        raise Refusal(400, f"Invalid src: {source}")
    row = find(site, *parts[2:])
    if row is None:
        raise Refusal(404, f"Unable to find prearchive session {source}")
    if not edits_row(site, user, row):
        raise Refusal(403, "Invalid permissions for this prearchive session.")
    return row


def set_status(site: Site, row: PrearchiveSession, status: str, log: str = "") -> None:
    row.status, row.lastmod = status, site.clock()
    if log:
        row.logs.append(log)


def build(site: Site, row: PrearchiveSession) -> None:
    """Make the session document anew from the files: READY, or ERROR when none is readable."""
    readable = False
    for scan in row.scans.values():
        header = first_header(one for files in scan.resources.values() for one in files.values())
        if header is None:
            continue
        if not readable:
            row.fields.update(session_fields(header))
        readable = True
        scan.series_description = scan.series_description or scan_fields(header).get("series_description", "")
    if readable:
        set_status(site, row, "READY", "Session built.")
    else:
        set_status(site, row, "ERROR", "ERROR: no DICOM file could be read")


def building(site: Site, row: PrearchiveSession) -> Job:
    set_status(site, row, "QUEUED_BUILDING")
    yield
    set_status(site, row, "_BUILDING")
    yield
    build(site, row)


def deleting(site: Site, row: PrearchiveSession) -> Job:
    set_status(site, row, "QUEUED_DELETING")
    yield
    set_status(site, row, "_DELETING")
    yield
    remove(site, row)


def moving(site: Site, row: PrearchiveSession, project: str) -> Job:
    set_status(site, row, "QUEUED_MOVING")
    yield
    set_status(site, row, "_MOVING")
    yield
    move(site, row, project)


def remove(site: Site, row: PrearchiveSession) -> None:
    site.prearchive[:] = [one for one in site.prearchive if one is not row]


def move(site: Site, row: PrearchiveSession, project: str) -> None:
    row.project = project
    set_status(site, row, "READY", f"Moved to project {project}.")


def check_move(site: Site, user: User, row: PrearchiveSession, name: str) -> str:
    """The ID of the project to move to: 400 none named, 404 unknown, 403 no right, 409 taken."""
    if not name:
        raise Refusal(400, "newProject is required")
    project = site.project(name)
    if project is None:
        raise Refusal(404, f"Unable to find project '{name}'")
    if not edits_project(user, project):
        raise Refusal(403, "Invalid permissions for new project.")
    if find(site, project.id, row.timestamp, row.folder_name) is not None:
        raise Refusal(409, "Session already exists in the target project.")
    return project.id


def session_xml(site: Site, row: PrearchiveSession) -> bytes:
    """The document of a built session."""
    xnat, xsi = NAMESPACES["xnat"], NAMESPACES["xsi"]
    known = site.types.get(row.xsi_type)
    name = known.element.split(":")[1] if known is not None else "OtherDicomSession"
    root = etree.Element(f"{{{xnat}}}{name}", nsmap=NAMESPACES)
    for key, value in (("project", row.project), ("label", row.name), ("UID", row.tag)):
        root.set(key, value)
    for path in ("date", "time"):
        value = row.fields.get(path) or {"date": row.scan_date, "time": row.scan_time}[path]
        if value:
            etree.SubElement(root, f"{{{xnat}}}{path}").text = value
    etree.SubElement(root, f"{{{xnat}}}subject_ID").text = row.subject
    etree.SubElement(root, f"{{{xnat}}}prearchivePath").text = f"/data/xnat{row.url}"
    scans = etree.SubElement(root, f"{{{xnat}}}scans")
    for scan in row.scans.values():
        element = etree.SubElement(scans, f"{{{xnat}}}scan", ID=scan.id, UID=scan.uid)
        element.set("type", scan.series_description)
        element.set(f"{{{xsi}}}type", scan.xsi_type)
        etree.SubElement(element, f"{{{xnat}}}series_description").text = scan.series_description
        for label, files in scan.resources.items():
            resource = etree.SubElement(element, f"{{{xnat}}}file", label=label, content="RAW")
            resource.set("file_count", str(len(files)))
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return document


def _cells(row: PrearchiveSession, unassigned: str) -> list[str]:
    return [
        row.project or unassigned,
        row.timestamp,
        timestamp(row.lastmod),
        timestamp(row.uploaded),
        row.scan_date and f"{row.scan_date} 00:00:00.0",  # a timestamp column
        row.scan_time,
        row.subject,
        row.folder_name,
        row.name,
        row.tag,
        row.status,
        row.url,
        row.autoarchive,
        row.prevent_anon,
        row.prevent_auto_commit,
        row.source,
        row.visit,
        row.protocol,
        row.timezone,
    ]
