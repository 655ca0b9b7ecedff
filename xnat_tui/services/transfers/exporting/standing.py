"""What stands in a file's place in an exported folder, and so what may be done about it.

A file that was changed there after it was exported is its user's: it is replaced only with `--overwrite`,
and is a conflict otherwise, whatever its size. What the program itself writes is whole when it has its
name (`.part`, then rename), so a file that its line in the manifest no longer describes was changed by
somebody else. Without a line, one that is shorter than the server says is the rest of a download that
ended early, and is fetched; one that cannot be proved either way is fetched and kept where both are equal.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import Enum

from xnat_tui.model.entities import Item
from xnat_tui.model.options import ExportOptions, OnExisting
from xnat_tui.services.transfers.exporting.manifest import Manifest, md5_of

CHANGED = "It was changed in the folder, or is not from this export"
CHANGED_HINT = "Move it away, or replace it with --overwrite."


class Standing(Enum):
    """What a place holds."""

    COMPLETE = "the file as the server lists it"
    MISSING = "nothing, or what this program wrote of an older file, or a part of one"
    CHANGED = "what somebody else has written"
    TAKEN = "a file of another item or server"
    UNPROVEN = "a file of the right size, which nothing proves"


@dataclass(frozen=True, slots=True)
class Found:
    """`size`, `md5` and `mtime` (ns) of a complete file; `noted` where the manifest describes it already."""

    standing: Standing
    size: int = 0
    md5: str = ""
    mtime: int = 0
    noted: bool = False


def standing(manifest: Manifest, name: str, item: Item, uri: str, server: str, words: str) -> Found:
    """What stands at `name`, where the file `item` of the server goes; `words` is what XNAT calls it.

    Bytes are read only where neither the manifest's line nor the size decides. Raises OSError for a file
    that cannot be read.
    """
    entry = manifest.get(name)
    if entry is not None and manifest.has(name, item, uri, server):
        return Found(Standing.COMPLETE, entry.size, entry.md5, entry.mtime, noted=True)
    try:
        there = os.lstat(f"{manifest.folder}/{name}")
    except OSError:
        return Found(Standing.MISSING)
    if not stat.S_ISREG(there.st_mode):
        return Found(Standing.MISSING)  # a link or a folder is told when its place is needed
    place, size = manifest.folder / name, there.st_size
    mine = entry is not None and (entry.uri, entry.server) == (uri, server)
    if entry is not None and not mine and entry.item != words:
        taken = manifest.belongs_to_another(name, uri, server)
        return Found(Standing.TAKEN if taken else Standing.MISSING)
    if entry is not None and mine and (size, there.st_mtime_ns) == (entry.size, entry.mtime):
        return Found(Standing.MISSING)
    noted = entry.md5 if entry is not None and mine and size == entry.size else ""
    fits = item.bytes in (None, size)
    expected = item.digest or (noted if fits else "")
    md5 = md5_of(place) if (expected and fits) or noted else ""
    if md5 and fits and md5 == expected:
        return Found(Standing.COMPLETE, size, md5, there.st_mtime_ns)
    if entry is not None:
        return Found(
            Standing.TAKEN if not mine else Standing.MISSING if md5 == noted != "" else Standing.CHANGED
        )
    if item.bytes is not None and size < item.bytes:
        return Found(Standing.MISSING)
    return Found(Standing.UNPROVEN if fits and not item.digest else Standing.CHANGED)


def fetches_all(options: ExportOptions) -> bool:
    """Whether files are fetched whatever stands in their places."""
    return options.overwrite_local and options.on_existing is OnExisting.OVERWRITE


def is_kept(found: Found, item: Item, options: ExportOptions) -> bool:
    """Whether what stands there need not be fetched. Who asks for `--overwrite` trusts no size or date: only
    what the server's own digest proves is kept then."""
    if found.standing is not Standing.COMPLETE or fetches_all(options):
        return False
    if options.overwrite_local and options.on_existing is OnExisting.SKIP:
        return bool(item.digest) and found.md5 == item.digest
    return True


def document_changed(manifest: Manifest, name: str, *, unknown: bool = False) -> bool:
    """Whether a file beside the archive's own is no longer as the export wrote it.

    `unknown` is what is said of one that no export is known to have written.
    """
    entry, place = manifest.get(name), manifest.folder / name
    if not place.is_file() or place.is_symlink():
        return False
    there = place.lstat()
    if entry is None:
        return unknown
    if (there.st_size, there.st_mtime_ns) == (entry.size, entry.mtime):
        return False
    return there.st_size != entry.size or md5_of(place) != entry.md5
