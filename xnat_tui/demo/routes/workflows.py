"""Workflows: look-ups, status changes, and the AutoRun setting."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Experiment, Project, timestamp
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.records import Workflow
from xnat_tui.demo.replies import Refusal, Table, json_reply, text
from xnat_tui.demo.rights import owns_project
from xnat_tui.demo.workflows import (
    TYPE,
    autorun_enabled,
    columns,
    item_document,
    item_of,
    may_change,
    readable_item,
    visible,
)

_REQUIRED = ("pipeline_name", "launch_time", "id", "status", "data_type")
_OWN = frozenset(("id", "data_type", "externalid", "pipeline_name", "status", "launch_time"))
_TABLE = (
    "wrk_workflowData_id", "ID", "data_type", "ExternalID", "pipeline_name", "status", "launch_time",
    "current_step_id", "step_description", "percentageComplete", "create_user",
)  # fmt: skip
BATCH_LAUNCH = "batchLaunchPlugin"


def find_workflow(call: Call) -> Response:
    """The latest workflow that has the given ``wrk:workflowData/...`` values; 404 for none."""
    wanted = _asked(call)
    found = [one for one in visible(call.site, call.user) if _matches(one, wanted)]
    if not wanted or not found:
        raise Refusal(404, "Unable to find workflow.")
    return _reply(found[-1])


def get_workflow(call: Call) -> Response:
    return _reply(_workflow(call))


def put_workflow(call: Call) -> Response:
    """Change a workflow: 403 unless the caller created it or is a site administrator."""
    workflow = _workflow(call)
    if not may_change(call.user, workflow):
        raise Refusal(403, "Only the creator of a workflow may change it.")
    _change(call, workflow)
    return text("")


def store_workflow(call: Call) -> Response:
    """Update the workflow of this name, launch time and item, or create it: 400 when incomplete."""
    given = _asked(call)
    key: dict[str, str] = {
        name: given[name] for name in ("pipeline_name", "launch_time", "id") if name in given
    }
    found = [one for one in call.site.workflows.values() if _matches(one, key)] if len(key) == 3 else []
    if found:
        if not may_change(call.user, found[-1]):
            raise Refusal(403, "Only the creator of a workflow may change it.")
        _change(call, found[-1])
        return text("")
    if any(not given.get(name) for name in _REQUIRED):
        raise Refusal(400, "Missing required fields")
    try:
        launched = datetime.fromisoformat(given["launch_time"].removesuffix(".0"))
    except ValueError as error:
        raise Refusal(400, "Invalid launch_time") from error
    item = call.site.experiments.get(given["id"]) or call.site.subjects.get(given["id"])
    if item is None:
        raise Refusal(400, f"Unknown item {given['id']}")
    workflow = call.site.add_workflow(
        item,
        given["pipeline_name"],
        given["status"],
        user=call.user.login,
        external_id=given.get("externalid", ""),
    )
    workflow.data_type = given["data_type"]
    workflow.launch_time = launched
    return text("")


def pipeline_workflows(call: Call) -> Response:
    """The runs of a pipeline on ``experiment``: a table, or with ``display=LATEST`` an item.

    Without ``experiment`` nothing is found, as on servers whose SQL breaks there.
    """
    name, experiment = unquote(call.path["pipeline"]), call.params.get("experiment", "")
    status = call.params.get("status", "")
    found = [
        one
        for one in visible(call.site, call.user)
        if name in (one.pipeline_name, PurePosixPath(one.pipeline_name).stem)
        and one.item_id == experiment
        and call.params.get("project", one.external_id) == one.external_id
        and (not status or one.status == status)
    ]
    if not found:
        raise Refusal(404, "Unable to find workflow.")
    if call.params.get("display", "LATEST").upper() == "LATEST":
        return _reply(found[-1])
    rows = [[columns(one).get(name, "") for name in _TABLE] for one in found]
    return call.table(Table(_TABLE, rows))


def get_autorun(call: Call) -> Response:
    project = _project(call)
    if project is not None:
        return json_reply(autorun_enabled(call.site, project.id))
    return json_reply(call.site.settings.preferences.get("autorun", True))


def put_autorun(call: Call) -> Response:
    """``true`` or ``false`` in the body; project owners, and administrators for the site."""
    project = _project(call)
    if not (call.user.admin if project is None else owns_project(call.user, project)):
        raise Refusal(403)
    try:
        value = json.loads(call.body() or b"null")
    except ValueError as error:
        raise Refusal(400) from error
    if not isinstance(value, bool):
        raise Refusal(400, "true or false expected")
    if project is None:
        call.site.settings.preferences["autorun"] = value
    else:
        project.settings["autorun"] = str(value).lower()
    return json_reply(value)


def batch_launch(call: Call) -> Response:
    """A project's or item's workflows as the batch-launch plugin lists them; 404 without it."""
    if BATCH_LAUNCH not in call.site.settings.plugins:
        raise Refusal(404)
    try:
        asked = json.loads(call.body())
        page, size = int(asked.get("page", 1)), int(asked.get("size", 50))
        item, like = asked["id"], asked.get("filters", {}).get("status", {}).get("like", "")
    except (ValueError, KeyError, AttributeError) as error:
        raise Refusal(400) from error
    found = [
        one
        for one in visible(call.site, call.user)
        if item in (one.item_id, one.external_id) and like.lower() in one.status.lower()
    ]
    return json_reply([_batch_row(call, one) for one in found[(page - 1) * size : page * size]])


def routes() -> list[Route]:
    autorun = "/xapi/pipelines/autoRun"
    return [
        route("/data/workflows", GET=find_workflow, PUT=store_workflow),
        route("/data/workflows/{workflow}", GET=get_workflow, PUT=put_workflow),
        route("/data/services/workflows/{pipeline:path}", GET=pipeline_workflows),
        route(autorun, GET=get_autorun, PUT=put_autorun),
        route(f"{autorun}/projects/{{project}}", GET=get_autorun, PUT=put_autorun),
        route("/xapi/workflows", POST=batch_launch),
    ]


def _workflow(call: Call) -> Workflow:
    number = call.path["workflow"]
    found = call.site.workflows.get(int(number)) if number.isdigit() else None
    if found is None or all(one is not found for one in visible(call.site, call.user)):
        raise Refusal(404, "Unable to find workflow.")
    return found


def _reply(workflow: Workflow) -> Response:
    return json_reply(item_document(workflow))


def _asked(call: Call) -> dict[str, str]:
    """The ``wrk:workflowData`` values of the request, lower-case names, decoded a second time."""
    start = f"{TYPE}/".lower()
    return {
        name.lower().removeprefix(start): unquote(value)
        for name, value in call.plain.items()
        if name.lower().startswith(start)
    }


def _lowered(workflow: Workflow) -> dict[str, str]:
    return {name.lower(): value for name, value in columns(workflow).items()}


def _matches(workflow: Workflow, wanted: dict[str, str]) -> bool:
    own = _lowered(workflow)
    return all(
        own.get(name, "").removesuffix(".0") == value.removesuffix(".0") for name, value in wanted.items()
    )


def _change(call: Call, workflow: Workflow) -> None:
    given = _asked(call)
    workflow.status = given.get("status", workflow.status)
    for name, value in given.items():
        if name not in _OWN:
            workflow.fields[name] = value


def _project(call: Call) -> Project | None:
    if "project" not in call.path:
        return None
    project = call.site.project(call.path["project"])
    if project is None or not (call.user.admin or call.user.login in project.users):
        raise Refusal(404)
    if not call.site.at_least(1, 8):
        raise Refusal(404)
    return project


def _batch_row(call: Call, workflow: Workflow) -> dict[str, object]:
    item = item_of(call.site, workflow)
    readable = readable_item(call.site, call.user, workflow)
    return {
        "wfid": workflow.number,
        "id": workflow.item_id,
        "label": readable.label if readable is not None else "",
        "subject": item.subject.label if isinstance(item, Experiment) else "",
        "externalId": workflow.external_id,
        "dataType": workflow.data_type,
        "pipelineName": workflow.pipeline_name,
        "status": workflow.status,
        "launchTime": timestamp(workflow.launch_time),
        "percentComplete": workflow.fields.get("percentageComplete", ""),
    }
