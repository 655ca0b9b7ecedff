"""The import service: handlers, destinations, conflicts, and what becomes of the files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
import xnat
from pydicom import dcmread

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

IMPORT = "/data/services/import"
Dicom = Callable[..., dict[str, bytes]]


def zipped(*files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number, group in enumerate(files):
            for name, data in group.items():
                target.writestr(f"{number}/{name}", data)
    return out.getvalue()


def send(client, body: bytes, query: str = "", kind: str = "application/zip"):
    return client("POST", f"{IMPORT}?inbody=true&{query}", data=body, headers={"Content-Type": kind})


def test_the_session_importer_archives_at_once_and_anonymises(admin, dicom: Dicom, site: Site) -> None:
    files = dicom("MR9")
    answer = send(
        admin, zipped(files), "import-handler=SI&dest=/archive/projects/P1/subjects/S7/experiments/E7"
    )
    assert (answer.status_code, answer.headers["content-type"][:13]) == (200, "text/uri-list")
    assert answer.text == "/data/archive/projects/P1/subjects/S7/experiments/E7\r\n"
    session = site.experiment("E7", "P1")
    scan = session.scans["1"]
    assert (scan.fields["type"], scan.xsi_type, session.xsi_type) == (
        "t1_sd",
        "xnat:mrScanData",
        "xnat:mrSessionData",
    )
    stored = b"".join(scan.resources[0].files["IM0001.dcm"].data.chunks())
    header = dcmread(io.BytesIO(stored))
    assert (header.PatientName, header.PatientID, header.StudyDescription) == ("S7", "E7", "P1")
    assert stored != files["IM0001.dcm"]


def test_without_a_destination_the_projects_setting_decides(admin, dicom: Dicom, site: Site) -> None:
    query = "project=P1&subject=S7&session=E7"
    site.projects["P1"].settings["prearchive_code"] = "0"
    answer = send(admin, zipped(dicom()), query)
    row = site.prearchive[0]
    assert answer.text == f"/data{row.url}\r\n"
    assert (row.status, row.subject, row.name) == ("READY", "S7", "E7")
    site.projects["P1"].settings["prearchive_code"] = "4"
    assert send(admin, zipped(dicom()), query).text.startswith("/data/archive/projects/P1/")


def test_unknown_projects_end_unassigned(admin, dicom: Dicom) -> None:
    text = send(admin, zipped(dicom()), "import-handler=DICOM-zip&project=NOWHERE").text
    assert text.startswith("/data/prearchive/projects/Unassigned/")


def test_an_existing_session_is_409_for_si_and_400_for_dicom_zip(admin, dicom: Dicom, site: Site) -> None:
    query = "dest=/archive/projects/P1/subjects/S01/experiments/MR1"
    assert send(admin, zipped(dicom()), f"import-handler=SI&{query}").status_code == 409
    answer = send(admin, zipped(dicom()), f"import-handler=DICOM-zip&action=commit&{query}")
    assert answer.status_code == 400
    assert {row.status for row in site.prearchive} == {"CONFLICT"}


def test_append_adds_scans_and_delete_replaces_them(admin, dicom: Dicom, site: Site) -> None:
    query = "import-handler=SI&dest=/archive/projects/P1/subjects/S01/experiments/MR1"
    assert send(admin, zipped(dicom(number=5)), f"{query}&overwrite=append").status_code == 200
    assert list(site.experiment("MR1", "P1").scans) == ["1", "2", "5"]
    assert send(admin, zipped(dicom(number=6)), f"{query}&overwrite=delete").status_code == 200
    assert list(site.experiment("MR1", "P1").scans) == ["6"]


def test_dicom_zip_is_received_then_built_then_archived(admin, dicom: Dicom, site: Site) -> None:
    send(admin, zipped(dicom()), "import-handler=DICOM-zip&project=P1&subject=S7&session=E7")
    (row,) = site.prearchive
    seen = [row.status]
    while site.prearchive:
        site.advance()
        seen.append(row.status)
    assert seen[:3] == ["RECEIVING", "QUEUED_BUILDING", "_BUILDING"]
    assert seen[3:5] == ["QUEUED_ARCHIVING", "_ARCHIVING"]
    assert site.experiment("E7", "P1") is not None


def test_gradual_objects_of_one_study_meet_in_one_session(admin, dicom: Dicom, site: Site) -> None:
    query = "import-handler=gradual-DICOM&dest=/prearchive/projects/P1&session=E7"
    answers = {send(admin, data, query, "application/dicom").text for data in dicom().values()}
    (row,) = site.prearchive
    assert answers == {f"/data{row.url}\r\n"}
    names = list(row.scans["1"].resources["DICOM"])
    assert len(names) == 2
    assert all(name.startswith(row.tag) for name in names)
    committed = admin("POST", f"/data{row.url}?action=commit&AA=true", allow_redirects=False)
    assert committed.status_code == 301


def test_two_series_with_one_number_stay_apart(admin, dicom: Dicom, site: Site) -> None:
    uid = dcmread(io.BytesIO(dicom()["IM0001.dcm"])).SeriesInstanceUID.encode()
    other = {name: data.replace(uid, uid[:-1] + b"0") for name, data in dicom(kind="t2").items()}
    send(admin, zipped(dicom(), other), "dest=/prearchive/projects/P1&session=E7")
    assert list(site.prearchive[0].scans) == ["1", "1-MR1"]


def test_strangers_in_a_zip_are_refused_unless_skipped(admin, dicom: Dicom) -> None:
    body = zipped({**dicom(), "readme.txt": b"hello"})
    query = "import-handler=DICOM-zip&dest=/prearchive/projects/P1"
    assert "parsable" in send(admin, body, query).text
    assert send(admin, body, f"{query}&Ignore-Unparsable=true").status_code == 200
    assert send(admin, zipped({"readme.txt": b"hello"}), "import-handler=SI").status_code == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("import-handler=nonsense", 404),
        ("prearchive_code=1&overwrite=append", 400),
        ("dest=/somewhere", 400),
        ("overwrite=perhaps", 400),
    ],
)
def test_wrong_orders_are_refused(admin, dicom: Dicom, query: str, code: int) -> None:
    assert send(admin, zipped(dicom()), query).status_code == code


def test_importing_needs_the_edit_right(client_of, dicom: Dicom) -> None:
    query = "dest=/archive/projects/P1/subjects/S7/experiments/E7"
    assert send(client_of("carl"), zipped(dicom()), query).status_code == 403
    assert send(client_of("mia"), zipped(dicom()), query).status_code == 200


def test_one_multipart_file_or_a_cached_one(admin, dicom: Dicom, site: Site) -> None:
    body, query = zipped(dicom()), "dest=/prearchive/projects/P1"
    once = admin("POST", f"{IMPORT}?{query}", files={"file": ("a.zip", body)})
    assert once.status_code == 200
    twice = admin("POST", f"{IMPORT}?{query}", files={"a": ("a.zip", body), "b": ("b.zip", body)})
    assert twice.status_code == 400
    place = "/user/cache/resources/INBOX/files/f.zip"
    admin.put(f"/data{place}", data=body, headers={"Content-Type": "application/zip"})
    assert admin("POST", f"{IMPORT}?{query}&src={place}").status_code == 200
    assert len(site.prearchive) == 2


def test_a_listener_reports_the_outcome(admin, dicom: Dicom) -> None:
    send(admin, zipped(dicom()), "dest=/prearchive/projects/P1&http-session-listener=job7")
    tracked = admin.get("/xapi/event_tracking/job7").json()
    assert (tracked["succeeded"], tracked["key"]) == (True, "job7")
    assert tracked["finalMessage"].startswith("/data/prearchive/projects/P1/")
    assert admin.get("/xapi/event_tracking/unknown").status_code == 404


def test_xnatpy_imports_into_the_archive_and_the_prearchive(server: DemoServer, dicom: Dicom) -> None:
    body = zipped(dicom())
    with xnat.connect(server.url, user="admin", password="admin") as session:
        waiting = session.services.import_(
            data=body, content_type="application/zip", destination="/prearchive/projects/P1"
        )
        assert waiting.status == "READY"
        made = session.services.import_(
            data=body,
            content_type="application/zip",
            project="P1",
            subject="S7",
            experiment="E7",
            import_handler="SI",
        )
        assert made.label == "E7"
