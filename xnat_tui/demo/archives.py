"""Downloads as zip or tar: streamed, without a length, in the layouts that XNAT offers."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator

from xnat_tui.demo.archive import Assessor, Derived, Experiment, FileEntry, Item, Reconstruction, Scan
from xnat_tui.demo.content import Content
from xnat_tui.demo.item_json import archive_uri
from xnat_tui.demo.placement import Placed
from xnat_tui.demo.site import Site, owner_of

MEDIA_TYPES = {"zip": "application/zip", "tar": "application/x-tar", "tar.gz": "application/x-gtar"}
Member = tuple[str, Content]


class _Outlet(io.RawIOBase):
    """A sink that cannot seek: what was written since the last ``take``."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def stream(form: str, members: list[Member], level: int = 0) -> Iterator[bytes]:
    """The bytes of an archive of the given form, made while they are sent."""
    return _zip(members, level) if form == "zip" else _tar(members, form == "tar.gz")


def members(site: Site, found: list[tuple[Placed, FileEntry]], options: dict[str, str]) -> list[Member]:
    """Entry names and contents; files missing on disk are left out silently."""
    return [
        (entry_name(site, place, entry, options), entry.data)
        for place, entry in found
        if not entry.missing_on_disk
    ]


def entry_name(site: Site, place: Placed, entry: FileEntry, options: dict[str, str]) -> str:
    """The path of a file inside the archive, by ``structure`` and the ``IncludedInPath`` options."""
    structure = options.get("structure", "")
    holder, label = place.holder, place.resource.label or str(place.resource.id)
    if structure == "legacy":
        catalog = archive_uri(site, holder, place.resource, place.side.upper())
        return f"{catalog.rsplit('/', 1)[0]}/{entry.path}".lstrip("/")
    if structure == "improved":
        return "/".join([*_levels(holder, "_"), label, entry.path])
    levels = [_session_label(holder), *_levels(holder, "-")]
    if isinstance(holder, Derived) and place.side:
        levels.append(place.side)
    if structure == "simplified":
        return "/".join([*_owners(holder, options), *levels, label, entry.path])
    if levels[-1] == "resources":
        levels.pop()
    parts = [*levels, "resources", label, "files", entry.path]
    return "/".join([*_owners(holder, options), *parts])


def _levels(holder: Item, joint: str) -> list[str]:
    if isinstance(holder, Scan):
        kind = holder.fields.get("type", "")
        kind = re.sub(r"\W", "_", kind)
        return ["scans", f"{holder.id}{joint}{kind}" if kind else holder.id]
    if isinstance(holder, Assessor):
        return ["assessors", holder.label]
    if isinstance(holder, Reconstruction):
        return ["reconstructions", holder.id]
    return ["resources"]


def _session_label(holder: Item) -> str:
    if isinstance(holder, Scan | Derived):
        return holder.session.label
    return holder.label or holder.id


def _owners(holder: Item, options: dict[str, str]) -> list[str]:
    found = []
    if options.get("projectIncludedInPath") == "true":
        found.append(owner_of(holder))
    session = holder.session if isinstance(holder, Scan | Derived) else holder
    if options.get("subjectIncludedInPath") == "true" and isinstance(session, Experiment):
        found.append(session.subject.label)
    return found


def download_name(places: list[Placed], form: str) -> str:
    """``LABEL.zip``, or ``various.zip`` when several sessions are in it."""
    labels = {_session_label(place.holder) for place in places}
    return f"{labels.pop() if len(labels) == 1 else 'various'}.{form}"


def _zip(found: list[Member], level: int) -> Iterator[bytes]:
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, content in found:
            with target.open(name, "w", force_zip64=content.size > 2**31) as member:
                for chunk in content.chunks():
                    member.write(chunk)
                    yield outlet.take()
    yield outlet.take()


def _tar(found: list[Member], gzipped: bool) -> Iterator[bytes]:
    outlet = _Outlet()
    mode = "w|gz" if gzipped else "w|"
    with tarfile.open(fileobj=outlet, mode=mode) as target:  # type: ignore[call-overload]
        for name, content in found:
            info = tarfile.TarInfo(name)
            info.size = content.size
            target.addfile(info, _Reader(content))
            yield outlet.take()
    yield outlet.take()


class _Reader(io.RawIOBase):
    """A content as a file to read from, for ``tarfile``."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._chunks = content.chunks()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        end = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:end], self._rest[end:]
        return taken
