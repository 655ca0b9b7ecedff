"""Single items: read, delete, and the tails that XNAT knows or ignores."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Assessor, Experiment, Item, Subject
from xnat_tui.demo.calls import Call, routes_with_tail
from xnat_tui.demo.creation import (
    put_experiment,
    put_item,
    put_subject,
)
from xnat_tui.demo.item_json import item_json
from xnat_tui.demo.item_xml import item_xml
from xnat_tui.demo.replies import Refusal, Table, html, json_reply, text
from xnat_tui.demo.rights import can_delete, can_edit
from xnat_tui.demo.targets import holders_of, project_of
from xnat_tui.demo.traces import record, require_reason


def get_item(call: Call) -> Response:
    """The item as JSON, XML or HTML; unknown tails answer the item itself.

    A guest without a browser gets 200 and an empty body where others get 404.
    """
    try:
        item = holders_of(call)[0]
    except Refusal as refusal:
        if refusal.status == 404 and call.user.login == "guest":
            return text("")
        raise
    tail = call.path.get("tail", "")
    if tail == "status":
        return text(item.status)
    if tail == "history":
        return call.table(Table(["change_date", "event_user"], []))
    if tail == "projects" and isinstance(item, Subject | Experiment | Assessor):
        return call.table(projects_table(call, item))
    return item_reply(call, item)


def item_reply(call: Call, item: Item) -> Response:
    form = call.form("html")
    if form == "json" and "format" in call.params:  # `Accept` does not give it: it is no native form of items
        return json_reply(item_json(call.site, call.user, item))
    if form == "xml":
        conceal = call.flag("concealHiddenFields")
        document = item_xml(call.site, call.user, item, conceal=conceal)
        return Response(document, media_type="text/xml")
    return html(f'<html xmlns="http://www.w3.org/1999/xhtml"><body><h2>{item.id}</h2></body></html>')


def projects_table(call: Call, item: Subject | Experiment | Assessor) -> Table:
    """The owner first, then the projects that share the item, with the label in each."""
    rows = []
    for project_id in (item.project, *item.shares):
        project = call.site.projects.get(project_id)
        fields = project.fields if project is not None else {}
        label = call.site.label_in(item, project_id)
        rows.append([label, project_id, fields.get("secondary_ID", ""), fields.get("name", "")])
    return Table(["label", "ID", "Secondary_ID", "Name"], rows)


def delete_item(call: Call) -> Response:
    """Delete an item, or unshare it when it is addressed through a project that shares it."""
    if call.path.get("tail"):
        raise Refusal(400, "Unknown URI")
    item = holders_of(call)[0]
    if "project" in call.path and isinstance(item, Subject | Experiment | Assessor):
        project = project_of(call)
        if item.project != project.id:
            return _unshare(call, item, project.id)
    require_reason(call)
    if not can_delete(call.site, call.user, item):
        raise Refusal(403, "User account doesn't have permission to delete this item.")
    running = call.site.open_workflow(item.id)
    if running is not None and call.site.settings.open_workflows_block_delete:
        raise Refusal(409, f"Specified item is being processed ({running.pipeline_name}).")
    if isinstance(item, Subject):
        held = item.experiments.values()
        if not all(can_delete(call.site, call.user, one) for one in held):
            raise Refusal(403, "User account doesn't have permission to delete this subject.")
    record(call, item, "Deleted")
    if not call.flag("removeFiles"):
        call.site.orphaned.append(item.id)
    call.site.remove(item)
    return text("")


def put_or_refuse(call: Call) -> Response:
    """PUT on an item; below one, an unknown tail has nothing to say to a body."""
    if call.path.get("tail"):
        raise Refusal(400, "Unknown URI")
    if "scan" in call.path or "assessor" in call.path or "reconstruction" in call.path:
        return put_item(call)
    return put_experiment(call) if "experiment" in call.path else put_subject(call)


def routes() -> list[Route]:
    """The most specific paths first; ``/data/subjects/S`` items are only read and deleted."""
    session = [
        "/data/experiments/{experiment}",
        "/data/projects/{project}/subjects/{subject}/experiments/{experiment}",
    ]
    below = ("scans/{scan}", "assessors/{assessor}", "reconstructions/{reconstruction}")
    paths = [f"{owner}/{member}" for owner in session for member in below]
    paths += [*session, "/data/projects/{project}/experiments/{experiment}"]
    paths += ["/data/projects/{project}/subjects/{subject}"]
    found = []
    for path in paths:
        found += routes_with_tail(path, GET=get_item, PUT=put_or_refuse, DELETE=delete_item)
    found += routes_with_tail("/data/subjects/{subject}", GET=get_item, DELETE=delete_item)
    return found


def _unshare(call: Call, item: Subject | Experiment | Assessor, project_id: str) -> Response:
    project = call.site.projects[project_id]
    if not can_edit(call.site, call.user, project):
        raise Refusal(403, "Insufficient privileges to remove the item from this project.")
    if isinstance(item, Experiment) and any(one.project == project_id for one in item.assessors.values()):
        raise Refusal(403, "Assessors of the session belong to this project.")
    call.site.unshare(item, project_id)
    return text("")
