"""Reports as files: some sentences and a table each, as JSON, Markdown or HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.written import html_text, markdown
from xnat_tui.paths import write_private

_SUFFIXES = (".html", ".md", ".json")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One part of a report, in plain texts."""

    title: str
    told: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def check_file(path: Path) -> None:
    """Raises UsageError where a report cannot come to stand, before the work is done that it tells of."""
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path.name} is no kind of report.", "End its name in .html, .md or .json.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder is not there.", "Name another file.")


def write(sheets: Sequence[Sheet], document: Any, path: Path) -> None:
    """Write a report, readable by this user only; `document` is what JSON has of it. Raises UsageError where
    the file's ending names no kind, or the disk refuses."""
    check_file(path)
    match path.suffix.lower():
        case ".json":
            text = json.dumps(document, indent=2) + "\n"
        case ".md":
            text = _as_markdown(sheets)
        case _:
            text = _as_html(sheets)
    try:
        write_private(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def _as_markdown(sheets: Sequence[Sheet]) -> str:
    lines: list[str] = []
    for one in sheets:
        lines += [f"# {markdown(one.title)}", "", *(f"- {markdown(line)}" for line in one.told), ""]
        lines += [f"| {' | '.join(one.columns)} |", f"|{'---|' * len(one.columns)}"]
        lines += [f"| {' | '.join(markdown(cell) for cell in row)} |" for row in one.rows]
        lines.append("")
    return "\n".join(lines)


def _as_html(sheets: Sequence[Sheet]) -> str:
    title = html_text(", ".join(one.title for one in sheets))
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
    ]
    for one in sheets:
        told = "".join(f"<li>{html_text(line)}</li>" for line in one.told)
        head = "".join(f"<th>{column}</th>" for column in one.columns)
        parts.append(f"<h1>{html_text(one.title)}</h1><ul>{told}</ul><table><tr>{head}</tr>")
        parts += [
            "<tr>" + "".join(f"<td>{html_text(cell)}</td>" for cell in row) + "</tr>" for row in one.rows
        ]
        parts.append("</table>")
    return "\n".join([*parts, "</body></html>\n"])
