"""The search engine: documents, criteria, keys, displays that are HTML, and cached answers."""

from __future__ import annotations

from html import escape

import pytest
import pyxnat
import xnat

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

AUTORUN = "xnat_tools/AutoRun.xml"


def document(root: str, fields: str, *where: tuple[str, str, str], method: str = "AND") -> str:
    """A search for space-separated ``[type|]FIELD`` names with criteria in one set."""
    shown = ""
    for number, name in enumerate(fields.split()):
        element, _, field = name.rpartition("|")
        shown += (
            f"<xdat:search_field><xdat:element_name>{element or root}</xdat:element_name>"
            f"<xdat:field_ID>{field}</xdat:field_ID><xdat:sequence>{number}</xdat:sequence>"
            f"<xdat:type>string</xdat:type><xdat:header>{field}</xdat:header></xdat:search_field>"
        )
    criteria = "".join(
        f"<xdat:criteria override_value_formatting='0'><xdat:schema_field>{path}</xdat:schema_field>"
        f"<xdat:comparison_type>{escape(kind)}</xdat:comparison_type><xdat:value>{value}</xdat:value>"
        "</xdat:criteria>"
        for path, kind, value in where
    )
    return (
        "<xdat:bundle xmlns:xdat='http://nrg.wustl.edu/security'>"
        f"<xdat:root_element_name>{root}</xdat:root_element_name>{shown}"
        f"<xdat:search_where method='AND'><xdat:child_set method='{method}'>{criteria}</xdat:child_set>"
        "</xdat:search_where></xdat:bundle>"
    )


def find(client, *asked, query: str = "", **options):
    answer = client("POST", f"/data/search?format=json{query}", data=document(*asked, **options))
    assert answer.status_code == 200, answer.text
    return answer.json()["ResultSet"]


def test_open_autoruns_of_a_project_in_one_request(admin, site: Site, session: Experiment) -> None:
    stuck = site.add_workflow(session, AUTORUN, "Queued", user="mia")
    site.add_workflow(session, AUTORUN, "Complete")
    where = (
        ("wrk:workflowData/ExternalID", "=", "P1"),
        ("wrk:workflowData/pipeline_name", "=", AUTORUN),
        ("wrk:workflowData/status", "!=", "Complete"),
    )
    answer = find(admin, "wrk:workflowData", "PIPELINE_NAME STATUS SESSION_LABEL USERLOGIN", *where)
    (row,) = answer["Result"]
    assert row == {
        "pipeline_name": AUTORUN,
        "status": "<B><FONT COLOR=orange>Queued</FONT></B>",
        "session_label": "MR1",
        "userlogin": "mia",
        "workflow_id": str(stuck.number),
    }
    assert (answer["totalRecords"], answer["rootElementName"]) == ("1", "wrk:workflowData")
    assert answer["Columns"][0]["key"] == "pipeline_name"


def test_the_query_that_finds_a_sessions_autorun_by_like(admin, site: Site, session: Experiment) -> None:
    stuck = site.add_workflow(session, AUTORUN, "Queued")
    where = (("wrk:workflowData/ID", "LIKE", session.id), ("wrk:workflowData/pipeline_name", "=", AUTORUN))
    (row,) = find(admin, "wrk:workflowData", "pipeline_name wrk_workflowData_id", *where)["Result"]
    assert row["workflow_id"] == str(stuck.number)


def test_workflows_of_unreadable_projects_are_not_found(client_of, site: Site, session: Experiment) -> None:
    site.add_workflow(session, AUTORUN, "Queued")
    asked = ("wrk:workflowData", "ID", ("wrk:workflowData/pipeline_name", "=", AUTORUN))
    assert find(client_of("nina"), *asked)["Result"] == []
    assert len(find(client_of("carl"), *asked)["Result"]) == 1
    site.settings.workflow_search_allowed = False
    refused = client_of("carl")("POST", "/data/search?format=json", data=document(*asked))
    assert refused.status_code == 403


def test_projects_with_counts_people_and_the_last_change(admin, site: Site, session: Experiment) -> None:
    newest = site.add_workflow(session, "anything")
    fields = "ID NAME_CSV PROJ_MR_COUNT PROJECT_ACCESS PROJECT_LAST_WORKFLOW PROJECT_USERS PROJECT_OWNERS"
    rows = {row["id"]: row for row in find(admin, "xnat:projectData", fields)["Result"]}
    row = rows["P1"]
    assert (row["name_csv"], row["proj_mr_count"], row["project_access"]) == ("Project One", "1", "private")
    assert row["project_users"] == "Olga Test <br/> Mia Test <br/> Carl Test"
    assert row["project_owners"] == "Olga Test"
    assert row["project_last_workflow"].startswith(newest.launch_time.strftime("%Y-%m-%d %H:%M"))


def test_subjects_show_the_birth_year_and_all_their_projects(admin) -> None:
    fields = "SUBJECT_LABEL PROJECT PROJECTS GENDER DOB MR_COUNT SUB_EXPT_COUNT=xnat:mrSessionData"
    where = ("xnat:subjectData.SUBJECT_LABEL", "=", "S01")
    (row,) = find(admin, "xnat:subjectData", fields, where)["Result"]
    assert (row["gender"], row["dob"], row["mr_count"]) == ("female", "1980", "1")
    assert row["projects"] == ",<P1>,<P2>"
    assert row["sub_expt_count_xnat_mrsessiondata"] == "1"
    assert row["quarantine_status"] == "active"


