"""What the server says of itself: build, settings, plugins, data types and schemas."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Item
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.datatypes import IMAGE_SESSION
from xnat_tui.demo.replies import Refusal, Table, json_reply, text
from xnat_tui.demo.rights import GUEST, can_read
from xnat_tui.demo.schemas import schema, schema_names

_OPEN_PREFERENCES = ("siteId", "siteUrl")


def build_info(call: Call) -> Response:
    return json_reply(_build(call))


def build_attribute(call: Call) -> Response:
    found = _build(call).get(call.path["attribute"])
    if found is None:
        raise Refusal(404)
    return text(found)


def preference(call: Call) -> Response:
    """One site preference: text or JSON; all but a few need an administrator."""
    name = call.path["property"]
    settings = call.site.settings
    known: dict[str, object] = {
        "siteId": settings.site_id,
        "siteUrl": call.base_url,
        "archivePath": settings.archive_path,
        "requireLogin": settings.require_login,
        "checksums": settings.checksums,
        "enableSitewideAnonymizationScript": settings.anonymize,
        "sitewideAnonymizationScript": settings.site_script,
        "requireChangeJustification": settings.require_change_justification,
        "sessionTimeout": f"{settings.session_timeout_seconds // 60} minutes",
        "uiAllowNonAdminProjectCreation": settings.allow_non_admin_project_creation,
        "uptime": _uptime(call.site.clock() - call.site.started),
        **settings.preferences,
    }
    if name not in (*_OPEN_PREFERENCES, "uptime") and not call.user.admin:
        raise Refusal(403)
    if name not in known:
        raise Refusal(404)
    value = known[name]
    return text(value) if isinstance(value, str) else json_reply(value)


def plugins(call: Call) -> Response:
    return json_reply(call.site.settings.plugins)


def plugin(call: Call) -> Response:
    found = call.site.settings.plugins.get(call.path["plugin"])
    if found is None:
        raise Refusal(404)
    return json_reply(found)


def list_schemas(call: Call) -> Response:
    return json_reply(schema_names(call.site))


def get_schema(call: Call) -> Response:
    body = schema(call.site, call.path["name"])
    if body is None:
        raise Refusal(404)
    return Response(body, media_type="application/xml")


def datatypes(call: Call) -> Response:
    """All type names, abstract ones included (1.7.6 and newer)."""
    if not call.site.at_least(1, 7, 6):
        raise Refusal(404)
    return json_reply([one.name for one in call.site.types])


def searchable_datatypes(call: Call) -> Response:
    types = call.site.types
    return json_reply([one.name for one in types if one.element and types.is_a(one.name, IMAGE_SESSION)])


def elements(call: Call) -> Response:
    """The set-up types: what a copy to this server may contain. ``used`` drops the empty ones."""
    counts = _counts(call)
    rows = [
        [one.name, one.singular, one.plural, "true", str(counts.get(one.name, 0))]
        for one in call.site.types
        if one.singular
        and one.name not in call.site.settings.types_not_set_up
        and (counts.get(one.name) or not call.flag("used"))
    ]
    return call.table(Table(["ELEMENT_NAME", "SINGULAR", "PLURAL", "SECURED", "COUNT"], rows))


def access_projects(call: Call) -> Response:
    """Explicit memberships only, also for administrators (1.8 and newer)."""
    if not call.site.at_least(1, 8):
        raise Refusal(404)
    return json_reply(
        [
            {
                "ID": one.id,
                "name": one.fields.get("name", ""),
                "secondary_ID": one.fields.get("secondary_ID", ""),
                "role": f"{one.users[call.user.login].title()}s",
                "group_id": f"{one.id}_{one.users[call.user.login]}",
                "URI": f"/data/projects/{one.id}",
                "description": one.fields.get("description", ""),
            }
            for one in call.site.projects.values()
            if call.user.login in one.users
        ]
    )


def username(call: Call) -> Response:
    return text(call.user.login)


def roles(call: Call) -> Response:
    login = call.path["user"]
    if login != call.user.login and not call.user.admin:
        raise Refusal(403)
    user = call.site.users.get(login)
    if user is None and login != GUEST.login:
        raise Refusal(404)
    return json_reply(["Administrator"] if user is not None and user.admin else [])


def routes() -> list[Route]:
    config = "/xapi/siteConfig"
    return [
        route(f"{config}/buildInfo", GET=build_info),
        route(f"{config}/buildInfo/{{attribute}}", GET=build_attribute),
        route(f"{config}/{{property}}", GET=preference),
        route("/xapi/plugins", GET=plugins),
        route("/xapi/plugins/{plugin}", GET=plugin),
        route("/xapi/schemas", GET=list_schemas),
        route("/xapi/schemas/datatypes", GET=datatypes),
        route("/xapi/schemas/datatypes/searchable", GET=searchable_datatypes),
        route("/xapi/schemas/{name:path}", GET=get_schema),
        route("/data/search/elements", GET=elements),
        route("/xapi/access/projects", GET=access_projects),
        route("/xapi/users/username", GET=username),
        route("/xapi/users/{user}/roles", GET=roles),
    ]


def _uptime(up: timedelta) -> dict[str, str]:
    """``days``, ``hours`` and ``minutes`` where there are any, and always ``seconds`` with three digits."""
    hours, seconds = divmod(up.seconds, 3600)
    counted = {"days": up.days, "hours": hours, "minutes": seconds // 60}
    shown = {name: str(count) for name, count in counted.items() if count > 0}
    return {**shown, "seconds": f"{seconds % 60 + up.microseconds / 1e6:06.3f}"}


def _build(call: Call) -> dict[str, str]:
    return {
        "version": call.site.version,
        "buildNumber": "1",
        "buildDate": "Mon Jan 01 00:00:00 UTC 2024",
        "commit": "v0000000",
        "sha": "0" * 40,
        "branch": "master",
        "isDirty": "false",
        "timestamp": "1704067200000",
        "tag": call.site.version,
    }


def _counts(call: Call) -> dict[str, int]:
    site = call.site
    found: dict[str, int] = {
        "xnat:projectData": len(site.projects),
        "xnat:subjectData": sum(can_read(site, call.user, one) for one in site.subjects.values()),
    }
    stored: list[Item] = [*site.experiments.values(), *site.assessors.values()]
    for item in stored:
        found[item.xsi_type] = found.get(item.xsi_type, 0) + can_read(site, call.user, item)
    return found
