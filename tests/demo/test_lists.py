"""The list engine: columns, keys, joins, filters, sharing, rights."""

from __future__ import annotations

from typing import Any

import pytest

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

BULK = (
    "/data/experiments?xsiType=xnat:imageSessionData&project=P1&columns=ID,xnat:imageScanData/ID,"
    "xnat:imageScanData/file/label,xnat:imageScanData/file/file_count"
)


def test_default_columns_of_a_projects_experiments(admin: Any) -> None:
    row = admin.rows("/data/projects/P1/experiments")[0]
    assert set(row) == {
        "ID", "project", "date", "xsiType", "label", "insert_date", "URI",
        "xnat:subjectassessordata/id",
    }  # fmt: skip
    assert row["URI"] == "/data/experiments/XNAT_E00001"
    assert all(isinstance(cell, str) for cell in row.values())


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("", "ID"),
        ("?columns=label&xsiType=xnat:imageSessionData", "session_ID"),
        ("?columns=label,modality", "session_ID"),
        ("?columns=label&xsiType=xnat:mrSessionData", "xnat:mrsessiondata/id"),
    ],
)
def test_the_primary_key_is_called_after_the_root_type(admin: Any, query: str, key: str) -> None:
    assert next(iter(admin.rows(f"/data/experiments{query}")[0])) == key


def test_shared_sessions_show_the_label_and_project_of_the_list(admin: Any) -> None:
    columns = "columns=ID,label,project,subject_label"
    shared = admin.rows(f"/data/projects/P2/experiments?{columns}")[0]
    assert (shared["label"], shared["project"], shared["subject_label"]) == ("MR_SHARED", "P2", "SHARED01")
    image = admin.rows(f"/data/projects/P2/experiments?xsiType=xnat:imageSessionData&{columns}")[0]
    assert (image["label"], image["project"], image["subject_label"]) == ("MR1", "P1", "S01")


def test_shared_subjects_keep_the_owners_project(admin: Any) -> None:
    row = admin.rows("/data/projects/P2/subjects")[0]
    assert (row["label"], row["project"]) == ("SHARED01", "P1")


def test_image_assessors_are_listed_only_when_asked_for(admin: Any) -> None:
    assert "QC1" not in [row["label"] for row in admin.rows("/data/projects/P1/experiments")]
    rows = admin.rows(
        "/data/projects/P1/experiments?xsiType=xnat:imageAssessorData&columns=label,session_label"
    )
    assert [(row["label"], row["session_label"]) for row in rows] == [("QC1", "MR1")]


def test_one_row_per_scan_and_resource_in_the_bulk_question(admin: Any) -> None:
    rows = admin.rows(BULK)
    found = [(row["xnat:imagescandata/id"], row["xnat:imagescandata/file/file_count"]) for row in rows]
    assert found == [("1", "2"), ("2", "2")]
    assert {row["session_ID"] for row in rows} == {"XNAT_E00001"}


def test_the_bulk_question_can_lack_counts_or_fail(admin: Any, site: Site) -> None:
    site.settings.bulk_file_columns = "labels"
    assert "xnat:imagescandata/file/file_count" not in admin.rows(BULK)[0]
    site.settings.bulk_file_columns = "refused"
    answer = admin.get(BULK)
    assert (answer.status_code, answer.content) == (200, b"")


def test_independent_branches_give_every_combination(admin: Any) -> None:
    rows = admin.rows(
        "/data/experiments?xsiType=xnat:mrSessionData&columns=ID,xnat:mrSessionData/scans/scan/ID,"
        "xnat:mrSessionData/sharing/share/project,xnat:mrSessionData/resources/resource/label"
    )
    assert len(rows) == 2
    assert rows[0]["xnat:mrsessiondata/sharing/share/project"] == "P2"


def test_subjects_without_sessions_keep_one_blank_row(admin: Any) -> None:
    rows = admin.rows("/data/projects/P1/subjects?columns=xnat:mrSessionData/label,xnat:mrScanData/id")
    assert [row["xnat:mrscandata/id"] for row in rows] == ["1", "2", ""]


def test_custom_variables_are_rows(admin: Any) -> None:
    rows = admin.rows(
        "/data/projects/P1/subjects?columns=label,xnat:subjectData/fields/field/name,"
        "xnat:subjectData/fields/field/field"
    )
    assert rows[0]["xnat:subjectdata/fields/field/name"] == "site"
    assert rows[0]["xnat:subjectdata/fields/field/field"] == "3"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("date=01/01/2017-12/31/2017", 1),
        ("date=2018-01-01-2018-12-31", 0),
        ("label=M*", 1),
        ("label=MR1,VARS", 2),
        ("xnat:mrSessionData/scans/scan/type=T1", 1),
    ],
)
def test_filters(admin: Any, query: str, count: int) -> None:
    assert len(admin.rows(f"/data/projects/P1/experiments?{query}")) == count


def test_paging_drops_the_total(admin: Any, site: Site) -> None:
    paged = admin.get("/data/projects/P1/subjects?limit=1").json()["ResultSet"]
    assert len(paged["Result"]) == 1
    assert "totalRecords" not in paged
    site.version = "1.7.6"
    assert len(admin.rows("/data/projects/P1/subjects?limit=1")) == 2


def test_lists_are_shortened_in_silence(server: DemoServer, client_of: Any) -> None:
    nina = client_of("nina")
    assert [row["ID"] for row in nina.rows("/data/projects")] == ["P2", "OPEN", "GUARDED"]
    assert [row["label"] for row in nina.rows("/data/experiments")] == ["MR1"]
    assert nina.get("/data/projects/P1?format=json").status_code == 404
    assert nina.get("/data/projects/GUARDED/subjects").status_code == 403


def test_projects_by_role_have_lower_case_keys(client_of: Any) -> None:
    rows = client_of("mia").rows("/data/projects?accessible=true")
    assert rows[0]["id"] == "P1"
    assert rows[0]["user_role_12"] == "Members"


def test_csv_and_sorting(admin: Any) -> None:
    answer = admin.get("/data/projects/P1/subjects?columns=label&format=csv&sortBy=label&sortOrder=DESC")
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["label", "S02", "S01"]


def test_wrong_addresses_below_an_item_answer_the_item(admin: Any) -> None:
    for path in ("/data/projects/P1/experiments/MR1/scans", "/data/experiments/XNAT_E00001/foo"):
        assert admin.get(f"{path}?format=json").json()["items"][0]["data_fields"]["ID"] == "XNAT_E00001"
    assert admin.get("/data/experiments/MR1/scans").status_code == 404
    assert admin.get("/data/projects/P1/foo").status_code == 400


def test_the_twins_of_the_prefix_are_the_same(admin: Any) -> None:
    for prefix in ("/REST", "/data/archive", "/REST/archive"):
        assert len(admin.rows(f"{prefix}/projects/P1/subjects")) == 2
