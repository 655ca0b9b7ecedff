"""pyxnat walks, searches, writes and manages."""

from __future__ import annotations

import zipfile

from tests.strangers.checks import arguments, check, finish, without

without("nibabel", "numpy", "pandas")

import pyxnat  # noqa: E402


def main() -> None:
    url, _, folder = arguments()
    interface = pyxnat.Interface(server=url, user="admin", password="admin")
    project = interface.select.project("P1")
    session = project.subject("S01").experiment("MR1")
    with check("walks and lists"):
        assert project.subjects().get() == ["XNAT_S00001", "XNAT_S00002"]
        assert (session.datatype(), session.scans().get()) == ("xnat:mrSessionData", ["1", "2"])
        assert next(one.label() for one in session.assessors()) == "QC1"
        assert session.scan("1").resource("DICOM").attributes()["format"] == "DICOM"
        assert session.scan("1").resource("DICOM").file("1.dcm").attributes()["file_format"] == ""
        assert "owner: " in repr(project)
    with check("reads arrays of the list engine"):
        rows = interface.array.experiments(project_id="P1", experiment_type="xnat:mrSessionData").data
        assert [row["ID"] for row in rows] == ["XNAT_E00001"]
        scans = interface.array.scans(project_id="P1").data
        assert [row["xnat:imagescandata/id"] for row in scans] == ["1", "2"]
    with check("searches"):
        found = interface.select(
            "xnat:subjectData", ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/GENDER"]
        )
        females = found.where([("xnat:subjectData/GENDER", "=", "female"), "AND"]).data
        assert {"subject_id": "XNAT_S00001", "gender": "female"} in females
        assert {row["gender"] for row in females} == {"female"}
        assert "xnat:mrSessionData" in interface.inspect.datatypes()
        assert interface.inspect.project_values() == ["P1", "P2", "OPEN", "GUARDED", "REAL"]
    with check("downloads files and inserts them"):
        target = folder / "x.dcm"
        session.scan("1").resource("DICOM").file("1.dcm").get(str(target))
        assert target.read_bytes() == b"dicom" * 9
        packed = session.scan("1").resource("DICOM").get(str(folder), extract=False)
        assert len(zipfile.ZipFile(packed).namelist()) == 2
        session.resource("MORE").file("x.dcm").insert(str(target))
        assert session.resource("MORE").files().get() == ["x.dcm"]
        with zipfile.ZipFile(folder / "z.zip", "w") as archive:
            archive.writestr("b/c.txt", "c")
        session.resource("ZIP").put_zip(str(folder / "z.zip"), extract=True)
        assert session.resource("ZIP").files().get() == ["c.txt"]
        session.resource("MORE").file("x.dcm").delete()
        assert session.resource("MORE").files().get() == []
    with check("creates and changes projects, subjects, sessions and scans"):
        made = interface.select.project("PX")
        made.create()
        assert "owner: Admin Admin" in repr(made)
        new = made.subject("A").experiment("A_MR")
        new.insert(experiments="xnat:mrSessionData", **{"xnat:mrSessionData/date": "2020-01-02"})
        new.scan("1").insert(scans="xnat:mrScanData", **{"xnat:mrScanData/type": "T1"})
        assert (new.attrs.get("date"), new.scan("1").attrs.get("type")) == ("2020-01-02", "T1")
        subject = project.subject("PX1")
        subject.insert()
        subject.attrs.set("gender", "male")
        assert subject.attrs.get("gender") == "male"
        variable = "xnat:subjectData/fields/field[name=cohort]/field"
        project.subject("S02").attrs.set(variable, "5")
        assert project.subject("S02").attrs.get(variable) == "5"
        new.delete()
        assert not made.subject("A").experiment("A_MR").exists()
    with check("manages accessibility, users and shares"):
        told = (project.accessibility(), project.prearchive_code(), project.owners())
        assert told == (b"private", 4, ["olga"])
        project.set_accessibility("protected")
        assert project.accessibility() == b"protected"
        project.add_user("nina", "member")
        assert set(project.members()) == {"mia", "nina"}
        project.subject("S02").share("P2")
        assert project.subject("S02").shares().get() == ["P1", "P2"]
    with check("reads the prearchive"):
        found = interface.manage.prearchive.get()
        assert {one[-1] for one in found} == {"MR8", "MR9"}
    interface.disconnect()
    finish()


if __name__ == "__main__":
    main()
