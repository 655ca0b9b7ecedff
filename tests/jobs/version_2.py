"""A journal of the version before this one, as that version left it, and the servers that its jobs are of.

`version_2.sqlite.gz` is what its workers wrote: eleven jobs, each interrupted in its first steps. Only the
places of one machine were taken out of it: `@LAB@` and `@QC@` stand for the servers' addresses, `@FOLDER@`
for the folder that files come from and go to.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from xnat_tui.demo.archive import FileEntry, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.site import Site
from xnat_tui.demo.study.acquisitions import LOCALIZER, dicom
from xnat_tui.jobs.soundness import sealed

FILE = Path(__file__).with_name("version_2.sqlite.gz")
_STUDY = Study("S1_MR", Patient("S1", "S1^X", "F", "19800101", "044Y", "1.7", "60"), "20240501")
_PROTOCOL = {"a.txt": b"A", "b.txt": b"B"}


def lab() -> Site:
    """P with something of every kind, and Q, into which P's subject and session are shared."""
    site = Site()
    fields = {"name": "A title", "secondary_ID": "P2"}
    project = site.add_project("P", fields=fields, variables={"funding": "DFG"})
    project.settings["prearchive_code"] = "5"
    _add(site, project.resources, "protocol", _PROTOCOL, format="TXT", description="v1", tags=("t",))
    subject = site.add_subject(project, "S1", fields={"gender": "female", "handedness": "left"})
    session = site.add_experiment(subject, "S1_MR", fields={"date": "2024-05-01", "UID": _STUDY.uid})
    series = {name: b"".join(one.chunks()) for name, one in dicom(_STUDY, LOCALIZER).items()}
    scan = site.add_scan(session, "1", xsi_type="xnat:otherDicomScanData", fields={"type": "LOCALIZER"})
    _add(site, scan.resources, "DICOM", series, format="DICOM", content="RAW")
    images = site.add_scan(session, "2", fields={"type": "T1_MPRAGE", "series_description": "t1_mprage"})
    _add(site, images.resources, "NIFTI", {"a.nii.gz": b"no image", "a.json": b"{}"}, format="NIFTI")
    fields = {"date": "2024-05-02", "scans/scan/imageScan_ID": "1"}
    rating = site.add_assessor(session, "S1_QC", "xnat:qcManualAssessorData", fields=fields)
    _add(site, rating.out_resources, "R", {"r.json": b"{}"}, format="JSON")
    made = site.add_reconstruction(session, "mean", fields={"type": "mean", "inScans/scanID": "1"})
    _add(site, made.out_resources, "R", {"m.txt": b"mean"})
    site.add_project("Q")
    for item in (subject, session):
        site.share(item, "Q")
    return site


def qc() -> Site:
    """A site that knows the viewer; P is there, older and in part, and so is what the first steps made."""
    site = Site()
    site.settings.plugins["ohifViewerPlugin"] = {}
    project = site.add_project("P", fields={"name": "Another title"})
    _add(site, project.resources, "protocol", {"a.txt": b"older"}, format="TXT")
    subject = site.add_subject(project, "S1", fields={"gender": "male"})
    session = site.add_experiment(subject, "S1_MR", fields={"date": "2024-05-01"})
    scan = site.add_scan(session, "1", fields={"type": "LOCALIZER"})
    _add(site, scan.resources, "DICOM", {"stray.dcm": b"x"}, format="DICOM", content="RAW")
    return site


def incoming(folder: Path) -> None:
    """What the uploads send."""
    for name, content in dicom(Study("X", _STUDY.patient, "20240601"), LOCALIZER).items():
        (folder / "dicom").mkdir(parents=True, exist_ok=True)
        (folder / "dicom" / name).write_bytes(b"".join(content.chunks()))
    (folder / "files" / "sub").mkdir(parents=True)
    (folder / "files" / "a.txt").write_bytes(b"A")
    (folder / "files" / "sub" / "b.txt").write_bytes(b"B")


def _add(site: Site, holder: list[Resource], label: str, files: Mapping[str, bytes], **more: object) -> None:
    resource = site.new_resource(label, **more)
    for path, data in files.items():
        content = BytesContent(data)
        resource.add(FileEntry(path, content, content.md5, content.size, resource.format, resource.content))
    resource.populate_stats()
    holder.append(resource)


def replaced(path: Path, names: Mapping[str, str]) -> None:
    """Write other texts into a journal, checksums included."""
    with sqlite3.connect(path) as database:
        for table, columns in (("jobs", ("title", "plan", "host", "mark")), ("steps", ("body", "failed"))):
            for column in columns:
                rows = database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
                for row, text in rows:
                    seal = re.match(r"[0-9a-f]{8} (?=[\[{])", text)
                    bare = text[seal.end() :] if seal else text
                    for name, other in names.items():
                        bare = bare.replace(name, other)
                    new = sealed(bare) if seal else bare
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
    database.close()


def restored(path: Path, lab_url: str, qc_url: str, folder: Path) -> None:
    """The journal at this place, with these servers and this folder in it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(gzip.decompress(FILE.read_bytes()))
    path.chmod(0o600)
    replaced(path, {"@LAB@": lab_url, "@QC@": qc_url, "@FOLDER@": str(folder)})
