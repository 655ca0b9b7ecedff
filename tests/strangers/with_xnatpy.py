"""xnatpy reads and writes with its full model."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any

import xnat

from tests.strangers.checks import arguments, check, finish


def reads(session: Any, folder: Path) -> None:
    with check("walks project, subject, session, scan, resource and file"):
        assert session.xnat_version == "1.8.10"
        project = session.projects["P1"]
        assert {one.label for one in project.subjects.values()} == {"S01", "S02"}
        experiment = project.experiments["MR1"]
        assert (experiment.modality, experiment.scanner.manufacturer) == ("MR", "SIEMENS")
        scan = experiment.scans["1"]
        assert (scan.type, scan.quality, scan.parameters.tr) == ("T1", "usable", 2300.0)
        assert {one.path for one in scan.resources["DICOM"].files} == {"1.dcm", "sub/x.dcm"}
        assert experiment.assessors["QC1"].label == "QC1"
        assert {one.label for one in experiment.resources.values()} == {"NOTES"}
        assert experiment.subject.label == "S01"
        assert project.subjects["S01"].initials is None
    with check("downloads a resource, a scan, a session and a file"):
        experiment = session.projects["P1"].experiments["MR1"]
        scan = experiment.scans["1"]
        scan.resources["DICOM"].download_dir(str(folder))
        assert (folder / "MR1/scans/1-T1/resources/DICOM/files/1.dcm").read_bytes() == b"dicom" * 9
        scan.download(str(folder / "scan.zip"))
        assert len(zipfile.ZipFile(folder / "scan.zip").namelist()) == 2
        experiment.download(str(folder / "session.zip"))
        assert len(zipfile.ZipFile(folder / "session.zip").namelist()) == 6
        scan.resources["DICOM"].files["1.dcm"].download(str(folder / "one"))
        assert (folder / "one").read_bytes() == b"dicom" * 9
        assert scan.resources["DICOM"].files["1.dcm"].file_format in ("", None)
    with check("lists users, plugins, scan types and investigators, and searches"):
        assert session.projects["P1"].users["olga"].access_level == "Owners"
        assert session.plugins == {} or not len(session.plugins)
        rows = session.get_json("/data/projects/P1/scan_types")["ResultSet"]["Result"]
        assert rows[0] == {"series_descriptions": "T1_sd,", "type": "T1"}
        assert "Result" in session.get_json("/data/investigators")["ResultSet"]
        kind = session.classes.MrSessionData
        found = kind.query().filter(kind.label == "MR1").tabulate_dict()
        assert [row["session_id"] for row in found] == ["XNAT_E00001"]


def writes(session: Any, folder: Path) -> None:
    project = session.projects["P1"]
    model = session.classes
    with check("creates subject, session, scan, assessor and resource"):
        subject = model.SubjectData(parent=project, label="XS1")
        experiment = model.MrSessionData(parent=subject, label="XE1")
        scan = model.MrScanData(parent=experiment, id="7", type="T1")
        model.QcManualAssessorData(parent=experiment, label="XQC")
        scan.create_resource("NEW", format="TXT")
        session.clearcache()
        experiment = session.projects["P1"].subjects["XS1"].experiments["XE1"]
        assert (experiment.scans["7"].type, next(iter(experiment.assessors.values())).label) == ("T1", "XQC")
        assert experiment.scans["7"].resources["NEW"].format == "TXT"
    subject = session.projects["P1"].subjects["XS1"]
    experiment = subject.experiments["XE1"]
    with check("uploads a file, bytes and a folder, and removes them"):
        resource = experiment.scans["7"].resources["NEW"]
        (folder / "up").mkdir()
        (folder / "up" / "a b.txt").write_text("a")
        (folder / "up" / "c.txt").write_text("hello")
        resource.upload(str(folder / "up" / "c.txt"), "c.txt")
        resource.upload_data(b"data", "d/e.txt")
        assert resource.files["c.txt"].size == "5"
        other = experiment.create_resource("DIR")
        for method in ("tgz_file", "tar_memory", "zip_file", "per_file"):
            other.upload_dir(folder / "up", method=method, overwrite=True)
            assert {one.path for one in other.files.values()} == {"a b.txt", "c.txt"}, method
        resource.files["c.txt"].delete()
        other.delete()
        session.clearcache()
        scan = session.projects["P1"].experiments["XE1"].scans["7"]
        assert {one.path for one in scan.resources["NEW"].files.values()} == {"d/e.txt"}
        assert "DIR" not in {
            one.label for one in session.projects["P1"].experiments["XE1"].resources.values()
        }
    with check("sets fields of subject, session and scan"):
        subject.demographics.gender = "male"
        subject.initials = "AB"
        experiment.note = "Tom and Ann"
        experiment.date = "2021-02-03"
        experiment.scans["7"].quality = "questionable"
        experiment.scans["7"].parameters.tr = 12.5
        session.clearcache()
        subject = session.projects["P1"].subjects["XS1"]
        experiment = subject.experiments["XE1"]
        assert (subject.demographics.gender, subject.initials) == ("male", "AB")
        assert (experiment.note, str(experiment.date)) == ("Tom and Ann", "2021-02-03")
        assert (experiment.scans["7"].quality, experiment.scans["7"].parameters.tr) == ("questionable", 12.5)
    with check("sets, reads and removes custom variables"):
        subject.fields["cohort"] = "a"
        experiment.fields["visit"] = "2"
        session.clearcache()
        subject = session.projects["P1"].subjects["XS1"]
        assert (subject.fields["cohort"], subject.experiments["XE1"].fields["visit"]) == ("a", "2")
        assert session.projects["P1"].subjects["S01"].fields["site"] == "3"
        del subject.fields["cohort"]
        session.clearcache()
        assert "cohort" not in session.projects["P1"].subjects["XS1"].fields
    with check("shares a subject, renames a session"):
        session.projects["P1"].subjects["XS1"].share("P2", label="XS1_THERE")
        session.clearcache()
        assert "XS1_THERE" in {one.label for one in session.projects["P2"].subjects.values()}
        session.projects["P1"].experiments["XE1"].label = "XE2"
        session.clearcache()
        assert session.projects["P1"].experiments["XE2"].scans["7"].type == "T1"
    with check("deletes scan, session and subject"):
        experiment = session.projects["P1"].experiments["XE2"]
        experiment.scans["7"].delete()
        experiment.delete()
        session.projects["P1"].subjects["XS1"].delete()
        session.clearcache()
        assert {one.label for one in session.projects["P1"].subjects.values()} == {"S01", "S02"}


def imports(session: Any, folder: Path) -> None:
    packed = folder / "study.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for one in sorted((folder / "dicom").iterdir()):
            archive.write(one, one.name)
    with check("imports DICOM to the archive and to the prearchive"):
        made = session.services.import_(str(packed), project="P1", subject="XI", experiment="XI_MR")
        assert (made.label, [one.type for one in made.scans.values()]) == ("XI_MR", ["t1_sd"])
        session.services.import_(
            str(packed), project="P1", subject="XP", experiment="XP_MR", destination="/prearchive"
        )
    with check("reads prearchived sessions, scans, files and DICOM headers"):
        received = {one.label: one for one in session.prearchive.sessions()}
        assert {"MR8", "MR9", "XP_MR"} <= received.keys()
        (scan,) = received["MR8"].scans
        assert (scan.series_description, str(received["MR8"].scan_date)) == ("t1_sd", "2024-04-05")
        (resource,) = scan.resources
        assert {one.name for one in resource.files} == {one.name for one in scan.files}
        header = scan.read_dicom()
        assert (str(header.PatientName), str(header.PatientID)) == ("Doe^Jane", "PAT9")
        assert any(row["desc"] == "Patient's Name" for row in scan.dicom_dump())
        received["MR8"].download(str(folder / "MR8.zip"))
        assert len(zipfile.ZipFile(folder / "MR8.zip").namelist()) == 2
    with check("archives, moves, rebuilds and deletes prearchived sessions"):
        archived = received["MR9"].archive(subject="S77", experiment="MR77")
        assert (archived.label, archived.subject.label) == ("MR77", "S77")
        received["XP_MR"].rebuild()
        received["MR8"].move("P2")
        assert _settled(session) == {("P1", "XP_MR"), ("P2", "MR8")}
        received["XP_MR"].delete()
        assert _settled(session) == {("P2", "MR8")}


def _settled(session: Any) -> set[tuple[str, str]]:
    """What the prearchive holds when the server's queue is empty: it goes on by a step with each list."""
    for _ in range(4):
        session.clearcache()
        left = session.prearchive.sessions()
    return {(one.project, one.label) for one in left}


def main() -> None:
    url, _, folder = arguments()
    with xnat.connect(url, user="admin", password="admin", loglevel=logging.ERROR) as session:
        reads(session, folder)
        writes(session, folder)
        imports(session, folder)
    with check("logs in and out without the model, as a user"):
        with xnat.connect(url, user="olga", password="secret", no_parse_model=True) as session:
            listed = session.get_json("/data/projects")["ResultSet"]["Result"]
        assert [one["ID"] for one in listed] == ["P1", "P2", "OPEN", "GUARDED"]
    finish()


if __name__ == "__main__":
    main()
