"""The anonymisation script of a project: DicomEdit text, and whether it is in force."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Project
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.replies import Refusal, json_reply, text
from xnat_tui.demo.rights import edits_project, owns_project
from xnat_tui.demo.targets import project_of

_SCRIPT, _ENABLED = "anon_script", "anon_enabled"


def get_script(call: Call) -> Response:
    """204 where there is none, or none in force."""
    project = _readable(call)
    if project.settings.get(_ENABLED) != "true":
        return Response(status_code=204)
    return text(project.settings[_SCRIPT])


def put_script(call: Call) -> Response:
    """Store a script; it is in force at once."""
    project = _owned(call)
    project.settings[_SCRIPT], project.settings[_ENABLED] = call.body().decode(), "true"
    return text("")


def get_enabled(call: Call) -> Response:
    return json_reply(_readable(call).settings.get(_ENABLED) == "true")


def put_enabled(call: Call) -> Response:
    project = _owned(call)
    if _SCRIPT not in project.settings:
        raise Refusal(500, "There was an error in the request : null")
    project.settings[_ENABLED] = "true" if call.params.get("enable", "true") == "true" else "false"
    return text("")


def get_site_script(call: Call) -> Response:
    return text(str(call.site.settings.preferences.get(_SCRIPT, "")))


def get_site_enabled(call: Call) -> Response:
    return json_reply(call.site.settings.anonymize)


def no_config(call: Call) -> Response:
    """The older service that kept scripts: a project without a configuration of this name."""
    project_of(call)
    raise Refusal(404, f"Config not found for '{call.path['tool']}'")


def routes() -> list[Route]:
    project = "/xapi/anonymize/projects/{project}"
    return [
        route(project, GET=get_script, PUT=put_script),
        route(f"{project}/enabled", GET=get_enabled, PUT=put_enabled),
        route("/xapi/anonymize/site", GET=get_site_script),
        route("/xapi/anonymize/site/enabled", GET=get_site_enabled),
        route("/data/projects/{project}/config/{tool}", GET=no_config),
    ]


def _readable(call: Call) -> Project:
    project = project_of(call)
    if not edits_project(call.user, project):
        raise Refusal(403, "Insufficient privileges")
    return project


def _owned(call: Call) -> Project:
    project = project_of(call)
    if not owns_project(call.user, project):
        raise Refusal(403, "Insufficient privileges")
    return project
