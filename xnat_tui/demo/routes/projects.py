"""Projects: the item, its settings, and its removal."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.creation import put_project
from xnat_tui.demo.replies import Refusal, text
from xnat_tui.demo.rights import owns_project
from xnat_tui.demo.routes.items import item_reply
from xnat_tui.demo.targets import project_of
from xnat_tui.demo.traces import record

_ALLOWED = {
    "prearchive_code": ("0", "1", "4", "5"),
    "quarantine_code": ("0", "1"),
}


def get_project(call: Call) -> Response:
    return item_reply(call, project_of(call))


def delete_project(call: Call) -> Response:
    """Remove a project; what was shared into it is unshared, its ID stays burned."""
    project = project_of(call)
    if not owns_project(call.user, project) or call.site.settings.prevent_data_deletion:
        raise Refusal(403, "User account doesn't have permission to delete this project.")
    record(call, project, "Deleted")
    call.site.remove(project)
    return text("")


def get_accessibility(call: Call) -> Response:
    return text(project_of(call).accessibility)


def put_accessibility(call: Call) -> Response:
    project = project_of(call)
    if not owns_project(call.user, project):
        raise Refusal(403, "Unable to modify project")
    if call.path["value"] not in ("public", "protected", "private"):
        raise Refusal(400, "Unknown accessibility")
    if project.accessibility != call.path["value"]:
        project.accessibility = call.path["value"]
        record(call, project, "Modified Project")
    return text(project.accessibility)


def get_setting(call: Call) -> Response:
    return text(project_of(call, data=True).settings.get(_setting(call), ""))


def put_setting(call: Call) -> Response:
    """``prearchive_code`` (0, 1, 4, 5), ``quarantine_code`` (0, 1) or ``current_arc``."""
    project, name, value = project_of(call), _setting(call), call.path["value"]
    if not owns_project(call.user, project):
        raise Refusal(403, "Unable to modify project")
    if value not in _ALLOWED.get(name, (value,)):
        raise Refusal(400, f"Invalid {name}")
    project.settings[name] = value
    record(call, project, "Modified Project")
    return text("")


def unknown_tail(call: Call) -> Response:
    project_of(call)
    raise Refusal(400, "Unknown URI")


def routes() -> list[Route]:
    owner = "/data/projects/{project}"
    found = [
        route(owner, GET=get_project, PUT=put_project, DELETE=delete_project),
        route(f"{owner}/accessibility", GET=get_accessibility),
        route(f"{owner}/accessibility/{{value}}", PUT=put_accessibility, GET=get_accessibility),
    ]
    for name in ("prearchive_code", "quarantine_code", "current_arc"):
        found += [
            route(f"{owner}/{name}", GET=get_setting),
            route(f"{owner}/{name}/{{value}}", GET=get_setting, PUT=put_setting),
        ]
    found.append(
        route(
            f"{owner}/{{tail:path}}",
            GET=unknown_tail,
            PUT=unknown_tail,
            POST=unknown_tail,
            DELETE=unknown_tail,
        )
    )
    return found


def _setting(call: Call) -> str:
    return call.url_path.split("/")[4]
