"""Files: lists, downloads, archives, and removal."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import quote, unquote, unquote_plus

from starlette.responses import Response
from starlette.routing import Route

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.archives import MEDIA_TYPES, disk_path, download_name, members, stream
from xnat_tui.demo.calls import Call, route
from xnat_tui.demo.content import Content
from xnat_tui.demo.placement import Placed, address, entries, placed
from xnat_tui.demo.replies import Refusal, Table, streamed, text
from xnat_tui.demo.rights import can_delete
from xnat_tui.demo.routes.resources import OWNERS
from xnat_tui.demo.site import owner_of
from xnat_tui.demo.targets import holders_of
from xnat_tui.demo.traces import record, require_reason
from xnat_tui.demo.upload import stored_path, upload

_LOCATORS = ("absolutePath", "projectPath")
_SHOWN = frozenset(["bmp", "gif", "html", "jpg", "pdf", "png", "svg", "tif", "txt", "xml"])
_COLUMNS = (
    "Name", "Size", "URI", "collection", "file_tags", "file_format", "file_content", "cat_ID",
    "digest",
)  # fmt: skip


def list_files(call: Call) -> Response:
    """The files list, or the files themselves with ``format=zip`` and the like."""
    places = placed(call)
    unknown = "resource" in call.path and not places
    if unknown and call.site.settings.missing_resource_files == "missing":
        raise Refusal(404, "Unable to find the specified resource.")
    found = entries(call, places)
    folder = stored_path(call, call.path.get("file", ""))
    if folder:
        found = _in_folder(call, found, folder)
    if "index" in call.params:
        return _by_index(call, found)
    form = call.form()
    if form in MEDIA_TYPES:
        return _archive(call, found, form)
    locator = next((one for one in _LOCATORS if one.lower() == call.params.get("locator", "").lower()), "URI")
    rows = [_row(call, place, entry, locator) for place, entry in found]
    columns = [locator if name == "URI" else name for name in _COLUMNS]
    table = Table(columns, rows, "Files", total=False)
    table.properties = [{"key": "URI", "serverRoot": call.site.settings.context_path}]
    return call.table(table)


def _by_index(call: Call, found: list[tuple[Placed, FileEntry]]) -> Response:
    """``index=N`` asks for a file, not for its row. Below one resource no entry is ever accepted: 404."""
    index = call.params["index"]
    if "resource" not in call.path and index.isdigit() and int(index) < len(found):
        return _content(call, found[int(index)][1].data, "application/octet-stream", {})
    if call.flag("accept-not-found"):
        return Response(status_code=204)
    raise Refusal(404, "Unable to find file.")


def get_file(call: Call) -> Response:
    """One file, whole: a ``Range`` header is ignored unless the site supports it."""
    raw = call.path["file"]
    if not raw or raw.endswith(("/", "*")):
        return list_files(call)
    found = _find(placed(call), raw)
    if found is None or found.missing_on_disk:
        if call.flag("accept-not-found"):
            return Response(status_code=204)
        raise Refusal(404, "Unable to find file." if found is None else "File missing on disk.")
    extension = found.path.rsplit(".", 1)[-1].lower()
    kind = "application/octet-stream"
    if extension in _SHOWN:
        kind = mimetypes.types_map.get(f".{extension}", kind)
    headers = {
        "Cache-Control": "must-revalidate",
        "Last-Modified": format_datetime(found.modified.replace(tzinfo=UTC), usegmt=True),
    }
    if extension not in _SHOWN:
        name = quote(found.path.rsplit("/", 1)[-1])
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return _content(call, found.data, kind, headers)


def delete_file(call: Call) -> Response:
    """Remove entries: by prefix since 1.8, by exact name, folder or ``*`` before."""
    holder = holders_of(call)[0]
    places = placed(call)
    if not places:
        raise Refusal(400, "Invalid resource")
    if not can_delete(call.site, call.user, holder):
        raise Refusal(403, "User account doesn't have permission to delete this file.")
    require_reason(call)
    wanted = stored_path(call, call.path["file"])
    removed = 0
    for place in places:
        doomed = [path for path in place.resource.files if _deletes(call, wanted, path)]
        for path in doomed:
            entry = place.resource.files.pop(path)
            if call.params.get("removeFiles", "true").lower() in ("false", "0"):
                place.resource.stray.append(entry)
        if doomed:
            place.resource.populate_stats()
        removed += len(doomed)
    if not removed:
        if call.flag("accept-not-found"):
            return Response(status_code=204)
        raise Refusal(404, "Unable to find file.")
    record(call, holder, "Removed File")
    return text("")


def routes() -> list[Route]:
    found = []
    for owner in OWNERS:
        for files in (f"{owner}/resources/{{resource}}/files", f"{owner}/files"):
            found += [
                route(files, GET=list_files, PUT=upload, POST=upload),
                route(
                    f"{files}/{{file:path}}",
                    GET=get_file,
                    PUT=upload,
                    POST=upload,
                    DELETE=delete_file,
                ),
            ]
    return found


def _deletes(call: Call, wanted: str, path: str) -> bool:
    if call.site.at_least(1, 8):
        head, star, tail = wanted.partition("*")
        return path.startswith(head) and (not star or path.endswith(tail) or not tail)
    return wanted in (path, "*") or (wanted.endswith("/") and path.startswith(wanted))


def _find(places: list[Placed], raw: str) -> FileEntry | None:
    for spelling in (raw, unquote(raw), unquote_plus(raw)):
        for place in places:
            if spelling in place.resource.files:
                return place.resource.files[spelling]
    return None


def _in_folder(
    call: Call, found: list[tuple[Placed, FileEntry]], folder: str
) -> list[tuple[Placed, FileEntry]]:
    start = folder.rstrip("*")
    deep = call.params.get("recursive", "true").lower() not in ("false", "0")
    return [
        (place, entry)
        for place, entry in found
        if entry.path.startswith(start) and (deep or "/" not in entry.path[len(start) :])
    ]


def _row(call: Call, place: Placed, entry: FileEntry, locator: str) -> list[str]:
    size = entry.data.size if entry.size is None else entry.size
    return [
        entry.path.rsplit("/", 1)[-1],
        str(0 if entry.missing_on_disk and entry.size is None else size),
        _located(call, place, entry, locator),
        place.resource.label,
        ",".join(entry.tags),
        entry.format,  # the entry's own, never the resource's
        entry.content,
        str(place.resource.id),
        entry.digest if call.site.settings.checksums else "",
    ]


def _located(call: Call, place: Placed, entry: FileEntry, locator: str) -> str:
    """Where a file is: its address, or its path on the server, whole or below the project's folder."""
    if locator == "URI":
        return address(call, place, entry)
    path = disk_path(call.site, place, entry)
    if locator == "absolutePath":
        return path
    return path.removeprefix(f"{call.site.settings.archive_path}/{owner_of(place.holder)}/")


def _archive(call: Call, found: list[tuple[Placed, FileEntry]], form: str) -> Response:
    listed = members(call, found)
    if not listed:
        if call.flag("accept-not-found"):
            return Response(status_code=204)
        raise Refusal(404, "No files to download")
    name = download_name([place for place, _ in found], form)
    level = call.params.get("compression", "")
    return streamed(
        stream(form, listed, int(level) if level.isdigit() else call.site.settings.zip_level),
        MEDIA_TYPES[form],
        {"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _content(call: Call, data: Content, kind: str, headers: dict[str, str]) -> Response:
    start, asked = 0, call.headers.get("range", "")
    if call.site.settings.range_supported and asked.startswith("bytes="):
        first = asked.removeprefix("bytes=").split("-")[0]
        start = int(first) if first.isdigit() else 0
    if start and start < data.size:
        headers["Content-Range"] = f"bytes {start}-{data.size - 1}/{data.size}"
    headers["Content-Length"] = str(data.size - start)
    return streamed(_skip(data.chunks(), start), kind, headers, 206 if start else 200)


def _skip(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:]
        count = max(count - len(chunk), 0)