def test_sessions_with_scan_counts_and_fields_of_their_subject(admin) -> None:
    fields = "SESSION_ID LABEL PROJECTS DATE MR_SCAN_COUNT_AGG xnat:subjectData|SUBJECT_LABEL"
    (row,) = find(admin, "xnat:mrSessionData", fields)["Result"]
    assert (row["label"], row["projects"], row["date"]) == ("MR1", "<P1>,<P2>", "2017-02-23")
    assert row["mr_scan_count_agg"] == "T1(1), T2 w/flair(1)"
    assert row["xnat_subjectdata_subject_label"] == "S01"


def test_scoping_to_a_project_as_the_web_interface_does_it(admin) -> None:
    def labels(project: str) -> list[str]:
        where = (
            ("xnat:mrSessionData/sharing/share/project", "=", project),
            ("xnat:mrSessionData/PROJECT", "=", project),
        )
        found = find(admin, "xnat:mrSessionData", "LABEL", *where, method="OR")["Result"]
        return [row["label"] for row in found]

    assert labels("P1") == ["MR1"]
    assert labels("P2") == ["MR1"]
    assert labels("OPEN") == []


def test_one_row_per_scan(admin) -> None:
    fields = "PROJECT SESSION_LABEL ID TYPE QUALITY PARAMETERS_TR"
    rows = find(admin, "xnat:mrScanData", fields)["Result"]
    shown = [(row["id"], row["type"], row["parameters_tr"], row["session_label"]) for row in rows]
    assert shown == [("1", "T1", "2300.0", "MR1"), ("2", "T2 w/flair", "", "MR1")]


@pytest.mark.parametrize(
    ("path", "kind", "value", "hits"),
    [
        ("label", "LIKE", "s0%", 2),
        ("label", "IN", "S01,S02", 2),
        ("demographics[@xsi:type=xnat:demographicData]/dob", "BETWEEN", "1980-01-01 AND 1981-01-01", 1),
        ("demographics[@xsi:type=xnat:demographicData]/dob", "&lt;", "03/01/1980", 1),
        ("demographics[@xsi:type=xnat:demographicData]/gender", "IS", "NULL", 1),
        ("demographics[@xsi:type=xnat:demographicData]/gender", "IS NOT", "NULL", 1),
        ("XNAT_SUBJECTDATA_FIELD_MAP=site", "=", "3", 1),
        ("fields/field/name", "=", "site", 1),
    ],
)
def test_comparisons(admin, path: str, kind: str, value: str, hits: int) -> None:
    kind = kind.replace("&lt;", "<")
    where = (f"xnat:subjectData/{path}", kind, value)
    assert len(find(admin, "xnat:subjectData", "SUBJECT_LABEL", where)["Result"]) == hits


def test_bad_documents_and_fields_are_refused(admin) -> None:
    def status(body: str) -> int:
        return admin("POST", "/data/search?format=json", data=body).status_code

    assert status("no xml") == 422
    assert status("<something/>") == 422
    assert status(document("xnat:imageSessionData", "LABEL")) == 403
    assert status(document("xnat:mrSessionData", "NONSENSE")) == 500
    assert admin.get("/data/search").status_code == 405


def test_a_cached_answer_is_paged_by_its_id_and_private(admin, client_of) -> None:
    answer = find(admin, "xnat:subjectData", "SUBJECT_LABEL", query="&cache=true&limit=1")
    assert (len(answer["Result"]), answer["totalRecords"]) == (1, "2")
    path = f"/data/search/{answer['ID']}?format=json&offset=1"
    assert [row["subject_label"] for row in admin.rows(path)] == ["S02"]
    assert client_of("olga").get(path).status_code == 404


def test_display_fields_are_listed_per_type(admin) -> None:
    found = {row["FIELD_ID"] for row in admin.rows("/data/search/elements/xnat:mrSessionData?format=json")}
    assert {"LABEL", "PROJECTS", "MR_SCAN_COUNT_AGG"} <= found
    assert admin.get("/data/search/elements/xnat:imageSessionData").status_code == 404
    assert any(row["ELEMENT_NAME"] == "xnat:mrSessionData" for row in admin.rows("/data/search/elements"))


def test_saved_searches_belong_to_their_owner(admin, client_of) -> None:
    body = document("xnat:subjectData", "SUBJECT_LABEL")
    assert admin.put("/data/search/saved/mine?inbody=true", data=body).status_code == 200
    assert [row["id"] for row in admin.rows("/data/search/saved?format=json")] == ["mine"]
    assert len(admin.rows("/data/search/saved/mine/results?format=json")) == 2
    assert client_of("olga").get("/data/search/saved/mine").status_code == 404
    assert admin("DELETE", "/data/search/saved/mine").status_code == 200


def test_pyxnat_selects_where(server: DemoServer) -> None:
    central = pyxnat.Interface(server.url, user="admin", password="admin")
    columns = ["xnat:subjectData/SUBJECT_LABEL", "xnat:subjectData/PROJECT"]
    found = central.select("xnat:subjectData", columns).where(
        [("xnat:subjectData/PROJECT", "=", "P1"), "AND"]
    )
    assert sorted(found.get("subject_label")) == ["S01", "S02"]
    sessions = central.array.experiments(project_id="P1", experiment_type="xnat:mrSessionData").data
    assert len(sessions) == 1
    central.disconnect()


def test_xnatpy_queries_become_objects(server: DemoServer) -> None:
    with xnat.connect(server.url, user="admin", password="admin") as session:
        subjects = session.classes.SubjectData.query().view(session.classes.SubjectData.project)
        rows = subjects.filter(session.classes.SubjectData.label == "S01").tabulate_dict()
        assert [row["project"] for row in rows] == ["P1"]
