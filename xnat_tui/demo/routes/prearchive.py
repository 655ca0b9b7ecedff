"""The prearchive: its lists, its sessions with scans and files, and the actions on one session."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archives import MEDIA_TYPES, Member, stream
from xnat_tui.demo.archiving import ArchiveFailure, Order, archive, archive_address
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.content import Content
from xnat_tui.demo.prearchive import (
    SETTLED,
    UNASSIGNED,
    UNBUILT,
    build,
    check_move,
    edits_row,
    find,
    locked,
    move,
    reads_row,
    remove,
    session_xml,
    set_status,
    table,
)
from xnat_tui.demo.records import PrearchiveScan, PrearchiveSession
from xnat_tui.demo.replies import Refusal, Table, streamed, text, uri_list
from xnat_tui.demo.rights import reads_project

_STATUSES = frozenset([*SETTLED, "RECEIVING", "BUILDING", "ARCHIVING", "MOVING", "DELETING"])


def list_all(call: Call) -> Response:
    """Rows of every project the user may edit; queued work then goes on by one step."""
    rows = [row for row in call.site.prearchive if edits_row(call.site, call.user, row)]
    tag = call.params.get("tag", "")
    if tag:
        if not call.user.admin:
            raise Refusal(403, "Only users with access to all data may search by tag.")
        rows = [row for row in rows if row.tag == tag]
    return _listed(call, rows)


def rescan(call: Call) -> Response:
    if not call.user.admin:
        raise Refusal(403)
    return text("")


def list_project(call: Call) -> Response:
    """Rows of a project; administrators get all Unassigned rows besides."""
    asked = unquote(call.path["project"])
    names = [asked] if not call.user.admin else asked.split(",")
    wanted = set()
    for name in names:
        if name == UNASSIGNED:
            if not call.user.admin:
                raise Refusal(403, "Unassigned data need access to all data.")
            wanted.add("")
            continue
        project = call.site.project(name)
        if project is None or not reads_project(call.user, project):
            raise Refusal(403, "Invalid permissions for this project.")
        wanted.add(project.id)
    if call.user.admin:
        wanted.add("")
    return _listed(call, [row for row in call.site.prearchive if row.project in wanted])


def list_recent(call: Call) -> Response:
    """Rows that arrived within the last ``recent`` days, the newest first."""
    given = call.params.get("recent", "60")
    since = call.site.clock() - timedelta(days=int(given) if given.isdigit() else 60)
    rows = [
        row
        for row in call.site.prearchive
        if edits_row(call.site, call.user, row) and row.uploaded is not None and row.uploaded >= since
    ]
    return _listed(call, sorted(rows, key=lambda row: row.timestamp, reverse=True))


def get_session(call: Call) -> Response:
    """One row, the session's XML (404 while unbuilt) or its files as an archive."""
    if not call.site.at_least(1, 7, 3):
        raise Refusal(404)
    row, form = _row(call), call.form()
    if form in MEDIA_TYPES:
        return _archive(row, list(row.scans.values()), form)
    if form == "xml":
        if row.status in UNBUILT or row.status == "ERROR":
            raise Refusal(404, "The session document has not been built.")
        return Response(session_xml(call.site, row), media_type="text/xml")
    return _listed(call, [row])


def act(call: Call) -> Response:
    """``action`` on a session; 409 while it is locked, which ``reset-status`` overrides."""
    row = _row(call)
    if not edits_row(call.site, call.user, row):
        raise Refusal(403, "Invalid permissions for this prearchive session.")
    action = call.params.get("action", "")
    found = _ACTIONS.get(action)
    if found is None:
        raise Refusal(400, f"Unsupported action: {action}")
    if locked(row) and action != "reset-status":
        raise Refusal(409, "Session is locked.")
    return found(call, row)


