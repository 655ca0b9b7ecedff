"""The other list of projects: by role, by activity, with lower-case columns."""

from __future__ import annotations

from datetime import datetime

from xnat_tui.demo.archive import Project, timestamp
from xnat_tui.demo.calls import Call
from xnat_tui.demo.replies import Refusal, Table
from xnat_tui.demo.rights import edits_project, reads_project, sees_project

ROLE_NAMES = {"owner": "Owners", "member": "Members", "collaborator": "Collaborators"}
DESCRIPTION_LENGTH = 160
_MOMENTS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%m/%d/%Y",
)


def filtered_projects(call: Call) -> Table:
    """The table behind ``accessible=true``, ``owner=true``, ``activeSince=`` and the like."""
    user = call.user
    chosen = [one for one in call.site.projects.values() if sees_project(user, one)]
    for name in ROLE_NAMES:
        if call.flag(name):
            chosen = [one for one in chosen if one.users.get(user.login) == name]
    if call.params.get("data") == "readable":
        chosen = [one for one in chosen if reads_project(user, one)]
    if call.params.get("data") == "writable":
        chosen = [one for one in chosen if edits_project(user, one)]
    if "activeSince" in call.params:
        active = _active_since(call, _moment(call.params["activeSince"]))
        chosen = [one for one in chosen if one.id in active]
    columns = [
        "id", "name", "description", "secondary_id", "pi", "project_invs", "project_access",
        "project_access_img", "quarantine_status", "insert_date", "insert_user",
        f"user_role_{user.number}", f"last_accessed_{user.number}",
    ]  # fmt: skip
    rows = [_row(call, one) for one in chosen]
    if call.flag("prearc_code"):
        columns += ["proj_quarantine", "proj_prearchive_code"]
        for row, one in zip(rows, chosen, strict=True):
            row += [one.settings["quarantine_code"], one.settings["prearchive_code"]]
    more = {"xdat_user_id": str(user.number)} if call.site.settings.user_id_in_envelope else {}
    return Table(columns, rows, envelope=more)


def _row(call: Call, project: Project) -> list[str]:
    fields = project.fields
    lead = ", ".join(part for part in (fields.get("pi_lastname"), fields.get("pi_firstname")) if part)
    return [
        project.id,
        fields.get("name", ""),
        fields.get("description", "")[:DESCRIPTION_LENGTH],
        fields.get("secondary_ID", ""),
        lead,
        " <br/> ".join(project.investigators),
        project.accessibility,
        f"/images/{project.accessibility}.gif",
        project.status,
        timestamp(project.insert_date),
        project.insert_user,
        ROLE_NAMES.get(project.users.get(call.user.login, ""), ""),
        "",
    ]


def _active_since(call: Call, moment: datetime) -> set[str]:
    return {one.external_id for one in call.site.workflows.values() if one.launch_time > moment}


def _moment(value: str) -> datetime:
    for pattern in _MOMENTS:
        try:
            return datetime.strptime(value, pattern)
        except ValueError:
            continue
    raise Refusal(400, f"Unparseable date: {value}")
