"""Services on what is archived: catalogs, DICOM headers, session actions, counts and caches."""

from __future__ import annotations

import json
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.addresses import located
from xnat_tui.demo.archive import Derived, Experiment, Item
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.content import Content
from xnat_tui.demo.datatypes import IMAGE_SESSION
from xnat_tui.demo.dicom import content_bytes, dump, read_header
from xnat_tui.demo.maintenance import ACTIONS, run_action
from xnat_tui.demo.placement import Placed, everything, placed
from xnat_tui.demo.prearchive import find, reads_row
from xnat_tui.demo.refreshing import OPTIONS, chosen_options, refresh
from xnat_tui.demo.replies import Refusal, Table, html, json_reply, text
from xnat_tui.demo.targets import experiment_of, holders_of

_DUMP_COLUMNS = ("tag1", "tag2", "vr", "value", "desc")


def refresh_catalogs(call: Call) -> Response:
    """Refresh one address after the other and stop at the first that fails; 200 empty when done.

    400 in place of 500 when a justification is required and missing.
    """
    if call.site.settings.require_change_justification and not call.params.get("event_reason"):
        raise Refusal(400, "Justification is required for this operation")
    addresses = call.repeated.get("resource", [])
    if not addresses:
        raise Refusal(400, "resource is required")
    named = {part.strip() for part in call.params.get("options", "").split(",")} - {""}
    named |= {option for option in OPTIONS if call.flag(option)}
    for address in addresses:
        refresh(call, address, chosen_options(call.site, named))
    return text("")


def refresh_listed(call: Call) -> Response:
    """The same for a JSON list of addresses, the operations in the path."""
    try:
        addresses = json.loads(call.body())
    except ValueError as error:
        raise Refusal(400, "A JSON list is expected") from error
    if not isinstance(addresses, list):
        raise Refusal(400, "A JSON list is expected")
    named = call.path.get("operations", "All").split(",")
    options = chosen_options(call.site, [] if "All" in named else named)
    for address in addresses:
        refresh(call, str(address), options)
    return text("")


def dicom_dump(call: Call) -> Response:
    """The header of one file of ``src``, all elements or the ``field`` ones."""
    source = call.plain.get("src", "").removeprefix("/data")
    content = _prearchived(call, source) if source.startswith("/prearchive/") else _archived(call, source)
    header = read_header(content_bytes(content)) if content is not None else None
    if header is None:
        raise Refusal(404, "No DICOM files were found.")
    return call.table(Table(_DUMP_COLUMNS, dump(header, call.repeated.get("field", []))))


def session_action(call: Call) -> Response:
    """``triggerPipelines``, ``pullDataFromHeaders`` or ``fixScanTypes`` on a session."""
    if call.path["step"] not in ACTIONS:
        raise Refusal(400, f"Unknown pipeline {call.path['step']}")
    run_action(call, experiment_of(call), call.path["step"])
    return text("")


def list_pipelines(call: Call) -> Response:
    """The pipelines of a project: none is configured here."""
    holders_of(call)
    return call.table(Table(["Name", "Datatype", "stepId"], []))


def total_counts(call: Call) -> Response:
    site = call.site
    sessions = sum(site.types.is_a(one.xsi_type, IMAGE_SESSION) for one in site.experiments.values())
    counts = {"xnat:projectData": len(site.projects), "xnat:subjectData": len(site.subjects)}
    return json_reply({**counts, "xnat:imageSessionData": sessions})


def monitoring(call: Call) -> Response:
    """The caches' page; ``action=clear_caches`` forgets them. Administrators only."""
    if not call.user.admin:
        raise Refusal(403)
    if call.params.get("action") == "clear_caches":
        return html("<html><body>All caches were cleared.</body></html>")
    return html("<html><body>Monitoring</body></html>")


def routes() -> list[Route]:
    catalogs = "/xapi/archive/catalogs/refresh"
    pipelines = "/data/projects/{project}/pipelines"
    return [
        route("/data/services/refresh/catalog", POST=refresh_catalogs),
        route(catalogs, PUT=refresh_listed, POST=refresh_listed),
        route(f"{catalogs}/{{operations}}", PUT=refresh_listed, POST=refresh_listed),
        route("/data/services/dicomdump", GET=dicom_dump),
        route(pipelines, GET=list_pipelines),
        route(f"{pipelines}/{{step}}/experiments/{{experiment}}", POST=session_action),
        route("/xapi/totalCounts/reset", GET=total_counts),
        route("/monitoring", GET=monitoring),
    ]


def _archived(call: Call, source: str) -> Content | None:
    there = located(call, source)
    if "resource" in there.path:
        places = placed(there)
    else:
        places = [place for holder in holders_of(there) for place in _below(there, holder)]
    for place in places:
        for path, entry in place.resource.files.items():
            if there.path.get("file", path) == path and not entry.missing_on_disk and _is_dicom(entry.data):
                return entry.data
    return None


def _below(call: Call, holder: Item) -> list[Placed]:
    if isinstance(holder, Experiment):
        return list(everything(call, holder))
    if isinstance(holder, Derived):
        return [Placed(one, holder, "out") for one in holder.out_resources]
    return [Placed(one, holder) for one in holder.resources]


def _prearchived(call: Call, source: str) -> Content | None:
    parts = [unquote(part) for part in source.strip("/").split("/")]
    row = find(call.site, *parts[2:5]) if len(parts) >= 5 and parts[1] == "projects" else None
    if row is None:
        raise Refusal(404, f"Unable to find {source}")
    if not reads_row(call.site, call.user, row):
        raise Refusal(403)
    named = dict(zip(parts[5::2], parts[6::2], strict=False))
    for scan in row.scans.values():
        if named.get("scans", scan.id) != scan.id:
            continue
        for label, files in scan.resources.items():
            if named.get("resources", label) != label:
                continue
            for name, data in files.items():
                if named.get("files", name) == name and _is_dicom(data):
                    return data
    return None


def _is_dicom(content: Content) -> bool:
    start = next(content.chunks(), b"")
    return start[128:132] == b"DICM"
