"""The services on prearchive sessions: archive, validate-archive, and the batch calls."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archiving import (
    ArchiveFailure,
    Order,
    archive_address,
    archiving,
    problems,
)
from xnat_tui.demo.archiving import archive as archive_now
from xnat_tui.demo.background import Job
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.prearchive import (
    building,
    busy,
    by_address,
    check_move,
    deleting,
    moving,
    table,
)
from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.demo.replies import Refusal, Table, uri_list


def archive(call: Call) -> Response:
    """Archive one session and wait, or queue several.

    Since 1.8 every failure of a single one is a 500 with the reason; 1.7 answers 400 or 409.
    A site whose time-out is 0 answers 500 at once while the work goes on.
    """
    rows = _rows(call)
    if any(busy(row) for row in rows):
        raise Refusal(403, "Operation already in progress on this prearchive entry.")
    if any(not row.project for row in rows):
        raise Refusal(400, "Unassigned sessions cannot be archived.")
    if call.site.settings.require_change_justification and not call.params.get("event_reason"):
        raise Refusal(403, "Justification is required for this operation")
    if len(rows) > 1:
        for row in rows:
            call.site.background.start(row, archiving(call.site, _order(call, row, single=False)))
        return call.table(table(call.site, rows))
    return _archive_one(call, rows[0])


def validate(call: Call) -> Response:
    """The problems that archiving would meet, nothing is archived."""
    found = [one for row in _rows(call) for one in problems(call.site, _order(call, row, single=True))]
    rows = [[str(one.code), one.kind, one.message] for one in found]
    return call.table(Table(["code", "type", "message"], rows))


def delete(call: Call) -> Response:
    return _batch(call, lambda row: deleting(call.site, row))


def rebuild(call: Call) -> Response:
    return _batch(call, lambda row: building(call.site, row))


def move(call: Call) -> Response:
    """To ``newProject``: 400 without one, 404 unknown, 403 no right there, 409 taken there."""
    name = call.params.get("newProject", "")
    targets = {id(row): check_move(call.site, call.user, row, name) for row in _rows(call)}
    return _batch(call, lambda row: moving(call.site, row, targets[id(row)]))


def routes() -> list[Route]:
    services = "/data/services"
    return [
        route(f"{services}/archive", POST=archive),
        route(f"{services}/validate-archive", POST=validate),
        route(f"{services}/prearchive/delete", POST=delete),
        route(f"{services}/prearchive/rebuild", POST=rebuild),
        route(f"{services}/prearchive/move", POST=move),
    ]


def _rows(call: Call) -> list[PrearchiveSession]:
    sources = call.repeated.get("src", [])
    if not sources:
        raise Refusal(400, "src is required")
    return [by_address(call.site, call.user, one) for one in sources]


def _batch(call: Call, job: Callable[[PrearchiveSession], Job]) -> Response:
    """Queue the rows and show them as they are then; ``async=false`` waits for the work."""
    rows = _rows(call)
    if any(busy(row) for row in rows):
        raise Refusal(403, "Operation already in progress on this prearchive entry.")
    for row in rows:
        call.site.background.start(row, job(row))
    shown = call.table(table(call.site, rows))
    if call.params.get("async", "true").lower() == "false":
        for row in rows:
            call.site.background.finish(row)
    return shown


def _order(call: Call, row: PrearchiveSession, *, single: bool) -> Order:
    overwrite = call.params.get("overwrite", "")
    edits = {
        name.partition("/")[2]: value
        for name, value in call.params.items()
        if "/" in name and name.partition("/")[0].endswith("SessionData")
    }
    return Order(
        row,
        call.user,
        subject=call.plain.get("subject", ""),
        session=call.plain.get("session", ""),
        overwrite=overwrite,
        overwrite_files=call.params.get("overwrite_files") == "true",
        quarantine=call.flag("quarantine"),
        trigger_pipelines=call.params.get("triggerPipelines", "true").lower() not in ("false", "0"),
        merge=single and call.site.at_least(1, 8),
        replace=overwrite == "delete" and not single,
        edits=edits,
    )


def _archive_one(call: Call, row: PrearchiveSession) -> Response:
    site, order = call.site, _order(call, row, single=True)
    automatic = row.autoarchive.startswith("AutoArchive")
    waits = site.at_least(1, 8)
    if waits and site.settings.archive_timeout_seconds <= 0:
        site.background.start(row, archiving(site, order))
        raise Refusal(500, f"Timed out while waiting for {row.url} to be archived.")
    try:
        session = archive_now(site, order)
    except ArchiveFailure as failure:
        raise Refusal(500 if waits else failure.status, failure.message) from failure
    address = archive_address(session)
    listener = call.params.get("http-session-listener", "")
    unasked = call.params.get("auto-archive", "").lower() != "false"
    if call.params.get("redirect") == "true" or listener or (automatic and unasked):
        raise Refusal(303, "See Other", Location=call.base_url + address)
    return uri_list([address])
