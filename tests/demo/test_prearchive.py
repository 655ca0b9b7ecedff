"""The prearchive as its users meet it: lists, actions, archiving with its conflicts, batch services."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
import xnat

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

Arrive = Callable[..., PrearchiveSession]
ARCHIVE = "/data/services/archive"


def test_rows_have_an_address_without_data_and_no_total(admin, arrived: Arrive) -> None:
    row = arrived()
    answer = admin.get("/data/prearchive?format=json").json()["ResultSet"]
    assert "totalRecords" not in answer
    (shown,) = answer["Result"]
    assert shown["url"] == f"/prearchive/projects/P1/{row.timestamp}/MR9"
    assert (shown["status"], shown["subject"], shown["tag"]) == ("READY", "S09", row.tag)
    assert all(isinstance(cell, str) for cell in shown.values())


def test_an_administrators_project_list_holds_the_unassigned_rows_too(admin, client_of, arrived) -> None:
    arrived()
    arrived(project="", label="LOST")
    labels = [row["name"] for row in admin.rows("/data/prearchive/projects/P1?format=json")]
    assert labels == ["MR9", "LOST"]
    assert [r["name"] for r in client_of("olga").rows("/data/prearchive/projects/P1?format=json")] == ["MR9"]


def test_collaborators_see_a_projects_rows_only_under_the_project(client_of, arrived) -> None:
    arrived()
    carl = client_of("carl")
    assert carl.rows("/data/prearchive?format=json") == []
    assert len(carl.rows("/data/prearchive/projects/P1?format=json")) == 1
    assert client_of("nina").get("/data/prearchive/projects/P1").status_code == 403


def test_the_session_route_is_missing_in_early_1_7(admin, arrived, site: Site) -> None:
    path = f"/data{arrived().url}?format=json"
    assert len(admin.rows(path)) == 1
    site.version = "1.7.1"
    assert admin.get(path).status_code == 404


def test_scans_resources_and_files_of_a_session(admin, arrived) -> None:
    start = f"/data{arrived().url}"
    assert admin.rows(f"{start}/scans?format=json") == [
        {"ID": "1", "xsiType": "xnat:mrScanData", "series_description": "t1_sd"}
    ]
    (resource,) = admin.rows(f"{start}/scans/1/resources?format=json")
    assert (resource["label"], resource["file_count"]) == ("DICOM", "2")
    assert admin.rows(f"{start}/resources?format=json")[0]["category"] == "scans"
    files = admin.rows(f"{start}/scans/1/resources/DICOM/files?format=json")
    data = admin.get(files[0]["URI"]).content
    assert (files[0]["Name"], len(data)) == ("IM0001.dcm", int(files[0]["Size"]))
    packed = zipfile.ZipFile(io.BytesIO(admin.get(f"{start}?format=zip").content))
    assert len(packed.namelist()) == 2


def test_an_unbuilt_session_has_no_document(admin, arrived) -> None:
    row = arrived(status="RECEIVING")
    assert admin.get(f"/data{row.url}?format=xml").status_code == 404
    row.status = "READY"
    assert b"MRSession" in admin.get(f"/data{row.url}?format=xml").content


def test_move_answers_301_with_the_new_address_in_the_body(admin, arrived) -> None:
    row = arrived()
    answer = admin("POST", f"/data{row.url}?action=move&newProject=P2", allow_redirects=False)
    assert (answer.status_code, "Location" in answer.headers) == (301, False)
    assert answer.text == f"/data/prearchive/projects/P2/{row.timestamp}/MR9"
    assert row.project == "P2"


def test_commit_archives_with_301_where_that_is_wanted(admin, arrived) -> None:
    kept, gone = arrived(label="KEPT"), arrived(label="GONE")
    plain = admin("POST", f"/data{kept.url}?action=commit", allow_redirects=False)
    assert (plain.status_code, plain.text) == (200, f"/data{kept.url}\r\n")
    answer = admin("POST", f"/data{gone.url}?action=commit&AA=true", allow_redirects=False)
    assert answer.status_code == 301
    assert answer.text == "/data/archive/projects/P1/subjects/S09/experiments/GONE"


@pytest.mark.parametrize(("action", "code"), [("build", 409), ("reset-status", 200), ("nonsense", 400)])
def test_a_locked_session_only_lets_its_status_be_reset(admin, arrived, action: str, code: int) -> None:
    row = arrived(status="_ARCHIVING")
    assert admin("POST", f"/data{row.url}?action={action}").status_code == code


def test_a_session_without_readable_files_builds_to_an_error(admin, arrived) -> None:
    row = arrived()
    row.scans["1"].resources["DICOM"].clear()
    assert admin("POST", f"/data{row.url}?action=build").status_code == 200
    assert row.status == "ERROR"
    assert "no DICOM" in admin.get(f"/data{row.url}/logs/last").text


def test_delete_needs_the_right_and_removes_the_row(client_of, arrived, site: Site) -> None:
    row = arrived()
    assert client_of("carl")("DELETE", f"/data{row.url}").status_code == 403
    assert client_of("mia")("DELETE", f"/data{row.url}").status_code == 200
    assert site.prearchive == []


def test_archiving_answers_the_archives_address_and_rewrites_the_files(admin, arrived, site: Site) -> None:
    row = arrived()
    sent = next(iter(row.scans["1"].resources["DICOM"].values()))
    answer = admin("POST", ARCHIVE, data={"src": row.url, "auto-archive": "false"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/uri-list")
    assert answer.text == "/data/archive/projects/P1/subjects/S09/experiments/MR9\r\n"
    session = site.experiment("MR9", "P1")
    stored = session.scans["1"].resources[0]
    assert stored.file_count == 2
    assert stored.files["IM0001.dcm"].digest != sent.md5
    assert session.fields["UID"] == row.tag
    assert site.prearchive == []


def test_illegal_characters_are_cleaned_and_subjects_match_in_any_case(admin, arrived, site: Site) -> None:
    row = arrived()
    options = {"src": row.url, "subject": "s01", "session": "MR 9/b", "auto-archive": "false"}
    assert admin("POST", ARCHIVE, data=options).text.endswith("subjects/S01/experiments/MR_9_b\r\n")
    assert site.experiment("MR_9_b", "P1").subject is site.subject("S01", "P1")


def test_auto_archive_rows_redirect_unless_told_not_to(admin, arrived) -> None:
    row = arrived(autoarchive="AutoArchive")
    answer = admin("POST", ARCHIVE, data={"src": row.url}, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/subjects/S09/experiments/MR9")


def test_conflicts_are_500_since_1_8_and_409_before(admin, arrived, site: Site) -> None:
    row = arrived(label="MR1", subject="S02")
    answer = admin("POST", ARCHIVE, data={"src": row.url, "auto-archive": "false"})
    assert answer.status_code == 500
    assert "<h3>FAILED: Unable to archive" in answer.text
    assert row.status == "CONFLICT"
    site.version = "1.7.6"
    assert admin("POST", ARCHIVE, data={"src": row.url, "auto-archive": "false"}).status_code == 409


def test_an_existing_session_is_merged_without_overwrite(admin, arrived, site: Site) -> None:
    row = arrived(label="MR1", subject="S01")
    row.scans["7"] = row.scans.pop("1")
    row.scans["7"].id = "7"
    assert admin("POST", ARCHIVE, data={"src": row.url, "auto-archive": "false"}).status_code == 200
    assert list(site.experiment("MR1", "P1").scans) == ["1", "2", "7"]


def test_an_open_workflow_is_a_conflict_that_append_overrides(
    admin, arrived, site: Site, session: Experiment
) -> None:
    row = arrived(label="MR1", subject="S01")
    site.add_workflow(session, "xnat_tools/AutoRun.xml", "Queued")
    problems = admin("POST", f"/data/services/validate-archive?format=json&src={row.url}")
    kinds = {(one["code"], one["type"]) for one in problems.json()["ResultSet"]["Result"]}
    assert ("18", "conflict") in kinds
    asked = {"src": row.url, "auto-archive": "false"}
    assert "AutoRun" in admin("POST", ARCHIVE, data=asked).text
    assert admin("POST", ARCHIVE, data={**asked, "overwrite": "append"}).status_code == 200


def test_several_sources_are_queued_and_go_on_while_somebody_looks(admin, arrived, site: Site) -> None:
    rows = [arrived(label="A"), arrived(label="B")]
    answer = admin("POST", ARCHIVE, data=[("src", row.url) for row in rows])
    shown = answer.json()["ResultSet"]["Result"]
    assert [row["status"] for row in shown] == ["QUEUED_ARCHIVING", "QUEUED_ARCHIVING"]
    busy = admin("POST", ARCHIVE, data={"src": rows[0].url})
    assert (busy.status_code, "already in progress" in busy.text) == (403, True)
    seen = [{row["status"] for row in admin.rows("/data/prearchive?format=json")} for _ in range(3)]
    assert seen == [{"QUEUED_ARCHIVING"}, {"_ARCHIVING"}, set()]
    assert site.experiment("B", "P1") is not None


def test_a_timed_out_archiving_goes_on_by_itself(admin, arrived, site: Site) -> None:
    row = arrived()
    site.settings.archive_timeout_seconds = 0
    assert admin("POST", ARCHIVE, data={"src": row.url, "auto-archive": "false"}).status_code == 500
    assert site.prearchive == [row]
    site.advance(2)
    assert site.prearchive == []
    assert site.experiment("MR9", "P1") is not None


def test_unassigned_gone_and_foreign_sources_are_refused(admin, client_of, arrived) -> None:
    lost = arrived(project="", label="LOST")
    assert admin("POST", ARCHIVE, data={"src": lost.url}).status_code == 400
    assert admin("POST", ARCHIVE, data={"src": "/prearchive/projects/P1/1/X"}).status_code == 404
    assert client_of("nina")("POST", ARCHIVE, data={"src": arrived().url}).status_code == 403


def test_batch_services_show_queued_rows_and_work_later(admin, arrived, site: Site) -> None:
    gone, moved = arrived(label="A"), arrived(label="B")
    answer = admin("POST", "/data/services/prearchive/delete?format=csv", data={"src": gone.url})
    assert "QUEUED_DELETING" in answer.text
    options = {"src": moved.url, "newProject": "P2", "async": "false"}
    assert admin("POST", "/data/services/prearchive/move", data=options).status_code == 200
    assert moved.project == "P2"
    site.advance(2)
    assert site.prearchive == [moved]
    assert admin("POST", "/data/services/prearchive/move", data={"src": moved.url}).status_code == 400


def test_xnatpy_finds_reads_archives_and_deletes(server: DemoServer, arrived) -> None:
    arrived(label="A")
    arrived(label="B")
    with xnat.connect(server.url, user="admin", password="admin") as session:
        (first,) = session.prearchive.find(project="P1", session="A")
        assert first.status == "READY"
        scan = first.scans[0]
        assert (scan.series_description, len(scan.files)) == ("t1_sd", 2)
        assert scan.dicom_dump(fields=["PatientName"])[0]["value"] == "Doe^Jane"
        assert first.archive(subject="S01", experiment="A2").label == "A2"
        (second,) = session.prearchive.find(session="B")
        second.delete(asynchronous=False)
        assert session.prearchive.find() == []


def test_archiving_without_a_required_reason_is_forbidden(admin, arrived, site: Site) -> None:
    site.settings.require_change_justification = True
    options = {"src": arrived().url, "auto-archive": "false"}
    assert admin("POST", ARCHIVE, data=options).status_code == 403
    assert admin("POST", ARCHIVE, data={**options, "event_reason": "tidy"}).status_code == 200
