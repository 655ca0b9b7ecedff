"""What no source proves about real servers: the demo plays either outcome. And small oddities, one by one."""

from __future__ import annotations

import http.client
import io
import json
import tarfile
from typing import Any

import pytest

from xnat_tui.demo.site import Site
from xnat_tui.demo.workflows import AUTORUN

SCANS = "/data/projects/P1/experiments?xsiType=xnat:imageSessionData&columns=ID,xnat:imageScanData/ID,"
E1 = "/data/experiments/XNAT_E00001"


@pytest.mark.parametrize(
    ("setting", "column"),
    [
        ("scan_type_column", "xnat:imageScanData/extension_item/element_name"),
        ("bulk_file_columns", "xnat:imageScanData/file/file_count"),
        ("bulk_file_columns", "xnat:imageSessionData/resources/resource/file_size"),
        ("reconstruction_columns", "xnat:imageSessionData/reconstructions/reconstructedImage/ID"),
    ],
)
def test_a_column_answers_or_is_missing_or_spoils_the_question(
    admin: Any, site: Site, setting: str, column: str
) -> None:
    assert column.lower() in admin.rows(SCANS + column)[0]
    setattr(site.settings, setting, "labels" if setting == "bulk_file_columns" else "missing")
    assert column.lower() not in admin.rows(SCANS + column)[0]
    setattr(site.settings, setting, "refused")
    assert admin.get(SCANS + column).content == b""
    assert admin.rows(SCANS + "label")


def test_a_scan_list_by_type_has_both_keys(admin: Any) -> None:
    row = admin.rows(f"{E1}/scans?xsiType=xnat:mrScanData")[0]
    assert {"xnat_imagescandata_id", "xnat:mrscandata/xnat_imagescandata_id"} <= row.keys()


def test_control_characters_come_raw_or_escaped(admin: Any, site: Site) -> None:
    text = 'one\ntwo\t\x01 "quoted" \\ back ä'
    site.subjects["XNAT_S00001"].fields["src"] = text
    raw = admin.get("/data/projects/P1/subjects?columns=src").content
    assert b"one\ntwo\t\x01" in raw
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw)
    assert json.loads(raw, strict=False)["ResultSet"]["Result"][0]["src"] == text
    site.settings.raw_control_characters = False
    assert admin.rows("/data/projects/P1/subjects?columns=src")[0]["src"] == text


def test_items_are_json_only_where_format_says_so(admin: Any) -> None:
    accept = {"Accept": "application/json"}
    assert admin.get(E1, headers=accept).headers["Content-Type"].startswith("text/html")
    assert admin.get(f"{E1}?format=json").json()["items"]


def test_polymorphic_children_may_name_their_type(admin: Any, site: Site) -> None:
    names = []
    for typed in (False, True):
        site.settings.typed_children = typed
        item = admin.get("/data/subjects/XNAT_S00001?format=json").json()["items"][0]
        names += [child["field"] for child in item["children"] if child["field"].startswith("demographics")]
    assert names == ["demographics", "demographics[xnat:demographicData]"]


@pytest.mark.parametrize("nested", ["full", "bare"])
def test_a_subjects_document_nests_its_sessions_whole_or_bare(admin: Any, site: Site, nested: str) -> None:
    site.settings.nested_sessions = nested
    document = admin.get("/data/subjects/XNAT_S00001?format=xml").text
    assert "<xnat:experiment " in document
    assert ("<xnat:scan " in document) is (nested == "full")


@pytest.mark.parametrize(("clears", "stored"), [(True, None), (False, "NULL")])
def test_null_clears_fields_or_variables_only(
    admin: Any, site: Site, clears: bool, stored: str | None
) -> None:
    site.settings.null_clears_fields = clears
    subject = site.subjects["XNAT_S00001"]
    subject.fields["race"] = "x"
    path = "/data/projects/P1/subjects/S01"
    given = {"race": "NULL", "xnat:subjectData/fields/field[name=site]/field": "NULL"}
    assert admin.put(path, params=given).status_code == 200
    assert (subject.fields.get("race"), subject.variables) == (stored, {})
    assert admin.put(f"{path}?gender=NULL").status_code == (200 if clears else 400)