def delete_session(call: Call) -> Response:
    row = _row(call)
    if not edits_row(call.site, call.user, row):
        raise Refusal(403, "Invalid permissions for this prearchive session.")
    if locked(row):
        raise Refusal(409, "Session is locked.")
    remove(call.site, row)
    call.site.background.cancel(row)
    return text("")


def logs(call: Call) -> Response:
    """A table of the logs, the oldest first; ``template`` other than ``details`` lists their IDs alone."""
    row = _row(call)
    if call.params.get("template", "details") != "details":
        return call.table(Table(["id"], [[str(number)] for number in range(len(row.logs))], total=False))
    moment = "" if row.lastmod is None else row.lastmod.strftime("%a %b %d %H:%M:%S UTC %Y")
    rows = [[str(number), moment, line] for number, line in enumerate(row.logs)]
    return call.table(Table(["id", "date", "entry"], rows, total=False))


def last_log(call: Call) -> Response:
    lines = _row(call).logs
    return text(lines[-1] if lines else "")


def list_scans(call: Call) -> Response:
    scans = _row(call).scans.values()
    rows = [[one.id, one.xsi_type, one.series_description] for one in scans]
    return call.table(Table(["ID", "xsiType", "series_description"], rows, total=False))


def get_scan(call: Call) -> Response:
    row, scan, form = _row(call), _scan(call), call.form()
    if form in MEDIA_TYPES:
        return _archive(row, [scan], form)
    cells = [scan.id, scan.xsi_type, scan.series_description]
    return call.table(Table(["ID", "xsiType", "series_description"], [cells], total=False))


def delete_scan(call: Call) -> Response:
    row, scan = _row(call), _scan(call)
    if not edits_row(call.site, call.user, row):
        raise Refusal(403, "Invalid permissions for this prearchive session.")
    if locked(row):
        raise Refusal(409, "Session is locked.")
    del row.scans[scan.id]
    set_status(call.site, row, row.status, f"Scan {scan.id} deleted.")
    return text("")


def scan_resources(call: Call) -> Response:
    rows = [[label, *_totals(files)] for label, files in _scan(call).resources.items()]
    return call.table(Table(["label", "file_count", "file_size"], rows, total=False))


def session_resources(call: Call) -> Response:
    rows = [
        ["scans", scan.id, label, *_totals(files)]
        for scan in _row(call).scans.values()
        for label, files in scan.resources.items()
    ]
    columns = ["category", "cat_id", "label", "file_count", "file_size"]
    return call.table(Table(columns, rows, total=False))


def list_files(call: Call) -> Response:
    row, scan, files, form = _row(call), _scan(call), _files(call), call.form()
    label = unquote(call.path["resource"])
    if form in MEDIA_TYPES:
        chosen = PrearchiveScan(scan.id, resources={label: files})
        return _archive(row, [chosen], form)
    start = f"/data{row.url}/scans/{scan.id}/resources/{label}/files"
    rows = [[name.rsplit("/", 1)[-1], str(data.size), f"{start}/{name}"] for name, data in files.items()]
    return call.table(Table(["Name", "Size", "URI"], rows, total=False))


def get_file(call: Call) -> Response:
    data = _files(call).get(unquote(call.path["file"]))
    if data is None:
        raise Refusal(404, "Unable to find file.")
    headers = {"Content-Length": str(data.size)}
    return streamed(data.chunks(), "application/octet-stream", headers)


def routes() -> list[Route]:
    top = "/data/prearchive"
    session = f"{top}/projects/{{project}}/{{timestamp}}/{{folder}}"
    scan = f"{session}/scans/{{scan}}"
    files = f"{scan}/resources/{{resource}}/files"
    return [
        route(top, GET=list_all, PUT=rescan),
        route(f"{top}/projects", GET=list_all),
        route(f"{top}/experiments", GET=list_recent),
        route(f"{top}/projects/{{project}}", GET=list_project),
        route(session, GET=get_session, POST=act, DELETE=delete_session),
        route(f"{session}/logs", GET=logs),
        route(f"{session}/logs/last", GET=last_log),
        route(f"{session}/resources", GET=session_resources),
        route(f"{session}/scans", GET=list_scans),
        route(scan, GET=get_scan, DELETE=delete_scan),
        route(f"{scan}/resources", GET=scan_resources),
        route(files, GET=list_files),
        route(f"{files}/{{file:path}}", GET=get_file),
    ]


