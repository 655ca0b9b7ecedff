"""Storing uploaded files: raw, multipart, or unpacked from an archive."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO
from urllib.parse import unquote_plus

from starlette.responses import Response

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.calls import Call, Upload
from xnat_tui.demo.content import BytesContent, Content, stored
from xnat_tui.demo.placement import Placed, placed
from xnat_tui.demo.replies import Refusal, html, text
from xnat_tui.demo.rights import can_edit
from xnat_tui.demo.routes.resources import create_resource
from xnat_tui.demo.targets import holders_of
from xnat_tui.demo.traces import record, require_reason

FILE_TYPES = frozenset(
    (
        "application/octet-stream",
        "application/zip",
        "application/x-zip-compressed",
        "application/x-tar",
        "application/x-gzip",
        "application/gzip",
        "application/dicom",
        "application/pdf",
        "application/xml",
        "text/plain",
        "text/xml",
        "text/csv",
    )
)
_ENDINGS = {
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/x-tar": ".tar",
    "application/x-gzip": ".gz",
    "application/gzip": ".gz",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/xml": ".xml",
    "application/xml": ".xml",
}
"""How a raw body is named, after ``upload``, where the address has no path."""
TAR_NAMES = (".tar", ".tar.gz", ".tgz")


def upload(call: Call) -> Response:
    """Store files: 200 empty, or 200 with the duplicates that were not stored.

    Without the edit right the answer is 200 as well and nothing happens.
    """
    holders = holders_of(call)
    if len(holders) != 1:
        raise Refusal(404, "The address names several items")
    found = _uploads(call)
    if not can_edit(call.site, call.user, holders[0]):
        return text("")
    require_reason(call)
    path = stored_path(call, call.path.get("file", ""))
    files = [one for item in found for one in _files(call, item, path)]
    _check_paths(files)
    matching = placed(call) if "resource" in call.path else []
    if "resource" in call.path:
        label = call.path["resource"]
        place = matching[0] if matching else create_resource(call, holders[0], label)
    else:
        place = next(iter(placed(call)), None) or create_resource(call, holders[0], "")
    duplicates = _store(call, place, files)
    if call.params.get("update-stats", "true").lower() not in ("false", "0"):
        place.resource.populate_stats()
        record(call, holders[0], "Uploaded File")
    if duplicates:
        return html(json.dumps({"duplicates": duplicates}))
    return text("")


def stored_path(call: Call, raw: str) -> str:
    """The name a path is stored under: decoded, form style, only where 1.8 and newer do so."""
    if call.site.at_least(1, 8) and ("%20" in raw or "%2B" in raw.upper()):
        return unquote_plus(raw)
    return raw


def _uploads(call: Call) -> list[Upload]:
    inbody = call.flag("inbody")
    if any(one.multipart for one in call.uploads):
        if inbody:
            raise Refusal(406, "inbody and multipart exclude each other")
        return call.uploads
    kind = call.uploads[0].content_type if call.uploads else ""
    known = kind in FILE_TYPES or kind.startswith("image/")
    if not call.uploads or not (inbody or known):
        raise Refusal(
            400,
            f"You tried to PUT a payload of {kind or 'nothing'} to this service, but didn't provide any data",
        )
    if not call.uploads[0].file.seek(0, io.SEEK_END):
        raise Refusal(call.site.settings.empty_upload_status, "The file is empty")
    return call.uploads


def _files(call: Call, item: Upload, path: str) -> Iterator[tuple[str, Content]]:
    name = path or item.name or f"upload{_ENDINGS.get(item.content_type, '.unsupported')}"
    if call.flag("extract"):
        lowered = name.lower()
        if lowered.endswith(".zip"):
            yield from _unzip(item.file)
            return
        if lowered.endswith(TAR_NAMES) and call.site.at_least(1, 8):
            yield from _untar(item.file)
            return
    yield (path + item.name if path.endswith("/") else name), stored(item.file)


def _unzip(file: IO[bytes]) -> Iterator[tuple[str, Content]]:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, BytesContent(archive.read(info))
    except zipfile.BadZipFile as error:
        raise Refusal(500, f"Unable to read the archive: {error}") from error


def _untar(file: IO[bytes]) -> Iterator[tuple[str, Content]]:
    file.seek(0)
    try:
        with tarfile.open(fileobj=file) as archive:
            for info in archive:
                member = archive.extractfile(info) if info.isreg() else None  # links lead nowhere here
                if member is not None:
                    yield info.name, BytesContent(member.read())
    except tarfile.TarError as error:
        raise Refusal(500, f"Unable to read the archive: {error}") from error


def _check_paths(files: list[tuple[str, Content]]) -> None:
    for path, _ in files:
        if ".." in path.split("/") or path.startswith("/"):
            raise Refusal(400, "Invalid file path")
        if "/" not in path and path.endswith("_catalog.xml"):
            raise Refusal(400, "The name is reserved for the catalog")


def _store(call: Call, place: Placed, files: list[tuple[str, Content]]) -> list[str]:
    overwrite = call.flag("overwrite")
    duplicates = []
    for path, data in files:
        if path in place.resource.files and not overwrite:
            duplicates.append(path)
            continue
        place.resource.add(
            FileEntry(
                path,
                data,
                digest=data.md5 if call.site.settings.checksums else "",
                size=data.size,
                format=call.params.get("format", ""),
                content=call.params.get("content", ""),
                tags=tuple(one for one in call.repeated.get("tags", []) if one),
                description=call.params.get("description", ""),
                modified=call.site.clock(),
            )
        )
    return duplicates
