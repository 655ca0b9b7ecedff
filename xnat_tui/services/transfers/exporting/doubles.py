"""Files that a folder holds under an earlier name of their item, as where `--bids-map` names it anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xnat_tui.model.plan import Finding
from xnat_tui.services.transfers.exporting.manifest import Manifest

_SHOWN = 5


def doubles(manifest: Manifest, server: str, placed: Mapping[str, str]) -> Iterator[Finding]:
    """What has two names once a plan has run; `placed` has the new ones by address.

    Nothing in a folder is deleted unasked, and no option asks for it.
    """
    found = [
        (entry.path, placed[entry.uri])
        for entry in manifest
        if entry.kind == "file" and entry.server == server and placed.get(entry.uri, entry.path) != entry.path
        if (manifest.folder / entry.path).is_file()
    ]
    for path, now in found[:_SHOWN]:
        yield Finding(
            "warning",
            f"{path} stays in the folder, and is called {now} now: one file under two names.",
            "Remove the earlier one, if nobody needs it.",
        )
    if len(found) > _SHOWN:
        yield Finding("warning", f"{len(found) - _SHOWN} more files have two names in the folder.")
