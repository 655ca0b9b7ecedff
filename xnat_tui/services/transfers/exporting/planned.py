"""What to know before an export, counted while it is planned."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xnat_tui.model.display import size_words
from xnat_tui.model.options import Layout
from xnat_tui.model.plan import Action, Finding, Step
from xnat_tui.services.transfers.exporting.layouts import Arrangement
from xnat_tui.services.transfers.exporting.manifest import Manifest

_SHOWN = 5


@dataclass(slots=True)
class Counts:
    """Of what the findings tell."""

    uncounted: int = 0
    """Resources that the server has not counted."""
    renamed: int = 0
    """Files that cannot keep their names."""
    others: int = 0
    """Files whose places another export has."""
    left: int = 0
    """Files in the folder that stay as they are."""
    placed: dict[str, str] = field(default_factory=dict)
    """Where each of the files goes, by its address."""


def space(folder: Path, steps: Sequence[Step]) -> Iterator[Finding]:
    """An error where the disk of the folder, or of what stands above it, has too little room."""
    there = folder
    while not there.exists():
        there = there.parent
    needed, free = sum(step.bytes for step in steps if step.writes), shutil.disk_usage(there).free
    if needed > free:
        yield Finding(
            "error",
            f"{size_words(needed)} are needed and {size_words(free)} are free at {there}.",
            "Free space, choose another folder, or export less at once.",
        )


def of_folder(manifest: Manifest, layout: Layout, counts: Counts) -> Iterator[Finding]:
    """What earlier exports have made of the folder."""
    if manifest.exists and manifest.layout != str(layout):
        yield Finding(
            "warning",
            f"The folder holds an export in the layout {manifest.layout}.",
            "Choose that layout, or another folder.",
        )
    if counts.others:
        what = "One file has its place" if counts.others == 1 else f"{counts.others} files have their places"
        yield Finding(
            "warning",
            f"{what} taken by another export in this folder.",
            "Choose another folder, or replace what is there with --overwrite.",
        )


def of_names(arrangement: Arrangement, counts: Counts) -> Iterator[Finding]:
    """What the server does not tell, and what cannot be called as it is there."""
    if counts.uncounted:
        noun = "resource was" if counts.uncounted == 1 else "resources were"
        yield Finding("info", f"{counts.uncounted} {noun} not counted by the server: sizes are at least.")
    changed = list(arrangement.changed.items())
    for found, name in changed[:_SHOWN]:
        yield Finding("warning", f"{name} cannot keep its name here, or shares it: it goes to {found}.")
    if len(changed) > _SHOWN:
        yield Finding("warning", f"{len(changed) - _SHOWN} more items get another name.")
    if counts.renamed and arrangement.layout is Layout.XNAT:
        noun = "file gets" if counts.renamed == 1 else "files get"
        yield Finding("warning", f"{counts.renamed} {noun} another name here; the manifest has the original.")


def of_steps(steps: Sequence[Step], counts: Counts) -> Iterator[Finding]:
    """What is not fetched."""
    if counts.left:
        what = (
            "One file in the folder is left as it is"
            if counts.left == 1
            else f"{counts.left} files in the folder are left as they are"
        )
        yield Finding("warning", f"{what}; each step says why.")
    conflicts = sum(step.action is Action.CONFLICT for step in steps) - counts.left
    if conflicts:
        what = "One item" if conflicts == 1 else f"{conflicts} items"
        yield Finding("warning", f"{what} could not be read; each step says why.")
