"""Downloads as zip or tar: streamed, without a length, in the layouts that XNAT offers."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator

from xnat_tui.demo.archive import Assessor, Derived, Experiment, FileEntry, Item, Reconstruction, Scan
from xnat_tui.demo.calls import Call
from xnat_tui.demo.content import Content
from xnat_tui.demo.item_json import archive_uri
from xnat_tui.demo.placement import Placed, address, described
from xnat_tui.demo.site import Site, owner_of
from xnat_tui.demo.targets import holders_of

MEDIA_TYPES = {"zip": "application/zip", "tar": "application/x-tar", "tar.gz": "application/x-gtar"}
Member = tuple[str, Content]
_NO_WORD = re.compile(r"\W", re.ASCII)


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


def members(call: Call, found: list[tuple[Placed, FileEntry]]) -> list[Member]:
    """Entry names and contents; files missing on disk are left out silently."""
    return [
        (entry_name(call, place, entry), entry.data) for place, entry in found if not entry.missing_on_disk
    ]


def entry_name(call: Call, place: Placed, entry: FileEntry) -> str:
    """The path of a file inside the archive, by ``structure`` and the ``IncludedInPath`` options.

    XNAT makes it by replacing texts in the file's address: IDs by labels, the resource's number by its
    label, and where the address names scans or reconstructions their IDs by ``ID-TYPE`` (so not with
    ``all=true`` on a session). What a file's own path has of these is replaced with it.
    """
    structure = call.params.get("structure", "").lower()
    if structure == "legacy":
        return disk_path(call.site, place, entry).lstrip("/")
    if structure == "improved":
        return _improved(call, place, entry)
    name, resource = address(call, place, entry), place.resource
    owner, shown = _session_mapping(call, place.holder)
    name = name[name.index(f"/{owner}/") + 1 :].replace(owner, shown)
    if resource.label:
        name = name.replace(f"/{resource.id}/files/", f"/{resource.label}/files/")
    if structure == "simplified":
        return name.replace("/resources", "").replace("/files", "")
    for key, value in _retyped(call, place.holder):
        name = name.replace(f"/{key}/", f"/{value}/")
    return name


def disk_path(site: Site, place: Placed, entry: FileEntry) -> str:
    """Where a file lies on the server."""
    catalog = archive_uri(site, place.holder, place.resource, place.side.upper())
    return f"{catalog.rsplit('/', 1)[0]}/{entry.path}"


def _improved(call: Call, place: Placed, entry: FileEntry) -> str:
    """The row of the resources list as folders; a tar has no room for descriptions."""
    category, key, description = described(call.site, place.holder, call.flag("all"))
    if key and description and call.form() == "zip":
        key += "_" + re.sub(r'[/\\:*?"<>|]', "_", description)
    levels = [category, key, place.resource.label or str(place.resource.id), entry.path]
    return "/".join(level for level in levels if level)


def _session_mapping(call: Call, holder: Item) -> tuple[str, str]:
    """The ID in the address at which names begin, and what stands for it: the session's label mostly."""
    if isinstance(holder, Assessor) and ("assessor" in call.path or not call.flag("all")):
        return holder.id, holder.label
    top = holder.session if isinstance(holder, Scan | Derived) else holder
    levels = []
    if isinstance(top, Experiment) and ("scan" in call.path or "reconstruction" in call.path):
        levels += [owner_of(top)] if call.flag("projectIncludedInPath") else []
        levels += [top.subject.label] if call.flag("subjectIncludedInPath") else []
    return top.id, "/".join([*levels, top.label or top.id])


def _retyped(call: Call, holder: Item) -> list[tuple[str, str]]:
    """IDs of the scans and reconstructions that the address names, with ``ID-TYPE`` for each that has one."""
    whole = [holder] if call.site.settings.types_in_whole_zips else []
    named = [one for one in [*holders_of(call), *whole] if isinstance(one, Scan | Reconstruction)]
    kinds = {one.id: one.fields.get("type", "") for one in named}
    return [(key, f"{key}-{_NO_WORD.sub('_', kind)}") for key, kind in kinds.items() if kind]


def _session_label(holder: Item) -> str:
    if isinstance(holder, Scan | Derived):
        return holder.session.label
    return holder.label or holder.id


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
