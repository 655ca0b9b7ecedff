"""From the prearchive to the archive: labels, conflicts, merging, and what is left behind."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

from xnat_tui.demo.archive import Experiment, FileEntry, Project, Resource, Subject
from xnat_tui.demo.background import Job
from xnat_tui.demo.content import Content
from xnat_tui.demo.dicom import anonymized, first_header, scan_fields, session_fields
from xnat_tui.demo.prearchive import build, remove, set_status
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession, User
from xnat_tui.demo.rights import edits_project
from xnat_tui.demo.site import Site
from xnat_tui.demo.workflows import launch_autorun

CONFLICT, WARNING, FAIL = "conflict", "warning", "fail"
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_EXISTS = "Session already exists, retry with overwrite enabled"


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands against archiving; ``kind`` is ``conflict``, ``warning`` or ``fail``."""

    code: int
    kind: str
    message: str


class ArchiveFailure(Exception):
    """The archiving failed; the row has become CONFLICT or ERROR."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(slots=True)
class Order:
    """What to archive and how: labels as asked ("" keeps the row's), ``overwrite`` as sent.

    ``merge`` allows an existing session to be added to without ``overwrite``, as the archive
    service does for a single source; ``replace`` removes its data first. ``edits`` are
    schema paths below the session's type with their values.
    """

    row: PrearchiveSession
    user: User
    subject: str = ""
    session: str = ""
    overwrite: str = ""
    overwrite_files: bool = False
    quarantine: bool = False
    trigger_pipelines: bool = True
    merge: bool = True
    replace: bool = False
    edits: dict[str, str] = field(default_factory=dict)


def clean_label(label: str) -> str:
    """Illegal characters become ``_``."""
    return _ILLEGAL.sub("_", label.strip())


def target_labels(order: Order) -> tuple[str, str]:
    """The subject and session labels that the archive will show, before subjects are matched."""
    subject = order.subject or order.edits.get("subject_id", "") or order.row.subject
    session = order.session or order.edits.get("label", "") or order.row.name
    return clean_label(subject), clean_label(session)


def match_subject(site: Site, project: Project, label: str) -> Subject | None:
    """A subject by label or ID, without regard to the label's case."""
    exact = site.subject(label, project.id)
    if exact is not None:
        return exact
    here = [*project.subjects.values(), *site.shared_subjects(project.id)]
    return next((one for one in here if site.label_in(one, project.id).lower() == label.lower()), None)


def problems(site: Site, order: Order) -> list[Problem]:
    """Everything that stands against archiving, conflicts only where nothing overrides them."""
    row = order.row
    project = site.projects.get(row.project)
    if project is None:
        return [Problem(0, FAIL, "Unable to archive an unassigned session.")]
    if not edits_project(order.user, project):
        return [Problem(0, FAIL, "Invalid permissions for this project.")]
    subject, session = target_labels(order)
    if not subject or not session:
        return [Problem(1, FAIL, "Unable to identify subject and session label.")]
    empty = not any(files for scan in row.scans.values() for files in scan.resources.values())
    if not row.scans or (empty and site.at_least(1, 9, 3)):
        return [Problem(2, FAIL, "Session contains no scans.")]
    if row.status == "ERROR":
        return [Problem(3, FAIL, "Session document could not be read.")]
    existing = site.experiment(session, project.id)
    if existing is None:
        return []
    if not isinstance(existing, Experiment):
        return [Problem(4, FAIL, "Label is in use by another kind of experiment.")]
    found = [Problem(11, WARNING, "Session already exists; data will be merged.")]
    return found + ([] if order.overwrite in ("append", "delete") else _conflicts(site, order, existing))


def archive(site: Site, order: Order) -> Experiment:
    """Archive a row now; raises ``ArchiveFailure`` and marks the row when something is against it."""
    row = order.row
    against = [one for one in problems(site, order) if one.kind != WARNING]
    if against:
        worst = FAIL if any(one.kind == FAIL for one in against) else CONFLICT
        reason = "; ".join(one.message for one in against)
        set_status(site, row, "ERROR" if worst == FAIL else "CONFLICT", f"{worst.upper()}: {reason}")
        status = 409 if worst == CONFLICT else 400
        raise ArchiveFailure(f"FAILED: Unable to archive {row.url}: {reason}", status)
    project = site.projects[row.project]
    subject_label, label = target_labels(order)
    subject = match_subject(site, project, subject_label)
    if subject is None:
        subject = site.add_subject(project, subject_label, insert_user=order.user.login)
        site.add_workflow(subject, "Added Subject", user=order.user.login)
    session = _session(site, order, subject, label)
    for scan in row.scans.values():
        _store_scan(site, order, session, scan)
    _apply_edits(order, session)
    if order.quarantine or project.settings["quarantine_code"] == "1":
        session.status = "quarantine"
    site.touch(session)
    remove(site, row)
    site.background.cancel(row)
    site.add_workflow(session, "Transfer", user=order.user.login)
    if order.trigger_pipelines:
        launch_autorun(site, session, order.user.login)
    return session


def archiving(site: Site, order: Order) -> Job:
    """The queued form: QUEUED_ARCHIVING, ``_ARCHIVING``, then done, CONFLICT or ERROR."""
    set_status(site, order.row, "QUEUED_ARCHIVING")
    yield
    set_status(site, order.row, "_ARCHIVING")
    yield
    # Nobody waits for a queued job: its failure shows in the row's status and log.
    with suppress(ArchiveFailure):
        archive(site, order)


def receiving(site: Site, order: Order | None, row: PrearchiveSession) -> Job:
    """Data that arrive: RECEIVING until nothing more comes, then built, then archived if ordered."""
    set_status(site, row, "RECEIVING")
    yield
    set_status(site, row, "QUEUED_BUILDING")
    yield
    set_status(site, row, "_BUILDING")
    yield
    build(site, row)
    if order is not None and row.status == "READY":
        yield from archiving(site, order)


def archive_address(session: Experiment) -> str:
    """The address that the archive and import services answer: labels, with ``/data``."""
    subject = session.subject.label
    return f"/data/archive/projects/{session.project}/subjects/{subject}/experiments/{session.label}"


def _conflicts(site: Site, order: Order, existing: Experiment) -> list[Problem]:
    row = order.row
    if not order.merge:
        return [Problem(12, CONFLICT, _EXISTS)]
    project = site.projects[row.project]
    found = []
    subject = match_subject(site, project, target_labels(order)[0])
    if subject is not existing.subject:
        found.append(Problem(13, CONFLICT, "Invalid modification of session subject via archive process."))
    if existing.project != project.id:
        found.append(Problem(14, CONFLICT, "Invalid modification of session project via archive process."))
    if existing.xsi_type != row.xsi_type:
        found.append(Problem(15, CONFLICT, "Invalid modification of session modality via archive process."))
    if existing.fields.get("UID", row.tag) != row.tag:
        found.append(Problem(16, CONFLICT, "Invalid modification of session UID via archive process."))
    numbers = {scan.fields["UID"]: scan.id for scan in existing.scans.values() if scan.fields.get("UID")}
    found += [
        Problem(17, CONFLICT, f"Scan {scan.id} is already in the session as scan {numbers[scan.uid]}.")
        for scan in row.scans.values()
        if scan.uid in numbers and numbers[scan.uid] != scan.id
    ]
    running = site.open_workflow(existing.id)
    if running is not None:
        message = f"Session processing in progress: {running.pipeline_name}"
        found.append(Problem(18, CONFLICT, message))
    return found


def _session(site: Site, order: Order, subject: Subject, label: str) -> Experiment:
    row = order.row
    existing = site.experiment(label, row.project)
    if isinstance(existing, Experiment):
        if order.replace:
            existing.scans.clear()
        return existing
    described = row.fields or _described(row)
    fields = {"date": row.scan_date, "time": row.scan_time, "UID": row.tag, **described}
    return site.add_experiment(
        subject,
        label,
        row.xsi_type,
        project=row.project,
        fields={name: value for name, value in fields.items() if value},
        insert_user=order.user.login,
    )


def _described(row: PrearchiveSession) -> dict[str, str]:
    """What the files say of a session whose row was never built."""
    resources = [files for scan in row.scans.values() for files in scan.resources.values()]
    header = first_header(one for files in resources for one in files.values())
    return session_fields(header) if header is not None else {}


def _store_scan(site: Site, order: Order, session: Experiment, source: PrearchiveScan) -> None:
    scan = session.scans.get(source.id)
    if scan is None:
        scan = site.add_scan(session, source.id, xsi_type=source.xsi_type)
        scan.fields["quality"] = "usable"
    header = first_header(one for files in source.resources.values() for one in files.values())
    described = {"series_description": source.series_description, "type": source.series_description}
    measured = scan_fields(header) if header is not None else {}
    for name, value in {**measured, **described, "UID": source.uid}.items():
        if value:
            scan.fields.setdefault(name, value)
    for label, files in source.resources.items():
        resource = scan.resource(label)
        if resource is None:
            resource = site.new_resource(label, format="DICOM", content="RAW")
            scan.resources.append(resource)
        for name, data in files.items():
            if order.overwrite_files or name not in resource.files:
                _store_file(site, order, resource, session, name, data)
        resource.populate_stats()
    scan.fields["frames"] = str(sum(len(one.files) for one in scan.resources))


def _store_file(
    site: Site, order: Order, resource: Resource, session: Experiment, name: str, data: Content
) -> None:
    if site.settings.anonymize and order.row.prevent_anon.lower() != "true":
        data = anonymized(data, session.project, session.subject.label, session.label)
    digest = data.md5 if site.settings.checksums else ""
    resource.add(FileEntry(name, data, digest=digest, size=data.size, modified=site.clock()))


def _apply_edits(order: Order, session: Experiment) -> None:
    scans = list(session.scans.values())
    for path, value in order.edits.items():
        indexed = re.fullmatch(r"scans/scan\[(\d+)\](?:\[[^\]]*\])?/(\w+)", path)
        if indexed and int(indexed.group(1)) < len(scans):
            scans[int(indexed.group(1))].fields[indexed.group(2)] = value
        elif "[" not in path and path.lower() not in ("subject_id", "label", "id", "project"):
            session.fields[path] = value
