"""The anonymisation scripts of the site and of projects: DicomEdit text, and whether it is in force."""

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
    """204 where there is none; of one that is switched off the source leaves open what comes."""
    settings = _readable(call).settings
    shown = settings.get(_ENABLED) == "true" or call.site.settings.disabled_scripts == "shown"
    if not shown or not settings.get(_SCRIPT):
        return Response(status_code=204)
    return text(settings[_SCRIPT])


def put_script(call: Call) -> Response:
    """Store a script; it is in force at once."""
    project = _owned(call)
    project.settings[_SCRIPT], project.settings[_ENABLED] = _sent_script(call), "true"
    return text("")


def get_enabled(call: Call) -> Response:
    return json_reply(_readable(call).settings.get(_ENABLED) == "true")


def put_enabled(call: Call) -> Response:
    project = _owned(call)
    if _SCRIPT not in project.settings:
        raise Refusal(500, "There was an error in the request : null")
    project.settings[_ENABLED] = "true" if _sent_enabled(call) else "false"
    return text("")


def get_site_script(call: Call) -> Response:
    """Empty where it is switched off, and no 204."""
    settings = call.site.settings
    shown = settings.anonymize or settings.disabled_scripts == "shown"
    return text(settings.site_script if shown else "")


def put_site_script(call: Call) -> Response:
    """Store the text alone: whether it is in force is a preference of its own."""
    _administrator(call)
    call.site.settings.site_script = _sent_script(call)
    return text("")


def get_site_enabled(call: Call) -> Response:
    return json_reply(call.site.settings.anonymize)


def put_site_enabled(call: Call) -> Response:
    _administrator(call)
    call.site.settings.anonymize = _sent_enabled(call)
    return text("")


def no_config(call: Call) -> Response:
    """The older service that kept scripts: a project without a configuration of this name."""
    project_of(call)
    raise Refusal(404, f"Config not found for '{call.path['tool']}'")


def routes() -> list[Route]:
    project = "/xapi/anonymize/projects/{project}"
    return [
        route(project, GET=get_script, PUT=put_script),
        route(f"{project}/enabled", GET=get_enabled, PUT=put_enabled),
        route("/xapi/anonymize/site", GET=get_site_script, PUT=put_site_script),
        route("/xapi/anonymize/site/enabled", GET=get_site_enabled, PUT=put_site_enabled),
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


def _administrator(call: Call) -> None:
    if not call.user.admin:
        raise Refusal(403)


def _sent_script(call: Call) -> str:
    _of_type(call, "text/plain")
    return call.body().decode()


def _sent_enabled(call: Call) -> bool:
    """From the address: the body is not looked at."""
    _of_type(call, "application/json")
    return call.params.get("enable", "true") == "true"


def _of_type(call: Call, wanted: str) -> None:
    """What the handlers say that they consume, they consume alone."""
    sent = call.uploads[0].content_type if call.uploads else ""
    if sent.partition(";")[0].strip() != wanted:
        raise Refusal(415)