@pytest.mark.parametrize("one", [False, True])
def test_one_age_field_may_replace_another(admin: Any, site: Site, one: bool) -> None:
    site.settings.one_age_field = one
    admin.put("/data/projects/P1/subjects/S01?yob=1980")
    assert ("dob" in site.subjects["XNAT_S00001"].fields) is not one


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("dob=02/29/1980", 200),
        ("dob=1980-02-30", 400),
        ("dob=x", 400),
        ("education=31", 400),
        ("education=30", 200),
    ],
)
def test_demographics_keep_to_the_schema(admin: Any, site: Site, query: str, status: int) -> None:
    assert admin.put(f"/data/projects/P1/subjects/S01?{query}").status_code == status
    assert site.subjects["XNAT_S00001"].fields["dob"] == "1980-02-29"


@pytest.mark.parametrize(("renamed", "status"), [(True, 200), (False, 400)])
def test_assessors_can_be_renamed_or_not(admin: Any, site: Site, renamed: bool, status: int) -> None:
    site.settings.assessors_renamed = renamed
    assert admin.put("/data/projects/P1/experiments/QC1?label=QC9").status_code == status
    assert (site.experiment("QC9", "P1") is not None) is renamed


@pytest.mark.parametrize(("blocks", "status"), [(False, 200), (True, 409)])
def test_open_workflows_block_deleting_or_not(admin: Any, site: Site, blocks: bool, status: int) -> None:
    site.settings.open_workflows_block_delete = blocks
    site.add_workflow(site.experiments["XNAT_E00001"], AUTORUN, "Queued")
    assert admin("DELETE", f"{E1}?removeFiles=true").status_code == status


def test_unassigned_rows_may_say_null(admin: Any, site: Site, arrived: Any) -> None:
    arrived(project="")
    assert admin.rows("/data/prearchive")[0]["project"] == ""
    site.settings.unassigned_cell = "null"
    assert admin.rows("/data/prearchive")[0]["project"] == "null"


def test_no_prearchive_table_has_a_total(admin: Any, arrived: Any) -> None:
    path = f"/data{arrived().url}"
    for tail in ("", "/scans", "/resources", "/scans/1/resources", "/scans/1/resources/DICOM/files"):
        assert "totalRecords" not in admin.get(f"{path}{tail}?format=json").json()["ResultSet"], tail


def test_project_lists_may_name_the_users_number(client_of: Any, site: Site) -> None:
    told = []
    for named in (False, True):
        site.settings.user_id_in_envelope = named
        answer = client_of("mia").get("/data/projects?accessible=true&format=json").json()
        told.append(answer["ResultSet"].get("xdat_user_id"))
    assert told == [None, "12"]


@pytest.mark.parametrize("status", [400, 500])
def test_a_type_that_no_schema_has_is_refused(admin: Any, site: Site, status: int) -> None:
    site.settings.unknown_type_status = status
    path = "/data/projects/P1/subjects/S01/experiments/N1?xsiType=icr:roiCollectionData"
    assert admin.put(path).status_code == status
    assert site.experiment("N1", "P1") is None


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_owner_with_that_label_is_refused_and_may_get_the_item_all_the_same(
    admin: Any, site: Site, goes_on: bool
) -> None:
    site.settings.owner_clash_goes_on = goes_on
    site.add_subject(site.projects["OPEN"], "S02")
    path = "/data/projects/P1/subjects/S02/projects/OPEN?primary=true"
    assert admin.put(path).status_code == 409
    assert site.subjects["XNAT_S00002"].project == ("OPEN" if goes_on else "P1")


def test_containers_differ_in_what_they_refuse(admin: Any, site: Site) -> None:
    def status(address: str) -> int:
        """Asked without a library that would encode it."""
        connection = http.client.HTTPConnection("127.0.0.1", admin.server.port, timeout=20)
        try:
            connection.request("GET", address)
            return connection.getresponse().status
        finally:
            connection.close()

    assert [status(one) for one in ("/data/projects/P%25", "/data/projects?x[y]=1")] == [401, 400]
    assert status("/data/projects?x%5By%5D=1") == 401
    site.settings.percent_refused, site.settings.strict_addresses = True, False
    assert [status(one) for one in ("/data/projects/P%25", "/data/projects?x[y]=1")] == [400, 401]


