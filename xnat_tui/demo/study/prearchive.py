"""The source's prearchive: a row of every status."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.images import Patient, Series, Study
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.acquisitions import LOCALIZER, SCAN_TYPES, T1, T2, Acquisition, dicom
from xnat_tui.demo.study.brains import study_of

FIRST_ARRIVAL = datetime(2024, 4, 8, 9, 15, 0, 123000)

BUSY = ("ARCHIVING", "DELETING", "SEPARATING", "QUEUED_MOVING", "QUEUED_DELETING", "QUEUED_SEPARATING")
READY_LOG = "Session built from received files."


def add_prearchive(site: Site) -> None:
    """One row per status; ``CONFLICT`` collides with the archived ``SUB-002_MR1``."""
    rows = (
        _row("BRAINS", "SUB-013", "SUB-013_MR1", "READY", (LOCALIZER, T1, T2), age="041Y"),
        _row("BRAINS", "SUB-014", "SUB-014_MR1", "READY", (LOCALIZER, T2), age="018M"),
        _conflict(),
        _error(),
        _row("BRAINS", "SUB-015", "SUB-015_MR1", "RECEIVING", (LOCALIZER,)),
        _row("BRAINS", "SUB-016", "SUB-016_MR1", "RECEIVING_INTERRUPT", (LOCALIZER,)),
        _row("BRAINS", "SUB-017", "SUB-017_MR1", "BUILDING", (LOCALIZER,)),
        _row("BRAINS", "SUB-018", "SUB-018_MR1", "_ARCHIVING", (LOCALIZER, T2)),
        _row("BRAINS", "SUB-019", "SUB-019_MR1", "QUEUED_ARCHIVING", (LOCALIZER, T2)),
        _row("BRAINS", "SUB-020", "SUB-020_MR1", "QUEUED_BUILDING", (LOCALIZER,)),
        _row("BRAINS", "SUB-021", "SUB-021_MR1", "MOVING", (LOCALIZER,)),
        _row("LEGACY", "008", "008_MR", "READY", (LOCALIZER,)),
        *(_row("LEGACY", "009", f"009_{status}", status, (LOCALIZER,)) for status in BUSY),
        _row("PHANTOMS", "ACR", "ACR_20240401", "READY", (LOCALIZER,)),
        _row("", "anonymous", "20240228_1102", "READY", (LOCALIZER,)),
    )
    for number, row in enumerate(rows):
        arrived = FIRST_ARRIVAL + timedelta(minutes=17 * number)
        row.timestamp = arrived.strftime("%Y%m%d_%H%M%S") + f"{123 + number:03d}"
        row.uploaded, row.lastmod = arrived, arrived + timedelta(seconds=50)
        site.prearchive.append(row)


def _row(
    project: str,
    subject: str,
    label: str,
    status: str,
    steps: tuple[Acquisition, ...],
    *,
    age: str = "030Y",
    study: Study | None = None,
) -> PrearchiveSession:
    patient = Patient(subject, f"{subject.replace('-', '')}^Incoming", "F", "19830311", age, "1.66", "58")
    made = study or Study(label, patient, "20240405", variant=len(subject) + len(steps))
    day, clock = made.date, made.time
    return PrearchiveSession(
        project=project,
        timestamp="",
        folder_name=label,
        name=label,
        subject=subject,
        status=status,
        tag=made.uid,
        scan_date=f"{day[:4]}-{day[4:6]}-{day[6:]}",
        scan_time=f"{clock[:2]}:{clock[2:4]}:{clock[4:]}",
        source="SCANNER1",
        scans={step.id: _scan(made, step) for step in steps},
        logs=[READY_LOG],
    )


def _scan(study: Study, step: Acquisition) -> PrearchiveScan:
    files: dict[str, Content] = dict(dicom(study, step))
    return PrearchiveScan(
        step.id,
        SCAN_TYPES.get(step.kind, "xnat:mrScanData"),
        step.description,
        _series_uid(study, step),
        {"DICOM": files},
    )


def _series_uid(study: Study, step: Acquisition) -> str:
    return Series(study, int(step.id), "", step.kind).uid


def _conflict() -> PrearchiveSession:
    """The archived session once more: scans 1 and 2 alike, scan 3 replaced by another series."""
    study = study_of("SUB-002_MR1")
    other = replace(T2, id="3")
    row = _row("BRAINS", "SUB-002", "SUB-002_MR1", "CONFLICT", (LOCALIZER, T1, other), study=study)
    row.logs.append("CONFLICT: Session SUB-002_MR1 already exists; scan 3 differs from the archived scan 3.")
    return row


def _error() -> PrearchiveSession:
    """One broken file and no subject: it cannot be built."""
    row = _row("BRAINS", "", "20240228_1102", "ERROR", (LOCALIZER,))
    row.scans["1"].resources["DICOM"] = {"broken.dcm": BytesContent(b"DICM is missing here" * 20)}
    row.logs.append("ERROR: no DICOM file could be read: broken.dcm")
    return row
