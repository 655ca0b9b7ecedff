"""The clients that people use are the judges: xnatpy and pyxnat walk, read and write."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import pyxnat
import xnat

from xnat_tui.demo.server import DemoServer


def test_xnatpy_with_the_parsed_model_walks_downloads_uploads_and_creates(
    server: DemoServer, tmp_path: Path
) -> None:
    with xnat.connect(server.url, user="admin", password="admin", loglevel=logging.ERROR) as session:
        assert session.xnat_version == "1.8.10"
        project = session.projects["P1"]
        assert {one.label for one in project.subjects.values()} == {"S01", "S02"}
        experiment = project.experiments["MR1"]
        assert (experiment.modality, experiment.scanner.manufacturer) == ("MR", "SIEMENS")
        scan = experiment.scans["1"]
        assert (scan.type, scan.quality, scan.parameters.tr) == ("T1", "usable", 2300.0)
        resource = scan.resources["DICOM"]
        assert {one.path for one in resource.files} == {"1.dcm", "sub/x.dcm"}
        resource.download_dir(str(tmp_path))
        found = tmp_path / "MR1/scans/1-T1/resources/DICOM/files/1.dcm"
        assert found.read_bytes() == b"dicom" * 9
        upload = tmp_path / "up.txt"
        upload.write_text("hello")
        created = scan.create_resource("NEW")
        created.upload(str(upload), "up.txt")
        assert created.files["up.txt"].size == "5"
        subject = session.classes.SubjectData(parent=project, label="XS1")
        subject.fields["cohort"] = "a"
        subject.demographics.gender = "male"
        assert subject.fields["cohort"] == "a"
    stored = server.site.subject("XS1", "P1")
    assert stored is not None
    assert stored.fields == {"gender": "male"}


def test_xnatpy_without_the_model_logs_in_and_out(server: DemoServer) -> None:
    with xnat.connect(server.url, user="olga", password="secret", no_parse_model=True) as session:
        listed = session.get_json("/data/projects")["ResultSet"]["Result"]
    assert [one["ID"] for one in listed] == ["P1", "P2", "OPEN", "GUARDED"]
    assert not server.site.sessions


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_pyxnat_walks_downloads_inserts_and_lists(server: DemoServer, tmp_path: Path) -> None:
    interface = pyxnat.Interface(server=server.url, user="admin", password="admin")
    project = interface.select.project("P1")
    assert project.subjects().get() == ["XNAT_S00001", "XNAT_S00002"]
    session = project.subject("S01").experiment("MR1")
    assert (session.datatype(), session.scans().get()) == ("xnat:mrSessionData", ["1", "2"])
    rows = interface.array.experiments(project_id="P1", experiment_type="xnat:mrSessionData").data
    assert [row["ID"] for row in rows] == ["XNAT_E00001"]
    target = tmp_path / "x.dcm"
    session.scan("1").resource("DICOM").file("1.dcm").get(str(target))
    assert target.read_bytes() == b"dicom" * 9
    session.resource("MORE").file("x.dcm").insert(str(target))
    assert session.resource("MORE").files().get() == ["x.dcm"]
    subject = project.subject("PX1")
    subject.insert()
    subject.attrs.set("gender", "male")
    assert subject.attrs.get("gender") == "male"
    interface.disconnect()
