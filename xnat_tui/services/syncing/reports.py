"""What became of a run, as files: JSON, Markdown and HTML, all from the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xnat_tui.services import sheets
from xnat_tui.services.sheets import Sheet, check_file

__all__ = ["check_file", "write"]

_COLUMNS = ("path", "field", "change", "side", "state", "reason", "source", "destination")


def write(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the documents of runs, readable by this user only. Raises UsageError where the disk refuses."""
    told = [Sheet(str(one["sync"]), tuple(_head(one)), _COLUMNS, tuple(_rows(one))) for one in found]
    sheets.write(told, found[0] if len(found) == 1 else found, path)


def _head(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"run {one['run'] or '(planned)'}: {one['state']}"
    yield ", ".join(f"{count} {state}" for state, count in one["summary"].items())
    yield f"{one['files']} files, {one['bytes']} bytes, {one['seconds']} s"
    yield f"requests: {one['requests']['source']} source, {one['requests']['destination']} destination"


def _rows(one: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for item in one["items"]:
        yield tuple(str(item.get(column, "")) for column in _COLUMNS)
