"""Workflows: which a user may see, AutoRun, and their rows and items."""

from __future__ import annotations

from collections.abc import Iterator

from xnat_tui.demo.archive import Experiment, Item, timestamp
from xnat_tui.demo.records import User, Workflow
from xnat_tui.demo.rights import can_read, reads_project
from xnat_tui.demo.site import Site

AUTORUN = "xnat_tools/AutoRun.xml"
TYPE = "wrk:workflowData"


def autorun_enabled(site: Site, project_id: str) -> bool:
    """The project's own setting, else the site's, else on."""
    project = site.projects.get(project_id)
    own = project.settings.get("autorun", "") if project is not None else ""
    if own:
        return own == "true"
    return site.settings.preferences.get("autorun", True) is True


def launch_autorun(site: Site, session: Experiment, login: str) -> Workflow | None:
    """Start AutoRun on a session where it is enabled."""
    if not autorun_enabled(site, session.project):
        return None
    return site.add_workflow(session, AUTORUN, site.settings.autorun_status, user=login)


def item_of(site: Site, workflow: Workflow) -> Item | None:
    """The item that a workflow is about; None for deleted items and site-wide ones."""
    key = workflow.item_id
    found: Item | None = site.experiments.get(key) or site.assessors.get(key)
    return found or site.subjects.get(key) or site.projects.get(key)


def visible(site: Site, user: User) -> Iterator[Workflow]:
    """The workflows of projects that a user may read, oldest first; administrators see all."""
    for one in site.workflows.values():
        project = site.projects.get(one.external_id)
        if user.admin or one.create_user == user.login or (project and reads_project(user, project)):
            yield one


def may_change(user: User, workflow: Workflow) -> bool:
    """Only the creator and site administrators change a workflow, project owners do not."""
    return user.admin or workflow.create_user == user.login


def columns(workflow: Workflow) -> dict[str, str]:
    """The row by its schema names, blanks included."""
    found = {
        "ID": workflow.item_id,
        "data_type": workflow.data_type,
        "ExternalID": workflow.external_id,
        "pipeline_name": workflow.pipeline_name,
        "status": workflow.status,
        "launch_time": timestamp(workflow.launch_time),
        "create_user": workflow.create_user,
        "wrk_workflowData_id": str(workflow.number),
    }
    return {**found, **workflow.fields}


def item_document(workflow: Workflow) -> dict[str, object]:
    """The workflow as XNAT's JSON item; its number is a number there."""
    data: dict[str, object] = {name: value for name, value in columns(workflow).items() if value}
    data["wrk_workflowData_id"] = workflow.number
    meta = {"isHistory": False, "xsi:type": TYPE, "start_date": workflow.launch_time.ctime()}
    return {"items": [{"children": [], "data_fields": data, "meta": meta}]}


def readable_item(site: Site, user: User, workflow: Workflow) -> Item | None:
    item = item_of(site, workflow)
    return item if item is not None and can_read(site, user, item) else None
