"""Sharing, unsharing and change of ownership: the ``projects`` below an item."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Assessor, Experiment, Project, Subject
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.replies import Refusal
from xnat_tui.demo.rights import can_delete, edits_project, reads_project
from xnat_tui.demo.routes.items import projects_table
from xnat_tui.demo.site import kind_of
from xnat_tui.demo.targets import holders_of, valid_label
from xnat_tui.demo.traces import record, require_reason

Shareable = Subject | Experiment | Assessor


def list_projects(call: Call) -> Response:
    """The owner first, then the sharing projects."""
    return call.table(projects_table(call, _item(call)))


def share(call: Call) -> Response:
    """Share into a project, or with ``primary=true`` give to it; the projects table, HTML by default.

    409 when the item is there already: for experiments even when the call has just changed the
    label of the share; a subject's label changes with 200, and the same label again is 409.
    """
    item, target = _item(call), _target(call)
    label = call.plain.get("label", "")
    require_reason(call)
    if not edits_project(call.user, target):
        raise Refusal(403, "Specified user account has insufficient create privileges in this project.")
    if label and not valid_label(label):
        raise Refusal(call.site.settings.bad_label_status, f"Invalid character in label: {label}")
    if call.params.get("primary") == "true":
        _give(call, item, target, label)
    else:
        _share(call, item, target, label)
    return _table(call, item)


def unshare(call: Call) -> Response:
    item, target = _item(call), _target(call)
    if target.id not in item.shares:
        raise Refusal(400 if item.project == target.id else 404, "The item is not shared into this project.")
    require_reason(call)
    if not edits_project(call.user, target):
        raise Refusal(403, "Insufficient privileges to remove the item from this project.")
    if isinstance(item, Experiment) and any(one.project == target.id for one in item.assessors.values()):
        raise Refusal(403, "Assessors of the session belong to this project.")
    call.site.unshare(item, target.id)
    record(call, item, "Removed from Project")
    return _table(call, item)


def routes() -> list[Route]:
    in_subject = "/data/projects/{project}/subjects/{subject}"
    owners = [
        in_subject,
        "/data/subjects/{subject}",
        "/data/projects/{project}/experiments/{experiment}",
    ]
    for session in (f"{in_subject}/experiments/{{experiment}}", "/data/experiments/{experiment}"):
        owners += [f"{session}/assessors/{{assessor}}", session]
    found = []
    for owner in owners:
        found += [
            route(f"{owner}/projects", GET=list_projects),
            route(f"{owner}/projects/{{target}}", GET=list_projects, PUT=share, DELETE=unshare),
        ]
    return found


def _item(call: Call) -> Shareable:
    holders = holders_of(call)
    if len(holders) != 1 or not isinstance(holders[0], Subject | Experiment | Assessor):
        raise Refusal(404, "The address names no single item")
    return holders[0]


def _target(call: Call) -> Project:
    project = call.site.project(call.path["target"])
    if project is None or not reads_project(call.user, project):
        raise Refusal(404, f"Unable to find project '{call.path['target']}'")
    return project


def _share(call: Call, item: Shareable, target: Project, label: str) -> None:
    site = call.site
    allowed = site.settings.sharing_enabled and target.settings.get("sharing", "true") == "true"
    if not allowed:
        raise Refusal(403, "Sharing is not allowed.")
    if item.project == target.id:
        raise Refusal(409, "Already assigned to project")
    known = target.id in item.shares
    shown = label or item.label
    unchanged = known and site.label_in(item, target.id) == shown
    if not unchanged and site.label_taken(kind_of(item), target.id, shown):
        raise Refusal(409, "Specified label is already in use.")
    if known and (not label or label == item.shares[target.id]):
        raise Refusal(409, f"Already assigned to project: {target.id}")
    site.share(item, target.id, label or None)
    record(call, item, "Configured Project Sharing")
    if known and not isinstance(item, Subject):
        raise Refusal(409, f"Already assigned to project: {target.id}")


def _give(call: Call, item: Shareable, target: Project, label: str) -> None:
    if item.project == target.id:
        raise Refusal(409, "Already assigned to project")
    if not can_delete(call.site, call.user, item):
        raise Refusal(403, "Insufficient privileges to change the owner.")
    shown = label or (call.site.label_in(item, target.id) if target.id in item.shares else item.label)
    holder = (call.site.subject if isinstance(item, Subject) else call.site.experiment)(shown, target.id)
    clash = holder is not None and holder is not item
    if clash and not call.site.settings.owner_clash_goes_on:
        raise Refusal(409, "Specified label is already in use.")
    call.site.move(item, target.id, shown)
    wanted = call.params.get("moveAssessors", "").split(",")
    if isinstance(item, Experiment):
        for assessor in item.assessors.values():
            if assessor.id in wanted:
                call.site.move(assessor, target.id)
    record(call, item, "Modified Project Ownership")
    if clash:
        raise Refusal(409, "Specified label is already in use.")


def _table(call: Call, item: Shareable) -> Response:
    return call.table(projects_table(call, item), default="html")
