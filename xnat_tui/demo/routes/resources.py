"""Resources: their lists, their catalogs, and making and removing them."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import Experiment, Item, Scan
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.catalog import catalog_xml
from xnat_tui.demo.item_json import resource_json
from xnat_tui.demo.placement import Placed, described, everything, own_list, placed, side_of
from xnat_tui.demo.replies import Refusal, Table, json_reply, text
from xnat_tui.demo.rights import can_delete, can_edit
from xnat_tui.demo.targets import holders_of
from xnat_tui.demo.traces import record, require_reason

COLUMNS = (
    "xnat_abstractresource_id", "label", "element_name", "category", "cat_id", "cat_desc",
    "file_count", "file_size", "tags", "content", "format",
)  # fmt: skip
_SESSIONS = (
    "/data/experiments/{experiment}",
    "/data/projects/{project}/subjects/{subject}/experiments/{experiment}",
)
OWNERS = (
    *(f"{owner}/scans/{{scan}}" for owner in _SESSIONS),
    *(f"{owner}/{kind}s/{{{kind}}}" for owner in _SESSIONS for kind in ("assessor", "reconstruction")),
    *(
        f"{owner}/{kind}s/{{{kind}}}/{{side}}"
        for owner in _SESSIONS
        for kind in ("assessor", "reconstruction")
    ),
    *_SESSIONS,
    "/data/projects/{project}/experiments/{experiment}",
    "/data/projects/{project}/subjects/{subject}",
    "/data/subjects/{subject}",
    "/data/projects/{project}",
)
"""Every address that has resources below it."""


def list_resources(call: Call) -> Response:
    """Resources with the counts of the database, blank until somebody updated them."""
    everywhere = call.flag("all")
    rows = [_row(call, one, everywhere) for one in placed(call)]
    return call.table(Table(COLUMNS, rows, title="Resources"))


def get_catalog(call: Call) -> Response:
    """The catalog XML; on a session path every level is searched, two matches answer nothing."""
    found = placed(call)
    if not found and "experiment" in call.path:
        key = call.path["resource"]
        sessions = [one for one in holders_of(call) if isinstance(one, Experiment)]
        levels = [place for one in sessions for place in everything(call, one)]
        found = [place for place in levels if place.resource.label == key]
    if not found:
        raise Refusal(404, "Unable to find the specified resource.")
    if len(found) > 1:
        return text("")
    one = found[0]
    if call.form("xml") == "json" and call.site.settings.resource_as_json_item:
        return json_reply(resource_json(call.site, one.holder, one.resource, one.side))
    return Response(catalog_xml(one.resource), media_type="text/xml")


def put_resource(call: Call) -> Response:
    """200 with an empty body; 409 when the resource exists."""
    holder, key = _holder(call), call.path["resource"]
    if not can_edit(call.site, call.user, holder):
        raise Refusal(403, "Insufficient privileges to edit this item.")
    require_reason(call)
    check_label(key)
    group = own_list(holder, side_of(call, holder))
    if any(one.label == key or str(one.id) == key for one in group):
        raise Refusal(409, "Specified resource already exists.")
    create_resource(call, holder, key)
    return text("")


def check_label(label: str) -> None:
    """``..`` and what looks like SQL are refused."""
    if ".." in label or "'" in unquote(label):
        raise Refusal(400, "Invalid resource label")


def create_resource(call: Call, holder: Item, label: str) -> Placed:
    """A new resource where the path says, with the attributes that the parameters give."""
    check_label(label)
    side = side_of(call, holder)
    content = call.params.get("content", "")
    if isinstance(holder, Scan) and not content and holder.fields.get("type") and not holder.resources:
        content = "RAW"  # the first one of a typed scan
    tags = [part for value in call.repeated.get("tags", []) for part in value.split(",") if part]
    resource = call.site.new_resource(
        label,
        format=call.params.get("format", ""),
        content=content,
        tags=tuple(tags),
        description=call.params.get("description", ""),
    )
    own_list(holder, side).append(resource)
    record(call, holder, "Created Resource")
    return Placed(resource, holder, side)


def delete_resource(call: Call) -> Response:
    """200 also when nothing was there; only with the delete right."""
    holder = _holder(call)
    if not can_delete(call.site, call.user, holder):
        raise Refusal(403, "User account doesn't have permission to delete this resource.")
    require_reason(call)
    found = placed(call)
    for one in found:
        group = own_list(one.holder, one.side)
        group[:] = [other for other in group if other is not one.resource]
    if found:
        record(call, holder, "Removed Resource")
    return text("")


def not_a_file(_call: Call) -> Response:
    raise Refusal(400, "This works at the catalog level; files are below /files/")


def routes() -> list[Route]:
    found = []
    for owner in OWNERS:
        found += [
            route(f"{owner}/resources", GET=list_resources),
            route(
                f"{owner}/resources/{{resource}}",
                GET=get_catalog,
                PUT=put_resource,
                POST=put_resource,
                DELETE=delete_resource,
            ),
            route(
                f"{owner}/resources/{{resource}}/{{tail:path}}",
                GET=not_a_file,
                PUT=not_a_file,
                POST=not_a_file,
                DELETE=not_a_file,
            ),
        ]
    return found


def _holder(call: Call) -> Item:
    holders = holders_of(call)
    if len(holders) != 1:
        raise Refusal(404, "The address names several items")
    return holders[0]


def _row(call: Call, place: Placed, everywhere: bool) -> list[str]:
    one = place.resource
    category, cat_id, cat_desc = described(call.site, place.holder, everywhere)
    return [
        str(one.id),
        one.label,
        "xnat:resourceCatalog",
        category,
        cat_id,
        cat_desc,
        "" if one.file_count is None else str(one.file_count),
        "" if one.file_size is None else str(one.file_size),
        ",".join(one.tags),
        one.content,
        one.format,
    ]
