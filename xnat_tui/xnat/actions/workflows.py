"""Workflows: found by the search engine, ended by their status (`docs/xnat-contract.md` 9).

The search engine answers in display fields, whose `STATUS` is HTML; criteria compare the plain word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from xnat_tui.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    ServerError,
)
from xnat_tui.model.workflow import Workflow
from xnat_tui.xnat.documents.escaping import plain_text
from xnat_tui.xnat.http.answers import plain
from xnat_tui.xnat.http.connection import Connection, url_path
from xnat_tui.xnat.tables import searches
from xnat_tui.xnat.tables.searches import Criterion, Where
from xnat_tui.xnat.tables.table import Row

TYPE = "wrk:workflowData"
AUTORUN_PIPELINE = "xnat_tools/AutoRun.xml"
_FIELDS = (
    *("WORKFLOW_ID", "ID", "EXTERNALID", "PIPELINE_NAME", "STATUS", "LAUNCH_TIME", "STEP_DESCRIPTION"),
    *("PERCENTAGECOMPLETE", "SESSION_LABEL", "USERLOGIN"),
)
_TAG = re.compile(r"<[^>]*>")


def search(
    connection: Connection,
    *,
    project: str = "",
    items: Sequence[str] = (),
    autorun: bool = False,
    only_open: bool = False,
) -> list[Workflow]:
    """Workflows of a project, or of some items by accession ID, oldest first, in one request.

    One whose row lacks its number or status is among them: `completed` asks for it in another way. Raises
    Forbidden where this user may not search workflows, ServerUnreachable without an answer.
    """
    criteria: list[Criterion | Where] = []
    if project:
        criteria.append(_criterion("ExternalID", "=", project))
    if autorun:
        criteria.append(_criterion("pipeline_name", "LIKE", "%AutoRun%"))
    if only_open:
        criteria.append(_criterion("status", "!=", "Complete"))
    if items:
        criteria.append(Where("OR", tuple(_criterion("ID", "=", item) for item in items)))
    try:
        table = searches.ask(connection, TYPE, _FIELDS, Where("AND", tuple(criteria)))
    except Forbidden as error:
        raise Forbidden(
            f"{connection.server.name} does not let {connection.user} search workflows.",
            "An item's latest AutoRun can be asked for without.",
            status=error.status,
        ) from None
    found = _twins(_workflow(row) for row in table)
    kept = [one for one in found if not (only_open and not one.open)]
    return sorted(kept, key=lambda one: (one.started, one.id))


def completed(connection: Connection, workflow: Workflow) -> Workflow:
    """With number and status as the server tells them of the workflow alone, where the search did not.

    The same where it tells no more: item, pipeline and time of its start are what it is asked for by.
    """
    if (workflow.id and workflow.status) or not (workflow.item and workflow.pipeline and workflow.started):
        return workflow
    keys = {"pipeline_name": workflow.pipeline, "launch_time": workflow.started, "id": workflow.item}
    try:
        answer = connection.get_json(
            "/data/workflows", **{f"{TYPE}/{name}": key for name, key in keys.items()}
        )
    except (BadAnswer, Forbidden, NotFound, Refused, ServerError):
        return workflow
    found = _from_item(answer)
    if found is None or (found.item, found.pipeline) != (workflow.item, workflow.pipeline):
        return workflow
    if workflow.id and found.id != workflow.id:
        return workflow
    return replace(workflow, id=found.id, status=found.status or workflow.status, twin=0)


def latest_autorun(connection: Connection, item: str) -> Workflow | None:
    """The newest AutoRun of an item, for users who may not search; None where it never ran."""
    try:
        answer = connection.get_json(
            "/data/workflows", **{f"{TYPE}/pipeline_name": AUTORUN_PIPELINE, f"{TYPE}/id": item}
        )
    except NotFound:
        return None
    return _from_item(answer)


def read(connection: Connection, workflow: str) -> Workflow:
    """One workflow by its number. Raises NotFound, BadAnswer where its status is not told."""
    found = _from_item(connection.get_json(f"/data/workflows/{url_path(workflow)}"))
    if found is None:
        raise NotFound(f"There is no workflow {workflow}.")
    if not found.status:
        raise BadAnswer(f"The server's document of workflow {workflow} has no status.", "Reload.")
    return found


def set_status(connection: Connection, workflow: str, status: str) -> None:
    """End a workflow. Raises Forbidden unless the user has created it or is a site administrator."""
    connection.write("PUT", f"/data/workflows/{url_path(workflow)}", params={f"{TYPE}/status": status})


def anonymises_on_rename(connection: Connection) -> bool | None:
    """Whether renaming runs the project's anonymisation again; None where the server does not tell."""
    try:
        value = connection.get_json("/xapi/siteConfig/rerunProjectAnonOnRename")
    except (Forbidden, NotFound):
        return None
    return value is True or str(value).lower() == "true"


def _criterion(field: str, comparison: str, value: str) -> Criterion:
    return Criterion(f"{TYPE}/{field}", comparison, value)


def _twins(found: Iterable[Workflow]) -> list[Workflow]:
    """Rows without a number that are alike are several workflows, not one."""
    times: Counter[Workflow] = Counter()
    told = []
    for one in found:
        told.append(one if one.id else replace(one, twin=times[one]))
        times[one] += 1
    return told


def _workflow(row: Row) -> Workflow:
    """Raises BadAnswer where the row is none of a workflow's."""
    try:
        number = row.required("workflow_id", "wrk_workflowData_id")
    except BadAnswer:
        row.required("id", "pipeline_name", "launch_time")
        number = ""
    return Workflow(
        number,
        row["id"],
        row["externalid"],
        row["pipeline_name"],
        _plain(row["status"]),
        row["launch_time"],
        _plain(row["step_description"]),
        row["percentagecomplete"],
        row["userlogin"],
        row["session_label"],
    )


def _from_item(answer: object) -> Workflow | None:
    match answer:
        case {"items": [{"data_fields": dict() as fields}, *_]}:
            text = {
                str(name).lower(): plain_text(str(value))
                for name, value in fields.items()
                if type(value) in (str, int, float)
            }
        case _:
            return None
    return Workflow(
        text.get("wrk_workflowdata_id", ""),
        text.get("id", ""),
        text.get("externalid", ""),
        text.get("pipeline_name", ""),
        text.get("status", ""),
        text.get("launch_time", ""),
        text.get("step_description", ""),
        text.get("percentagecomplete", ""),
        text.get("create_user", ""),
    )


def _plain(text: str) -> str:
    """The word in a display field's HTML."""
    return plain(plain_text(_TAG.sub("", text)))
