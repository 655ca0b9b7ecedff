"""dax's XnatUtils, which reads projects with the joined columns of the list engine."""

from __future__ import annotations

from dax import XnatUtils

from tests.strangers.checks import arguments, check, finish


def main() -> None:
    url, _, folder = arguments()
    interface = XnatUtils.get_interface(host=url, user="admin", pwd="admin")
    with check("lists projects, subjects and resources"):
        assert {one["ID"] for one in interface.get_projects()} >= {"P1", "P2"}
        subjects = interface.get_subjects("P1")
        assert {(one["label"], one["gender"]) for one in subjects} == {("S01", "female"), ("S02", "")}
        assert interface.get_resources("P1") == []
        assert interface.get_subject_resources("P1", "S01") == []
    with check("lists sessions of a project, of a subject and in short"):
        sessions = interface.get_sessions("P1")
        found = [(one["label"], one["type"], one["gender"]) for one in sessions]
        assert found == [("MR1", "MR", "female"), ("VARS", "xnat:subjectvariablesdata", "female")]
        assert [one["label"] for one in interface.get_sessions("P1", "S01")] == ["MR1", "VARS"]
        assert "MR1" in {one["session_label"] for one in interface.get_sessions_minimal("P1")}
        labels = {one["label"] for one in interface.get_session_resources("P1", "S01", "MR1")}
        assert labels == {"NOTES"}
    with check("lists scans of a project, of a session, and their resources"):
        scans = interface.get_project_scans("P1")
        seen = {(one["scan_id"], one["type"], *sorted(one["resources"])) for one in scans}
        assert seen == {("1", "T1", "DICOM"), ("2", "T2 w/flair", "DICOM", "secondary")}
        assert {one["label"] for one in interface.get_scans("P1", "S01", "MR1")} == {"1", "2"}
        resources = interface.get_scan_resources("P1", "S01", "MR1", "1")
        assert [(one["label"], one["file_count"]) for one in resources] == [("DICOM", "2")]
        assert [one["session_label"] for one in interface.get_project_scans("P2")] == ["MR1"] * 2
    with check("lists assessors and their resources"):
        name = "P1-x-S01-x-MR1-x-1-x-fmri_v1"
        for listed in (interface.get_project_assessors("P1"), list(interface.list_project_assessors("P1"))):
            told = [(one["label"], one["procstatus"], one["qcstatus"], one["resources"]) for one in listed]
            assert told == [(name, "COMPLETE", "Passed", ["PDF"])]
        assert [one["label"] for one in interface.get_assessors("P1", "S01", "MR1")] == [name]
        (resource,) = interface.get_assessor_out_resources("P1", "S01", "MR1", name)
        assert (resource["label"], resource["cat_desc"]) == ("PDF", "Processing")
    with check("reads a cached session with its scans"):
        session = XnatUtils.CachedImageSession(interface, "P1", "S01", "MR1")
        assert (session.label(), session.info()["modality"]) == ("MR1", "MR")
        assert {one.label() for one in session.assessors()} == {"QC1", "P1-x-S01-x-MR1-x-1-x-fmri_v1"}
        assert next((one.label(), one.type(), one.usable()) for one in session.scans()) == ("1", "T1", True)
        assert {one.label() for one in session.scans()[1].resources()} == {"DICOM", "secondary"}
    with check("downloads through the selected objects"):
        resource = interface.select_scan_resource("P1", "S01", "MR1", "1", "DICOM")
        target = folder / "1.dcm"
        resource.file("1.dcm").get(str(target))
        assert target.read_bytes() == b"dicom" * 9
    interface.disconnect()
    finish()


if __name__ == "__main__":
    main()
