"""The JSON custom fields of items, a store apart from the custom variables (1.8.8 and newer)."""

from __future__ import annotations

import json

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Item, Project
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.replies import Refusal, json_reply, text
from xnat_tui.demo.rights import can_edit, owns_project
from xnat_tui.demo.targets import holders_of


def get_fields(call: Call) -> Response:
    return json_reply(_item(call).custom_fields)


def put_fields(call: Call) -> Response:
    """Merge a JSON object into the fields; the whole object comes back."""
    item = _editable(call)
    try:
        given = json.loads(call.body())
    except ValueError as error:
        raise Refusal(400, "A JSON object is expected") from error
    if not isinstance(given, dict):
        raise Refusal(400, "A JSON object is expected")
    item.custom_fields.update(given)
    call.site.touch(item)
    return json_reply(item.custom_fields)


def get_field(call: Call) -> Response:
    fields = _item(call).custom_fields
    if call.path["field"] not in fields:
        raise Refusal(404)
    value = fields[call.path["field"]]
    return text(value if isinstance(value, str) else json.dumps(value))


def delete_field(call: Call) -> Response:
    item = _editable(call)
    if call.path["field"] not in item.custom_fields:
        raise Refusal(404)
    del item.custom_fields[call.path["field"]]
    call.site.touch(item)
    return json_reply(item.custom_fields)


def routes() -> list[Route]:
    top, project = "/xapi/custom-fields", "/xapi/custom-fields/projects/{project}"
    sessions = [
        f"{top}/experiments/{{experiment}}",
        f"{project}/experiments/{{experiment}}",
        f"{project}/subjects/{{subject}}/experiments/{{experiment}}",
    ]
    below = [f"{one}/{kind}s/{{{kind}}}" for one in sessions for kind in ("scan", "assessor")]
    owners = [*below, *sessions, f"{top}/subjects/{{subject}}", f"{project}/subjects/{{subject}}", project]
    found = []
    for owner in owners:
        found += [
            route(f"{owner}/fields", GET=get_fields, PUT=put_fields),
            route(f"{owner}/fields/{{field}}", GET=get_field, DELETE=delete_field),
        ]
    return found


def _item(call: Call) -> Item:
    if not call.site.at_least(1, 8, 8):
        raise Refusal(404)
    return holders_of(call)[0]


def _editable(call: Call) -> Item:
    item = _item(call)
    allowed = (
        owns_project(call.user, item) if isinstance(item, Project) else can_edit(call.site, call.user, item)
    )
    if not allowed:
        raise Refusal(403)
    return item
