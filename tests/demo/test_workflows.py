"""Workflows and AutoRun: finding them, changing them, and what open ones block."""

from __future__ import annotations

import pytest
import pyxnat

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.records import Workflow
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.site import Site

AUTORUN = "xnat_tools/AutoRun.xml"


@pytest.fixture
def stuck(site: Site, session: Experiment) -> Workflow:
    return site.add_workflow(session, AUTORUN, "Queued", user="mia")


def test_an_open_workflow_blocks_the_rename_until_it_is_completed(admin, stuck: Workflow) -> None:
    rename = "/data/projects/P1/subjects/S01/experiments/MR1?label=MR1b"
    refused = admin.put(rename)
    assert (refused.status_code, AUTORUN in refused.text) == (409, True)
    done = admin.put(f"/data/workflows/{stuck.number}?wrk:workflowData/status=Complete")
    assert (done.status_code, done.text) == (200, "")
    assert admin.put(rename).status_code == 200


def test_only_the_creator_or_an_administrator_changes_a_workflow(client_of, stuck: Workflow) -> None:
    path = f"/data/workflows/{stuck.number}?wrk:workflowData/status=Complete"
    assert client_of("olga").put(path).status_code == 403
    assert stuck.status == "Queued"
    assert client_of("mia").put(path).status_code == 200
    assert stuck.status == "Complete"
    assert client_of("mia").put("/data/workflows/999?wrk:workflowData/status=Complete").status_code == 404


def test_workflows_are_items_with_a_number_for_an_id(admin, client_of, stuck: Workflow) -> None:
    query = f"wrk:workflowData/pipeline_name={AUTORUN}&wrk:workflowData/id={stuck.item_id}&format=json"
    data = admin.get(f"/data/workflows?{query}").json()["items"][0]["data_fields"]
    assert (data["status"], data["wrk_workflowData_id"]) == ("Queued", stuck.number)
    assert admin.get(f"/data/workflows/{stuck.number}").json()["items"][0]["data_fields"] == data
    assert admin.get("/data/workflows?wrk:workflowData/id=nothing").status_code == 404
    assert client_of("nina").get(f"/data/workflows/{stuck.number}").status_code == 404


def test_the_pipeline_service_needs_an_experiment(admin, stuck: Workflow) -> None:
    path = "/data/services/workflows/AutoRun?display=ALL&format=json"
    assert admin.get(path).status_code == 404
    (row,) = admin.rows(f"{path}&experiment={stuck.item_id}&project=P1")
    assert (row["pipeline_name"], row["wrk_workflowData_id"]) == (AUTORUN, str(stuck.number))
    latest = admin.get(f"/data/services/workflows/AutoRun?experiment={stuck.item_id}&format=json")
    assert latest.json()["items"][0]["data_fields"]["status"] == "Queued"


def test_a_workflow_is_created_with_all_fields_and_updated_by_its_key(
    admin, site: Site, session: Experiment
) -> None:
    query = {
        "wrk:workflowData/pipeline_name": "mine",
        "wrk:workflowData/id": session.id,
        "wrk:workflowData/data_type": "xnat:mrSessionData",
        "wrk:workflowData/launch_time": "2024-01-01 10:00:00.0",
    }
    assert admin.put("/data/workflows", params=query).status_code == 400
    query["wrk:workflowData/status"] = "Running"
    assert admin.put("/data/workflows", params=query).status_code == 200
    assert site.open_workflow(session.id).launch_time.year == 2024
    assert (
        admin.put("/data/workflows", params={**query, "wrk:workflowData/status": "Failed"}).status_code == 200
    )
    assert site.open_workflow(session.id) is None


def test_every_write_leaves_a_complete_workflow(admin, site: Site) -> None:
    admin.put("/data/projects/P1/subjects/S01?gender=male")
    last = list(site.workflows.values())[-1]
    assert (last.pipeline_name, last.status, last.external_id) == ("Modified Subject", "Complete", "P1")


def test_autorun_is_launched_on_archiving_where_it_is_enabled(admin, client_of, arrived, site: Site) -> None:
    path = "/xapi/pipelines/autoRun/projects/P1"
    assert admin.get(path).json() is True
    assert client_of("mia").put(path, data="false").status_code == 403
    for value, launched in (("true", True), ("false", False)):
        assert client_of("olga").put(path, data=value).json() is launched
        row = arrived(label=f"RUN{launched}")
        admin("POST", "/data/services/archive", data={"src": row.url, "auto-archive": "false"})
        session = site.experiment(row.name, "P1")
        names = [one.pipeline_name for one in site.workflows.values() if one.item_id == session.id]
        assert (AUTORUN in names) is launched


def test_the_batch_launch_list_exists_only_with_its_plugin(admin, site: Site, stuck: Workflow) -> None:
    body = {"id": "P1", "page": 1, "size": 50, "filters": {"status": {"type": "string", "like": "Queued"}}}
    assert admin("POST", "/xapi/workflows", json=body).status_code == 404
    site.settings.plugins["batchLaunchPlugin"] = {"id": "batchLaunchPlugin"}
    (row,) = admin("POST", "/xapi/workflows", json=body).json()
    assert (row["wfid"], row["label"], row["status"]) == (stuck.number, "MR1", "Queued")


def test_pyxnat_reads_the_latest_run_of_a_session(server: DemoServer, stuck: Workflow) -> None:
    central = pyxnat.Interface(server.url, user="admin", password="admin")
    table = central.get(
        "/data/services/workflows/AutoRun",
        params={"project": "P1", "experiment": stuck.item_id, "display": "ALL", "format": "json"},
    )
    assert table.json()["ResultSet"]["Result"][0]["status"] == "Queued"
    central.disconnect()
