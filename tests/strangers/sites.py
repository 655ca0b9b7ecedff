"""The small sites that strangers work on, and the DICOM that they send."""

from __future__ import annotations

from pathlib import Path

from tests.demo.conftest import build_site, dicom_series, filled
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.datatypes import DataTypes
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession
from xnat_tui.demo.site import Site

_PLUGIN_TYPES = ("proc:genProcData", "fs:fsData")


def filled_site() -> Site:
    """P1 and P2 of the demo's own tests, with two sessions in the prearchive and DICOM that can be read."""
    site = build_site()
    site.types = DataTypes(_PLUGIN_TYPES)
    session = site.experiments["XNAT_E00001"]
    del session.resources[0].files["a/b"]  # no disk has a folder of a file's name, and clients unpack zips
    processed = site.add_assessor(session, "P1-x-S01-x-MR1-x-1-x-fmri_v1", "proc:genProcData")
    processed.fields.update({"procstatus": "COMPLETE", "proctype": "fmri_v1", "validation/status": "Passed"})
    output = site.new_resource("PDF", format="PDF")
    output.add(FileEntry("report.pdf", BytesContent(b"%PDF"), size=4))
    processed.out_resources.append(output)
    _add_real_project(site)
    for number, label in enumerate(("MR8", "MR9")):
        _arrive(site, label, f"20240405_10100000{number}")
    scan = session.scans["2"]
    resource = site.new_resource("secondary", format="DICOM")
    for name, data in dicom_series("MR1").items():
        content = BytesContent(data)
        resource.add(FileEntry(name, content, digest=content.md5, size=len(data), format="DICOM"))
    resource.populate_stats()
    scan.resources.append(resource)
    return site


def _add_real_project(site: Site) -> None:
    """REAL: a session of DICOM that can be imported elsewhere, with a resource of its own."""
    project = site.add_project("REAL")
    subject = site.add_subject(project, "R01", fields={"gender": "female"})
    session = site.add_experiment(subject, "R01_MR", fields={"date": "2024-04-05", "modality": "MR"})
    fields = {"type": "t1_sd", "quality": "usable", "series_description": "t1_sd"}
    scan = site.add_scan(session, "1", fields=fields)
    scan.resources.append(filled(site, "DICOM", dicom_series("R01_MR"), format="DICOM"))
    session.resources.append(filled(site, "NOTES", {"a.txt": b"a", "deep/b.txt": b"b"}))


def empty_site() -> Site:
    """A server of another name whose only project is empty."""
    site = Site()
    site.settings.site_id = "THERE"
    site.types = DataTypes(_PLUGIN_TYPES)
    site.add_project("DEST")
    return site


def write_dicom(folder: Path) -> None:
    folder.mkdir()
    for name, data in dicom_series("NEW1", id="PAT1").items():
        (folder / name).write_bytes(data)


def _arrive(site: Site, label: str, timestamp: str) -> None:
    study = Study(label, Patient("PAT9", "Doe^Jane"), "20240405")
    files: dict[str, Content] = {name: BytesContent(data) for name, data in dicom_series(label).items()}
    scan = PrearchiveScan("1", series_description="t1_sd", uid="1.2.3.1", resources={"DICOM": files})
    row = PrearchiveSession("P1", timestamp, label, label, subject="S09", tag=study.uid, scans={"1": scan})
    row.scan_date, row.lastmod, row.uploaded = "2024-04-05", site.clock(), site.clock()
    site.prearchive.append(row)
