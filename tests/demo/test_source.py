"""What XNAT's own source answers, where clients and intuition expect something else."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.site import Site

SESSION = "/data/projects/P1/subjects/S01/experiments/MR1"
E1 = "/data/experiments/XNAT_E00001"


def _names(admin, path: str) -> list[str]:
    answer = admin.get(path)
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


def test_the_scan_date_of_a_received_session_is_a_timestamp(admin, arrived) -> None:
    arrived(scan_date="2024-04-05")
    arrived(label="NONE")
    assert [row["scan_date"] for row in admin.rows("/data/prearchive")] == ["2024-04-05 00:00:00.0", ""]


def test_addresses_of_received_files_begin_with_data(admin, arrived) -> None:
    row = arrived()
    (first, _) = admin.rows(f"/data{row.url}/scans/1/resources/DICOM/files")
    assert first["URI"] == f"/data{row.url}/scans/1/resources/DICOM/files/{first['Name']}"
    assert len(admin.get(first["URI"]).content) == int(first["Size"])


def test_logs_are_a_table(admin, arrived) -> None:
    row = arrived(logs=["Received.", "Built."])
    told = admin.rows(f"/data{row.url}/logs?format=json")
    assert [(one["id"], one["entry"]) for one in told] == [("0", "Received."), ("1", "Built.")]
    assert [*told[0]] == ["id", "date", "entry"]
    assert admin.rows(f"/data{row.url}/logs?template=ids") == [{"id": "0"}, {"id": "1"}]
    assert admin.get(f"/data{row.url}/logs/last").text == "Built."


@pytest.mark.parametrize("item", [False, True])
def test_a_resource_is_its_catalog_or_an_item_for_json(admin, site: Site, item: bool) -> None:
    assert not site.settings.resource_as_json_item
    site.settings.resource_as_json_item = item
    answer = admin.get(f"{SESSION}/scans/1/resources/DICOM?format=json")
    if item:
        assert answer.json()["items"][0]["meta"]["xsi:type"] == "xnat:resourceCatalog"
    else:
        assert b"<cat:DCMCatalog" in answer.content


def test_format_and_content_of_a_file_are_its_own(admin, site: Site) -> None:
    files = f"{SESSION}/scans/1/resources/DICOM/files"
    site.experiments["XNAT_E00001"].scans["1"].resources[0].content = "RAW"
    admin.put(f"{files}/own.dcm?inbody=true&format=DICOM&content=DERIVED", data=b"1")
    told = {row["Name"]: (row["file_format"], row["file_content"]) for row in admin.rows(files)}
    assert told == {"1.dcm": ("", ""), "x.dcm": ("", ""), "own.dcm": ("DICOM", "DERIVED")}
    for query, names in (("file_format=DICOM", ["own.dcm"]), ("file_content=NULL", ["1.dcm", "x.dcm"])):
        assert [row["Name"] for row in admin.rows(f"{files}?{query}")] == names


@pytest.mark.parametrize(
    ("locator", "start"),
    [("absolutePath", "/data/xnat/archive/P1/arc001/MR1/"), ("PROJECTPATH", "arc001/MR1/")],
)
def test_a_locator_renames_and_rewrites_the_address(admin, locator: str, start: str) -> None:
    row = admin.rows(f"{SESSION}/scans/1/files?locator={locator}")[1]
    assert "URI" not in row
    (value,) = (row[key] for key in row if key.lower() == locator.lower())
    assert value == f"{start}SCANS/1/DICOM/sub/x.dcm"
    assert [*row][2].lower() == locator.lower()
    assert "URI" in admin.rows(f"{SESSION}/scans/1/files?locator=other")[0]


def test_rows_of_resources_describe_their_owners(admin, site: Site) -> None:
    subject = site.subjects["XNAT_S00001"]
    subject.resources.append(site.new_resource("S"))
    site.projects["P1"].resources.append(site.new_resource("P"))

    def told(path: str) -> list[tuple[str, str, str]]:
        return [(row["category"], row["cat_id"], row["cat_desc"]) for row in admin.rows(path)]

    assert told(f"{SESSION}/assessors/QC1/resources") == [("assessors", "XNAT_E00003", "Manual QC")]
    assert told("/data/projects/P1/subjects/S01/resources") == [("resources", "", " ")]
    assert told("/data/projects/P1/resources") == [("resources", "", " ")]
    assert told(f"{E1}/resources") == [("resources", "XNAT_E00001", " ")]
    everywhere = told(f"{E1}/resources?all=true")
    assert ("resources", "", "") in everywhere
    assert ("assessors", "XNAT_E00003", "") in everywhere


def test_what_goes_into_an_assessor_is_in_no_list_of_its_session(admin, site: Site) -> None:
    """`all=true` has what comes out of assessors and stands at them; their own list what comes out."""
    assessor = site.assessors["XNAT_E00003"]
    made = {side: site.new_resource(side.upper()) for side in ("in", "own")}
    assessor.in_resources.append(made["in"])
    assessor.resources.append(made["own"])

    def labels(path: str) -> set[str]:
        return {row["label"] for row in admin.rows(path)}

    assert {"REPORT", "OWN"} <= labels(f"{E1}/resources?all=true")
    assert "IN" not in labels(f"{E1}/resources?all=true")
    assert labels("/data/experiments/XNAT_E00003/resources") == {"REPORT"}
    assert labels(f"{E1}/assessors/ALL/in/resources") == {"IN"}
    number = made["own"].id
    assert admin.rows(f"/data/experiments/XNAT_E00003/resources/{number}/files") == []


def test_zips_are_named_by_what_the_address_names(admin) -> None:
    assert _names(admin, f"{SESSION}/scans/2/files?format=zip") == [
        "MR1/scans/2-T2_w_flair/resources/DICOM/files/2.dcm",
        "MR1/scans/2-T2_w_flair/resources/DICOM/files/sub/x.dcm",
    ]
    assert _names(admin, f"{SESSION}/assessors/QC1/files?format=zip") == [
        "QC1/out/resources/REPORT/files/r.txt"
    ]
    assert _names(admin, f"{SESSION}/reconstructions/R1/files?format=zip") == [
        "MR1/reconstructions/R1-mean/out/resources/IMG/files/i.nii"
    ]
    whole = _names(admin, f"{E1}/files?all=true&format=zip")
    assert "MR1/scans/1/resources/DICOM/files/1.dcm" in whole
    assert "MR1/reconstructions/R1/out/resources/IMG/files/i.nii" in whole
    assert "MR1/assessors/XNAT_E00003/out/resources/REPORT/files/r.txt" in whole
    assert "MR1/resources/NOTES/files/ab.txt" in whole


def test_simplified_and_improved_zips(admin) -> None:
    assert _names(admin, f"{SESSION}/scans/1/files?format=zip&structure=simplified") == [
        "MR1/scans/1/DICOM/1.dcm",
        "MR1/scans/1/DICOM/sub/x.dcm",
    ]
    assert _names(admin, f"{SESSION}/assessors/QC1/files?format=zip&structure=simplified") == [
        "QC1/out/REPORT/r.txt"
    ]
    assert _names(admin, f"{SESSION}/scans/2/files?format=zip&structure=improved")[0] == (
        "scans/2_T2 w_flair/DICOM/2.dcm"
    )
    assert _names(admin, f"{SESSION}/assessors/QC1/files?format=zip&structure=improved") == [
        "assessors/XNAT_E00003_Manual QC/REPORT/r.txt"
    ]


def test_ids_in_a_files_own_path_are_replaced_in_zips_too(admin, site: Site) -> None:
    resource = site.experiments["XNAT_E00001"].scans["1"].resources[0]
    resource.add(FileEntry("1/XNAT_E00001.txt", BytesContent(b"x")))
    assert "MR1/scans/1-T1/resources/DICOM/files/1-T1/MR1.txt" in _names(
        admin, f"{SESSION}/scans/1/files?format=zip"
    )


def test_sharing_a_subject_twice_under_one_label_is_refused(admin, site: Site) -> None:
    path = "/data/projects/P1/subjects/S01/projects/P2?format=json&label="
    assert [admin.put(path + label).status_code for label in ("SHARED01", "NEW", "NEW")] == [409, 200, 409]
    assert site.subject("NEW", "P2") is site.subject("S01", "P1")


def test_setting_the_accessibility_answers_the_word(admin) -> None:
    assert admin.put("/data/projects/P1/accessibility/protected").text == "protected"


def test_users_are_ordered_by_the_id_of_their_group(admin) -> None:
    admin.put("/data/projects/P1/users/Collaborators/nina")
    groups = [row["GROUP_ID"] for row in admin.rows("/data/projects/P1/users?format=json")]
    assert groups == ["P1_owner", "P1_member", "P1_collaborator", "P1_collaborator"]


def test_scan_types_are_those_of_mr_unless_asked_otherwise(admin, site: Site) -> None:
    session = site.experiments["XNAT_E00001"]
    site.add_scan(session, "3", fields={"type": "T1", "series_description": "again"})
    site.add_scan(session, "4", xsi_type="xnat:petScanData", fields={"type": "AC", "series_description": "p"})
    rows = admin.rows("/data/projects/P1/scan_types?format=json")
    assert [*rows[0]] == ["series_descriptions", "type"]
    assert [(row["type"], row["series_descriptions"]) for row in rows] == [
        ("T1", "T1_sd,again,"),
        ("T2 w/flair", "T2 w/flair_sd,"),
    ]
    (pet,) = admin.rows("/data/archive/scan_types?format=json&table=xnat_petScanData")
    assert (pet["type"], pet["series_descriptions"]) == ("AC", "p,")
    assert admin.get("/data/archive/scan_types?table=xnat_ctScanData").status_code == 403


@pytest.mark.parametrize(
    ("up", "shown"),
    [
        (timedelta(seconds=5.25), {"seconds": "05.250"}),
        (timedelta(days=1, minutes=2), {"days": "1", "minutes": "2", "seconds": "00.000"}),
    ],
)
def test_the_uptime_has_what_is_not_nothing(admin, site: Site, up: timedelta, shown: dict[str, str]) -> None:
    now = site.started + up
    site.clock = lambda: now
    assert admin.get("/xapi/siteConfig/uptime").json() == shown


def test_unasked_columns_are_the_type_and_then_the_project(admin) -> None:
    row = admin.rows("/data/projects/P1/experiments?columns=ID,label&format=json")[0]
    assert [*row] == ["xnat:subjectassessordata/id", "ID", "label", "xsiType", "project", "URI"]


@pytest.mark.parametrize(("field", "key"), [("name", "name_csv"), ("NAME", "name")])
def test_the_name_of_a_project_is_found_under_another_key(admin, site: Site, field: str, key: str) -> None:
    document = (
        '<xdat:bundle xmlns:xdat="http://nrg.wustl.edu/security">'
        "<xdat:root_element_name>xnat:projectData</xdat:root_element_name><xdat:search_field>"
        "<xdat:element_name>xnat:projectData</xdat:element_name>"
        f"<xdat:field_ID>{field}</xdat:field_ID></xdat:search_field></xdat:bundle>"
    )

    def keys() -> set[str]:
        answer = admin("POST", "/data/search?format=json", data=document)
        return set(answer.json()["ResultSet"]["Result"][0])

    assert key in keys()
    site.settings.project_name_as_csv = False
    assert "name" in keys()


def test_the_own_id_of_a_scan_wins_over_the_address(admin, site: Site) -> None:
    xml = '<xnat:MRScan xmlns:xnat="http://nrg.wustl.edu/xnat" ID="{}" type="T9"/>'
    headers = {"Content-Type": "text/xml"}
    assert admin.put(f"{SESSION}/scans/8", data=xml.format("9"), headers=headers).status_code == 200
    assert admin.put(f"{SESSION}/scans/T7?xsiType=xnat:mrScanData&xnat:mrScanData/id=7").status_code == 200
    assert {"7", "9"} <= site.experiments["XNAT_E00001"].scans.keys()
    assert not {"8", "T7"} & site.experiments["XNAT_E00001"].scans.keys()


def test_subjects_have_initials_in_the_schema_and_in_the_archive(admin, site: Site) -> None:
    assert b'name="initials"' in admin.get("/xapi/schemas/xnat").content
    admin.put("/data/projects/P1/subjects/S01?xnat:subjectData/initials=AB")
    assert site.subjects["XNAT_S00001"].fields["initials"] == "AB"


def test_investigators_are_listed_once_each_with_their_account(admin, site: Site) -> None:
    for project in ("P1", "P2"):
        site.projects[project].fields |= {"pi_firstname": "Olga", "pi_lastname": "Test"}
    site.projects["OPEN"].fields |= {"pi_firstname": "Ann", "pi_lastname": "Abel"}
    rows = admin.rows("/data/investigators?format=json")
    assert [(row["firstname"], row["lastname"], row["login"]) for row in rows] == [
        ("Ann", "Abel", ""),
        ("Olga", "Test", "olga"),
    ]


def test_a_raw_zip_without_a_path_is_named_by_its_type(admin, site: Site) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("d/x.txt", "x")
    path = f"{SESSION}/resources/RAWZIP/files"
    headers = {"Content-Type": "application/zip"}
    admin.put(f"{path}?extract=true", data=packed.getvalue(), headers=headers)
    admin.put(path, data=b"plain", headers={"Content-Type": "text/plain"})
    resource = site.experiments["XNAT_E00001"].resource("RAWZIP")
    assert resource is not None
    assert set(resource.files) == {"d/x.txt", "upload.txt"}


@pytest.mark.parametrize("overwrite", ["none", "delete"])
def test_parts_of_a_study_sent_straight_to_the_archive_come_together(
    admin, site: Site, dicom, overwrite: str
) -> None:
    query = "import-handler=gradual-DICOM&Direct-Archive=true&inbody=true&project=P1&subject=G&session=G_MR"
    for data in dicom().values():
        headers = {"Content-Type": "application/dicom"}
        answer = admin(
            "POST", f"/data/services/import?{query}&overwrite={overwrite}", data=data, headers=headers
        )
        assert answer.status_code == 200, answer.text
    session = site.experiment("G_MR", "P1")
    assert session is not None
    assert [len(scan.resources[0].files) for scan in session.scans.values()] == [2]