def test_a_type_that_nobody_has_set_up_is_in_the_schema_only(admin: Any, site: Site, client_of: Any) -> None:
    site.settings.types_not_set_up = frozenset(("xnat:ctSessionData",))
    assert "xnat:ctSessionData" not in [row["ELEMENT_NAME"] for row in admin.rows("/data/search/elements")]
    assert "xnat:ctSessionData" in admin.get("/xapi/schemas/datatypes").json()
    path = "/data/projects/P1/subjects/S01/experiments/CT1?xsiType=xnat:ctSessionData"
    assert client_of("olga").put(path).status_code == 500
    assert admin.put(path).status_code == 201


def test_quarantined_items_vanish_from_the_lists_of_all_but_owners(site: Site, client_of: Any) -> None:
    site.projects["P1"].settings["quarantine_code"] = "1"
    site.experiments["XNAT_E00001"].status = "quarantine"
    for path in ("/data/projects/P1/experiments", "/data/projects/P1/subjects/S01/experiments"):
        assert "MR1" in [row["label"] for row in client_of("olga").rows(path)]
        assert "MR1" not in [row["label"] for row in client_of("mia").rows(path)]


def test_a_shared_assessor_shows_its_subject_by_the_label_there(admin: Any, site: Site) -> None:
    site.share(site.experiments["XNAT_E00001"].assessors["XNAT_E00003"], "P2", "QC_THERE")
    query = "?xsiType=xnat:imageAssessorData&columns=label,subject_label"
    (row,) = admin.rows(f"/data/projects/P2/experiments{query}")
    assert row["label"] == "QC_THERE"
    assert row["subject_label"] in ("SHARED01", "")


def test_uploads_without_statistics_leave_no_workflow(admin: Any, site: Site) -> None:
    before = len(site.workflows)
    admin.put(f"{E1}/resources/NOTES/files/n.txt?inbody=true&update-stats=false", data=b"x")
    assert len(site.workflows) == before
    admin.put(f"{E1}/resources/NOTES/files/m.txt?inbody=true", data=b"x")
    assert len(site.workflows) == before + 1


def test_labels_that_look_like_sql_are_refused(admin: Any) -> None:
    for label in ("O'Neil", "O%27Neil"):
        assert admin.put(f"{E1}/resources/{label}").status_code == 400
        assert admin.put(f"{E1}/resources/{label}/files/a?inbody=true", data=b"x").status_code == 400


def test_links_in_an_archive_are_no_files(admin: Any, site: Site) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("x.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "x.txt"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("empty.txt"), io.BytesIO())
    path = f"{E1}/resources/TAR/files/upload.tar.gz?extract=true"
    assert (
        admin.put(path, data=packed.getvalue(), headers={"Content-Type": "application/gzip"}).status_code
        == 200
    )
    (found,) = [one for one in site.experiments["XNAT_E00001"].resources if one.label == "TAR"]
    assert list(found.files) == ["empty.txt"]


def test_the_first_of_several_equal_parameters_counts(admin: Any, site: Site) -> None:
    resource = site.experiments["XNAT_E00001"].resources[0]
    query = "resource=/archive/experiments/XNAT_E00001&options=append&options=populateStats"
    admin("POST", f"/data/services/refresh/catalog?{query}")
    assert resource.file_count is None


def test_a_deleted_entry_may_leave_its_file(admin: Any, site: Site) -> None:
    resource = site.experiments["XNAT_E00001"].resources[0]
    admin("DELETE", f"{E1}/resources/NOTES/files/ab.txt?removeFiles=false")
    assert [entry.path for entry in resource.stray] == ["ab.txt"]


def test_an_account_is_shown_by_its_name(client_of: Any) -> None:
    assert client_of("olga").get("/xapi/users/olga").json()["username"] == "olga"
    assert client_of("olga").get("/xapi/users/mia").status_code == 403