def _listed(call: Call, rows: list[PrearchiveSession]) -> Response:
    shown = call.table(table(call.site, rows))
    call.site.background.advance()
    return shown


def _build(call: Call, row: PrearchiveSession) -> Response:
    call.site.background.cancel(row)
    build(call.site, row)
    return uri_list([f"/data{row.url}"])


def _reset(call: Call, row: PrearchiveSession) -> Response:
    call.site.background.cancel(row)
    set_status(call.site, row, "READY", "Status reset.")
    return uri_list([f"/data{row.url}"])


def _set_status(call: Call, row: PrearchiveSession) -> Response:
    status = call.params.get("status", "")
    if status not in _STATUSES:
        raise Refusal(400, f"Unknown status: {status}")
    set_status(call.site, row, status)
    return text("")


def _move(call: Call, row: PrearchiveSession) -> Response:
    """301 with the new address in the body and no Location."""
    target = check_move(call.site, call.user, row, call.params.get("newProject", ""))
    call.site.background.cancel(row)
    move(call.site, row, target)
    return text(f"/data{row.url}", 301, "text/uri-list")


def _commit(call: Call, row: PrearchiveSession) -> Response:
    """Build, then archive where that is wanted: 301 with the archive's address in the body."""
    build(call.site, row)
    call.site.background.cancel(row)
    automatic = row.autoarchive.startswith("AutoArchive")
    if not (call.flag("AA") or call.flag("auto-archive") or automatic):
        return uri_list([f"/data{row.url}"])
    overwrite = call.params.get("overwrite", "")
    if row.autoarchive == "AutoArchiveOverwrite":
        overwrite = overwrite or "append"
    try:
        session = archive(call.site, Order(row, call.user, overwrite=overwrite))
    except ArchiveFailure as failure:
        raise Refusal(500 if call.site.at_least(1, 8) else failure.status, failure.message) from failure
    return text(archive_address(session), 301, "text/uri-list")


_ACTIONS = {
    "build": _build,
    "reset-status": _reset,
    "set-status": _set_status,
    "move": _move,
    "commit": _commit,
}


def _row(call: Call) -> PrearchiveSession:
    place = [unquote(call.path[name]) for name in ("project", "timestamp", "folder")]
    row = find(call.site, *place)
    if row is None:
        raise Refusal(404, "Unable to find prearchive session.")
    if not reads_row(call.site, call.user, row):
        raise Refusal(403, "Invalid permissions for this project.")
    return row


def _scan(call: Call) -> PrearchiveScan:
    scan = _row(call).scans.get(unquote(call.path["scan"]))
    if scan is None:
        raise Refusal(404, "Unable to find scan.")
    return scan


def _files(call: Call) -> dict[str, Content]:
    files = _scan(call).resources.get(unquote(call.path["resource"]))
    if files is None:
        raise Refusal(404, "Unable to find resource.")
    return files


def _totals(files: dict[str, Content]) -> list[str]:
    return [str(len(files)), str(sum(one.size for one in files.values()))]


def _archive(row: PrearchiveSession, scans: list[PrearchiveScan], form: str) -> Response:
    members: list[Member] = [
        (f"{row.folder_name}/SCANS/{scan.id}/{label}/{name}", data)
        for scan in scans
        for label, files in scan.resources.items()
        for name, data in files.items()
    ]
    if not members:
        raise Refusal(404, "No files to download")
    headers = {"Content-Disposition": f'attachment; filename="{row.folder_name}.{form}"'}
    return streamed(stream(form, members), MEDIA_TYPES[form], headers)
