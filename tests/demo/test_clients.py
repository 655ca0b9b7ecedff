"""The clients that people use are the judges: xnatpy and pyxnat walk, read and write."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
import pyxnat
import xnat

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site


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


def test_xnatpy_archives_moves_renames_shares_and_uploads_folders(
    server: DemoServer, site: Site, arrived: Any, tmp_path: Path
) -> None:
    for label in ("MR8", "MR9"):
        arrived("P1", label, lastmod=site.clock(), uploaded=site.clock())
    (tmp_path / "sub").mkdir()
    (tmp_path / "a b.txt").write_text("a")
    (tmp_path / "sub" / "c.txt").write_text("c")
    (tmp_path / "link").symlink_to("link")
    with xnat.connect(server.url, user="admin", password="admin", loglevel=logging.ERROR) as session:
        project = session.projects["P1"]
        received = {one.label: one for one in session.prearchive.sessions()}
        assert [scan.series_description for scan in received["MR8"].scans] == ["t1_sd"]
        archived = received["MR9"].archive(subject="S77", experiment="MR77")
        assert (archived.label, site.experiments[archived.id].subject.label) == ("MR77", "S77")
        received["MR8"].move("P2")
        site.advance(3)
        project.experiments["VARS"].label = "VARS2"
        project.subjects["S02"].share("P2", label="S02_THERE")
        resource = project.experiments["MR1"].create_resource("DIR")
        for method in ("tgz_file", "tar_memory"):
            resource.upload_dir(tmp_path, method=method, overwrite=True)
        assert {one.path for one in resource.files.values()} == {"a b.txt", "sub/c.txt"}
        assert len(project.experiments["MR1"].custom_variables) == 0
        resource.delete()
        found = session.classes.MrSessionData.query().filter(session.classes.MrSessionData.label == "MR1")
        assert [row["session_id"] for row in found.tabulate_dict()] == ["XNAT_E00001"]
    assert [row.project for row in site.prearchive] == ["P2"]
    assert site.experiment("VARS2", "P1") is not None
    assert site.subject("S02_THERE", "P2") is not None
    assert all(one.label != "DIR" for one in site.experiments["XNAT_E00001"].resources)


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_pyxnat_searches_manages_and_creates(server: DemoServer, site: Site, tmp_path: Path) -> None:
    interface = pyxnat.Interface(server=server.url, user="admin", password="admin")
    project = interface.select.project("P1")
    found = interface.select("xnat:subjectData", ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/GENDER"])
    assert found.where([("xnat:subjectData/GENDER", "=", "female"), "AND"]).data == [
        {"subject_id": "XNAT_S00001", "gender": "female"}
    ]
    assert [row["xnat:imagescandata/id"] for row in interface.array.scans(project_id="P1").data] == ["1", "2"]
    assert (project.accessibility(), project.prearchive_code(), project.owners()) == (b"private", 4, ["olga"])
    project.add_user("nina", "member")
    assert set(project.members()) == {"mia", "nina"}
    made = interface.select.project("PX")
    made.create()
    assert "owner: Admin Admin" in repr(made)
    session = made.subject("A").experiment("A_MR")
    session.insert(experiments="xnat:mrSessionData", **{"xnat:mrSessionData/date": "2020-01-02"})
    session.scan("1").insert(scans="xnat:mrScanData", **{"xnat:mrScanData/type": "T1"})
    assert (session.attrs.get("date"), session.scan("1").attrs.get("type")) == ("2020-01-02", "T1")
    variable = "xnat:subjectData/fields/field[name=cohort]/field"
    project.subject("S02").attrs.set(variable, "5")
    assert project.subject("S02").attrs.get(variable) == "5"
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("b/c.txt", "c")
    session.resource("ZIP").put_zip(str(tmp_path / "z.zip"), extract=True)
    assert session.resource("ZIP").files().get() == ["c.txt"]
    project.subject("S02").share("P2")
    assert project.subject("S02").shares().get() == ["P1", "P2"]
    session.delete()
    interface.disconnect()
    assert site.experiment("A_MR", "PX") is None
