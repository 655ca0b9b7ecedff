"""What became of a run, as files: JSON, Markdown and HTML, all from the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.written import html_text, markdown
from xnat_tui.paths import write_private

_SUFFIXES = (".html", ".md", ".json")
_COLUMNS = ("path", "field", "change", "side", "state", "reason", "source", "destination")


def check_file(path: Path) -> None:
    """Raises UsageError where a report cannot come to stand, before a run is made for it."""
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path.name} is no kind of report.", "End its name in .html, .md or .json.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder is not there.", "Name another file.")


def write(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the documents of runs, readable by this user only. Raises UsageError where the disk refuses."""
    check_file(path)
    makers = {".json": _as_json, ".md": _as_markdown, ".html": _as_html}
    try:
        write_private(path, makers[path.suffix.lower()](found))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def _as_json(found: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(found[0] if len(found) == 1 else found, indent=2) + "\n"


def _head(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"run {one['run'] or '(planned)'}: {one['state']}"
    yield ", ".join(f"{count} {state}" for state, count in one["summary"].items())
    yield f"{one['files']} files, {one['bytes']} bytes, {one['seconds']} s"
    yield f"requests: {one['requests']['source']} source, {one['requests']['destination']} destination"


def _rows(one: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for item in one["items"]:
        yield tuple(str(item.get(column, "")) for column in _COLUMNS)


def _as_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    lines: list[str] = []
    for one in found:
        lines += [f"# {markdown(one['sync'])}", "", *(f"- {markdown(line)}" for line in _head(one)), ""]
        lines += [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
        lines += [f"| {' | '.join(markdown(cell) for cell in row)} |" for row in _rows(one)]
        lines.append("")
    return "\n".join(lines)


def _as_html(found: Sequence[Mapping[str, Any]]) -> str:
    parts = ['<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Syncs</title></head><body>']
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    for one in found:
        told = "".join(f"<li>{html_text(line)}</li>" for line in _head(one))
        parts.append(f"<h1>{html_text(one['sync'])}</h1><ul>{told}</ul><table><tr>{head}</tr>")
        parts += [
            "<tr>" + "".join(f"<td>{html_text(cell)}</td>" for cell in row) + "</tr>" for row in _rows(one)
        ]
        parts.append("</table>")
    return "\n".join([*parts, "</body></html>\n"])
