"""Catalogs, DICOM headers, session actions, custom fields, the viewer and its downloads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
import pyxnat
import xnat

from xnat_tui.demo.archive import Experiment, FileEntry, Resource
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

REFRESH = "/data/services/refresh/catalog"
VIEWER: dict[str, dict[str, object]] = {"ohifViewerPlugin": {"id": "ohifViewerPlugin"}}


@pytest.fixture
def messy(session: Experiment) -> Resource:
    """A catalog with a file gone from disk, one on disk only, and one without a digest."""
    resource = session.scans["1"].resources[0]
    first, second = resource.files.values()
    first.digest = ""
    second.missing_on_disk = True
    resource.stray.append(FileEntry("new.dcm", BytesContent(b"new")))
    resource.file_count = resource.file_size = None
    return resource


@pytest.fixture
def imaged(session: Experiment, site: Site, dicom: Callable[..., dict[str, bytes]]) -> Experiment:
    """The session with real DICOM in scan 1."""
    resource = site.new_resource("DICOM", format="DICOM")
    for name, data in dicom("MR1").items():
        resource.add(FileEntry(name, BytesContent(data)))
    session.scans["1"].resources[:] = [resource]
    return session


@pytest.mark.parametrize(
    ("options", "files", "digest", "count"),
    [
        ("append", ["1.dcm", "sub/x.dcm", "new.dcm"], False, None),
        ("delete", ["1.dcm"], False, None),
        ("checksum", ["1.dcm", "sub/x.dcm"], True, None),
        ("populateStats", ["1.dcm", "sub/x.dcm"], False, 1),
        ("append,populateStats", ["1.dcm", "sub/x.dcm", "new.dcm"], False, 2),
        ("", ["1.dcm", "new.dcm"], True, 2),
    ],
)
def test_each_refresh_option_and_none_for_all(admin, messy, session, options, files, digest, count) -> None:
    query = f"&options={options}" if options else ""
    answer = admin("POST", f"{REFRESH}?resource=/archive/experiments/{session.id}{query}")
    assert (answer.status_code, answer.text) == (200, "")
    assert list(messy.files) == files
    assert bool(messy.files["1.dcm"].digest) is digest
    assert messy.file_count == count


@pytest.mark.parametrize(
    ("resource", "reached"),
    [
        ("/archive/projects/P1/subjects/S01/experiments/MR1/scans/1", True),
        ("/data/archive/projects/P1/subjects/S01/experiments/MR1/scans/1/resources/DICOM", True),
        ("/archive/projects/P1/experiments/MR1", True),
        ("/archive/projects/P1/subjects/S01/experiments/MR1/scans/2", False),
        ("/archive/projects/P1/subjects/S01", False),
        ("/archive/projects/P1", False),
    ],
)
def test_projects_and_subjects_do_not_descend(admin, messy, resource: str, reached: bool) -> None:
    data = {"resource": resource, "options": "populateStats"}
    assert admin("POST", REFRESH, data=data).status_code == 200
    assert (messy.file_count is not None) is reached


def test_a_refresh_stops_at_the_first_failure(admin, client_of, messy, session: Experiment) -> None:
    good, bad = f"/archive/experiments/{session.id}/scans/1", "/archive/experiments/NOWHERE"
    query = [("resource", good), ("resource", bad), ("options", "populateStats")]
    assert admin("POST", REFRESH, params=query).status_code == 400
    assert messy.file_count == 1
    file = f"{good}/resources/DICOM/files/1.dcm"
    for resource in (file, "/nonsense", "/archive/experiments"):
        assert admin("POST", REFRESH, params={"resource": resource}).status_code == 400
    assert client_of("carl")("POST", REFRESH, params={"resource": good}).status_code == 403
    assert admin.get(f"{REFRESH}?resource={good}").status_code == 405


def test_a_refresh_leaves_a_workflow_per_address(admin, site: Site, session: Experiment) -> None:
    admin("POST", f"{REFRESH}?resource=/archive/experiments/{session.id}&options=append")
    assert list(site.workflows.values())[-1].pipeline_name == "Catalog(s) Refreshed"


def test_the_newer_refresh_takes_a_json_list(admin, messy, session: Experiment) -> None:
    path = "/xapi/archive/catalogs/refresh/Append,PopulateStats"
    assert admin.put(path, json=[f"/archive/experiments/{session.id}"]).status_code == 200
    assert (list(messy.files)[-1], messy.file_count) == ("new.dcm", 2)
    assert admin.put(path, data="nonsense").status_code == 400


@pytest.mark.parametrize("tail", ["", "/scans/1", "/scans/1/resources/DICOM/files/IM0001.dcm"])
def test_a_header_without_a_download(admin, imaged: Experiment, tail: str) -> None:
    source = f"/archive/projects/P1/subjects/S01/experiments/MR1{tail}"
    query = {"src": source, "format": "json", "field": ["PatientName", "00100020"]}
    rows = admin.get("/data/services/dicomdump", params=query).json()["ResultSet"]["Result"]
    assert [(row["tag1"], row["vr"], row["value"]) for row in rows] == [
        ("(0010,0010)", "PN", "Doe^Jane"),
        ("(0010,0020)", "LO", "PAT9"),
    ]


def test_a_header_needs_dicom_and_the_right_to_read(admin, client_of, site: Site) -> None:
    path = "/data/services/dicomdump?format=json&src=/archive/projects/P1/subjects/S01/experiments/MR1"
    assert admin.get(path).status_code == 404
    assert client_of("nina").get(path).status_code == 404


def test_pulling_data_from_headers(admin, imaged: Experiment) -> None:
    path = "/data/projects/P1/subjects/S01/experiments/MR1?pullDataFromHeaders=true"
    assert admin.put(path).status_code == 200
    assert (imaged.fields["scanner/model"], imaged.fields["date"]) == ("Prisma_fit", "2024-04-05")
    assert imaged.scans["1"].fields["series_description"] == "t1_sd"


def test_a_scans_type_comes_from_its_header_only_since_1_9_3(admin, imaged: Experiment, site: Site) -> None:
    path = f"/data/experiments/{imaged.id}/scans/1?pullDataFromHeaders=true"
    del imaged.scans["1"].fields["type"]
    assert admin.put(path).status_code == 200
    assert "type" not in imaged.scans["1"].fields
    site.version = "1.9.3"
    admin.put(path)
    assert imaged.scans["1"].fields["type"] == "t1_sd"


def test_scan_types_follow_the_projects_history(admin, client_of, session: Experiment, site: Site) -> None:
    other = site.add_experiment(site.subjects["XNAT_S00002"], "MR2")
    site.add_scan(other, "1", fields={"series_description": "T1 SD", "type": "MPRAGE"})
    path = f"/data/projects/P1/pipelines/fixScanTypes/experiments/{session.id}"
    assert client_of("carl")("POST", path).status_code == 403
    assert admin("POST", path).status_code == 200
    assert session.scans["1"].fields["type"] == "MPRAGE"
    assert admin("POST", path.replace("fixScanTypes", "nonsense")).status_code == 400


def test_triggering_pipelines_launches_autorun(admin, session: Experiment, site: Site) -> None:
    admin("POST", f"/data/projects/P1/pipelines/triggerPipelines/experiments/{session.id}")
    assert "xnat_tools/AutoRun.xml" in {one.pipeline_name for one in site.workflows.values()}


def test_counts_and_caches(admin, client_of) -> None:
    assert admin.get("/xapi/totalCounts/reset").json() == {
        "xnat:projectData": 4,
        "xnat:subjectData": 2,
        "xnat:imageSessionData": 1,
    }
    path = "/monitoring?action=clear_caches&cacheId=nrg"
    assert "cleared" in admin.get(path).text
    assert client_of("olga").get(path).status_code == 403


def test_custom_fields_are_merged_json(admin, client_of, session: Experiment, site: Site) -> None:
    path = f"/xapi/custom-fields/projects/P1/experiments/{session.id}/scans/1/fields"
    assert admin.put(path, json={"a": 1}).json() == {"a": 1}
    assert admin.put(path, json={"b": "x"}).json() == {"a": 1, "b": "x"}
    assert admin.get(f"{path}/b").text == "x"
    assert admin("DELETE", f"{path}/a").json() == {"b": "x"}
    assert client_of("carl").put(path, json={"c": 1}).status_code == 403
    site.version = "1.8.5"
    assert admin.get(path).status_code == 404


def test_the_viewer_answers_only_where_its_plugin_is(admin, session: Experiment, site: Site) -> None:
    path = f"/xapi/viewer/projects/P1/experiments/{session.id}"
    assert admin("POST", path).status_code == 404
    site.settings.plugins.update(VIEWER)
    assert admin.get(f"{path}/exists").status_code == 404
    assert admin("POST", path).status_code == 201
    assert admin.get(f"{path}/exists").status_code == 200
    assert len(admin.get(path).json()["studies"][0]["series"]) == 2
    assert admin("POST", "/xapi/viewer/projects/P1/experiments/MR1").status_code == 404


def test_rebuilding_all_viewer_metadata_is_for_administrators(
    admin, client_of, site: Site, session: Experiment
) -> None:
    site.settings.plugins.update(VIEWER)
    assert client_of("olga")("POST", "/xapi/viewer/generate-all-metadata").status_code == 403
    assert admin("POST", "/xapi/viewer/generate-all-metadata").status_code == 201
    assert site.viewer_metadata == {session.id}


def test_a_download_tells_its_size_before_it_starts(admin, client_of, session: Experiment) -> None:
    wanted = {
        "sessions": [f"P1:S01:MR1:{session.id}"],
        "scan_types": ["T1"],
        "scan_formats": ["DICOM"],
        "resources": ["NOTES"],
    }
    answer = admin("POST", "/xapi/archive/downloadwithsize", json=wanted).json()
    assert (answer["size"], answer["resourcesOfUnknownSize"]) == ("49", "1")
    body = admin.get(f"/xapi/archive/download/{answer['id']}/zip").content
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert "MR1/scans/1-T1/resources/DICOM/files/1.dcm" in names
    assert client_of("olga").get(f"/xapi/archive/download/{answer['id']}/zip").status_code == 404
    nothing = admin("POST", "/xapi/archive/downloadwithsize", json={"sessions": wanted["sessions"]})
    assert nothing.status_code == 204
    assert client_of("nobody").get("/xapi/archive/download/x/zip").status_code == 401


def test_xnatpy_refreshes_and_dumps(server: DemoServer, messy, imaged: Experiment) -> None:
    with xnat.connect(server.url, user="admin", password="admin") as connection:
        one = connection.experiments[imaged.id]
        connection.services.refresh_catalog(f"/archive/experiments/{one.id}", populate_stats=True)
        dump = connection.services.dicom_dump(f"/archive/projects/P1/subjects/S01/experiments/{one.id}")
        assert any(row["desc"] == "Patient's Name" for row in dump)
    assert imaged.scans["1"].resources[0].file_count == 2


def test_pyxnat_triggers_the_session_actions(server: DemoServer, imaged: Experiment) -> None:
    central = pyxnat.Interface(server.url, user="admin", password="admin")
    central.select.project("P1").subject("S01").experiment("MR1").pull_data_from_headers()
    assert imaged.fields["scanner/model"] == "Prisma_fit"
    central.disconnect()
