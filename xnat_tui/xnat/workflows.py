"""Workflows: found by the search engine, ended by their status.

The search engine answers in display fields, whose `STATUS` is HTML; criteria compare the plain word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lxml import etree

from xnat_tui.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    ServerError,
    ServerUnreachable,
    Unclear,
)
from xnat_tui.model.workflow import Workflow
from xnat_tui.xnat.answers import plain
from xnat_tui.xnat.connection import Connection, url_path
from xnat_tui.xnat.escaping import plain_text
from xnat_tui.xnat.table import Row, parse_table

XDAT = "http://nrg.wustl.edu/security"
TYPE = "wrk:workflowData"
AUTORUN_PIPELINE = "xnat_tools/AutoRun.xml"
_FIELDS = (
    *("WORKFLOW_ID", "ID", "EXTERNALID", "PIPELINE_NAME", "STATUS", "LAUNCH_TIME", "STEP_DESCRIPTION"),
    *("PERCENTAGECOMPLETE", "SESSION_LABEL", "USERLOGIN"),
)
_TAG = re.compile(r"<[^>]*>")

Criterion = tuple[str, str, str]
"""A field of the workflow's schema, a comparison, and a value."""


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
    criteria: list[Criterion] = []
    if project:
        criteria.append(("ExternalID", "=", project))
    if autorun:
        criteria.append(("pipeline_name", "LIKE", "%AutoRun%"))
    if only_open:
        criteria.append(("status", "!=", "Complete"))
    body = etree.tostring(_document(criteria, items), xml_declaration=True, encoding="UTF-8")
    try:
        answer = connection.write(
            "POST", "/data/search", params={"format": "json"}, body=body, content_type="application/xml"
        )
    except Forbidden as error:
        raise Forbidden(
            f"{connection.server.name} does not let {connection.user} search workflows.",
            "An item's latest AutoRun can be asked for without.",
            status=error.status,
        ) from None
    except Unclear as error:  # a search changes nothing, whether or not it was answered
        raise ServerUnreachable(
            "Searching workflows: no answer came.", "Try again.", status=error.status
        ) from None
    found = _twins(_workflow(row) for row in parse_table([answer.body]))
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


def _document(criteria: Sequence[Criterion], items: Sequence[str]) -> etree._Element:
    def element(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
        made = etree.SubElement(parent, f"{{{XDAT}}}{name}", attrib=attributes)
        made.text = text or None
        return made

    def criterion(parent: etree._Element, one: Criterion) -> None:
        made = element(parent, "criteria", override_value_formatting="0")
        element(made, "schema_field", f"{TYPE}/{one[0]}")
        element(made, "comparison_type", one[1])
        element(made, "value", one[2])

    root = etree.Element(f"{{{XDAT}}}bundle", nsmap={"xdat": XDAT})
    for name, text in (("ID", f"@{TYPE}"), ("brief-description", ""), ("description", "")):
        root.set(name, text)
    root.set("allow-diff-columns", "0")
    root.set("secure", "false")
    element(root, "root_element_name", TYPE)
    for number, name in enumerate(_FIELDS):
        field = element(root, "search_field")
        element(field, "element_name", TYPE)
        element(field, "field_ID", name)
        element(field, "sequence", str(number))
        element(field, "type", "string")
        element(field, "header", name)
    where = element(root, "search_where", method="AND")
    for one in criteria:
        criterion(where, one)
    if items:
        either = element(where, "child_set", method="OR")
        for item in items:
            criterion(either, ("ID", "=", item))
    return root


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
