"""The import service's address, the user cache it reads from, and the progress it reports."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.background import Progress
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.importing import ELSEWHERE, HANDLERS, Import, run
from xnat_tui.demo.replies import Refusal, Table, json_reply, text, uri_list
from xnat_tui.demo.traces import require_reason

_RAW_TYPES = frozenset(
    (
        "application/zip",
        "application/x-zip-compressed",
        "application/x-tar",
        "application/gzip",
        "application/x-gzip",
        "application/dicom",
        "application/octet-stream",
    )
)
_CACHED = "/user/cache/resources/"


def import_upload(call: Call) -> Response:
    """Take an upload in: 200 with one CRLF-ended address per session.

    404 for an unknown handler; ``prearchive_code=1`` together with ``overwrite`` is refused (400).
    """
    if call.user.login == "guest":
        raise Refusal(403)
    order = _order(call)
    require_reason(call)
    listener = call.params.get("http-session-listener", "")
    progress = Progress("Import started.")
    if listener:
        call.site.background.progress[listener] = progress
    name, payload = _payload(call)
    try:
        addresses = run(call.site, order, name, payload)
    except Refusal as refusal:
        progress.message, progress.succeeded = refusal.message, False
        raise
    progress.message, progress.succeeded = "".join(f"{one}\r\n" for one in addresses), True
    return uri_list(addresses)


def put_cached(call: Call) -> Response:
    """Keep a file in the caller's cache, for ``src=`` of an import."""
    if not call.uploads:
        raise Refusal(400, "No data")
    files = call.user.cache.setdefault(unquote(call.path["resource"]), {})
    files[unquote(call.path["file"])] = call.body()
    return text("")


def get_cached(call: Call) -> Response:
    data = call.user.cache.get(unquote(call.path["resource"]), {}).get(unquote(call.path["file"]))
    if data is None:
        raise Refusal(404)
    return Response(data, media_type="application/octet-stream")


def delete_cached(call: Call) -> Response:
    files = call.user.cache.get(unquote(call.path["resource"]), {})
    if files.pop(unquote(call.path["file"]), None) is None:
        raise Refusal(404)
    return text("")


def list_cached(call: Call) -> Response:
    files = call.user.cache.get(unquote(call.path["resource"]), {})
    start = f"/data{_CACHED}{call.path['resource']}/files"
    rows = [[name, str(len(data)), f"{start}/{name}"] for name, data in files.items()]
    return call.table(Table(["Name", "Size", "URI"], rows))


def status(call: Call) -> Response:
    found = call.site.background.progress.get(call.path["listener"])
    if found is None:
        raise Refusal(404)
    shown = {None: "PROCESSING", True: "COMPLETED", False: "FAILED"}[found.succeeded]
    if call.form("txt") == "json":
        return json_reply({"msgs": [{"status": shown, "msg": found.message.strip()}]})
    return text(f"{shown}: {found.message.strip()}")


def event_tracking(call: Call) -> Response:
    """Progress as JSON (1.8.3 and newer); ``succeeded`` is null while the work goes on."""
    found = call.site.background.progress.get(call.path["listener"])
    if found is None or not call.site.at_least(1, 8, 3):
        raise Refusal(404)
    final = None if found.succeeded is None else found.message.strip()
    body = {"key": call.path["listener"], "payload": None, "succeeded": found.succeeded}
    return json_reply({**body, "finalMessage": final})


def direct_archive(call: Call) -> Response:
    """Sessions on their way straight into the archive: none, they arrive at once here."""
    if not call.site.at_least(1, 8, 3):
        raise Refusal(404)
    return json_reply([])


def routes() -> list[Route]:
    cached = f"/data{_CACHED}{{resource}}/files"
    return [
        route("/data/services/import", POST=import_upload, PUT=import_upload),
        route(cached, GET=list_cached),
        route(f"{cached}/{{file:path}}", GET=get_cached, PUT=put_cached, DELETE=delete_cached),
        route("/data/status/{listener}", GET=status),
        route("/xapi/event_tracking/{listener}", GET=event_tracking),
        route("/xapi/direct-archive", POST=direct_archive),
    ]


def _order(call: Call) -> Import:
    asked = call.params.get("import-handler", call.site.settings.default_import_handler)
    handler = HANDLERS.get(asked.lower())
    if handler is None:
        known = asked.lower() in ELSEWHERE
        raise Refusal(400 if known else 404, f"Import handler {asked} is not available")
    overwrite = call.params.get("overwrite") or call.params.get("override") or "none"
    if overwrite not in ("none", "append", "delete"):
        raise Refusal(400, f"Unknown overwrite: {overwrite}")
    code = call.params.get("prearchive_code", "")
    if code == "1" and "overwrite" in call.params:
        raise Refusal(400, "prearchive_code and overwrite exclude each other")
    order = Import(
        call.user,
        handler,
        destination="archive" if code == "1" else "",
        project=_first(call, "project", "PROJECT_ID"),
        subject=_first(call, "subject", "SUBJECT_ID"),
        session=_first(call, "session", "EXPT_LABEL"),
        overwrite=overwrite,
        overwrite_files=call.params.get("overwrite_files") == "true",
        quarantine=call.flag("quarantine"),
        trigger_pipelines=call.params.get("triggerPipelines", "true").lower() not in ("false", "0"),
        prevent_anon=call.flag("prevent_anon"),
        commit=call.params.get("action") == "commit",
        auto_archive=call.flag("AA") or call.flag("auto-archive"),
        direct=call.flag("Direct-Archive") and call.site.at_least(1, 8, 3),
        skip_unparsable=call.flag("Ignore-Unparsable") and call.site.at_least(1, 8, 3),
        stored={name: call.params.get(name, "") for name in ("TIMEZONE", "SOURCE", "VISIT", "PROTOCOL")},
    )
    if order.direct:
        order.destination = "archive"
    _apply_destination(call, order)
    return order


def _apply_destination(call: Call, order: Import) -> None:
    """``dest`` wins over the labels: ``/archive[/projects/P[/subjects/S[/experiments/E]]]`` and so on."""
    destination = call.plain.get("dest", "").removeprefix("/data").strip("/")
    if not destination:
        return
    parts = destination.split("/")
    order.destination = parts[0]
    if parts[0] == "prearchive":
        order.project = parts[2] if len(parts) > 2 else order.project
        if len(parts) > 4:
            order.stamp, order.folder = parts[3], parts[4]
        return
    if parts[0] != "archive" or len(parts) % 2 == 0:
        raise Refusal(400, f"Invalid dest: {destination}")
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    order.project = named.get("projects", order.project)
    order.subject = named.get("subjects", order.subject)
    order.session = named.get("experiments", order.session)


def _payload(call: Call) -> tuple[str, bytes]:
    source = call.plain.get("src", "")
    if source:
        rest = source.removeprefix("/data").removeprefix(_CACHED)
        resource, _, name = rest.partition("/files/")
        data = call.user.cache.get(resource, {}).get(name)
        if data is None:
            raise Refusal(404, f"Unable to find {source}")
        return name, data
    if len(call.uploads) != 1:
        raise Refusal(400, "One upload per call")
    upload = call.uploads[0]
    if not upload.multipart and not call.flag("inbody") and upload.content_type not in _RAW_TYPES:
        raise Refusal(400, "Unknown content; send it as a form's file or with inbody=true")
    body = call.body()
    if not body:
        raise Refusal(400, "The upload is empty")
    return upload.name, body


def _first(call: Call, *names: str) -> str:
    return next((call.plain[name] for name in names if call.plain.get(name)), "")
