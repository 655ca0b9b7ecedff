"""A comparison as documents: JSON, CSV, Markdown and HTML, all from the same rows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xnat_tui.errors import UsageError
from xnat_tui.model.display import clean_beside
from xnat_tui.model.pairing import GLYPHS, Pair, Status
from xnat_tui.model.written import csv_text, html_text, markdown
from xnat_tui.paths import open_to_others, write_private
from xnat_tui.services.comparing.compared import Compared, items_of

_SUFFIXES = (".html", ".md", ".csv", ".json")
_CSV_COLUMNS = ("glyph", "status", "kind", "path", "field", "source", "destination", "note")


def path_of(comparison: Compared, pair: Pair) -> str:
    """Where a pair stands below the compared root, in XNAT's own words; "" is the root itself."""
    tree = comparison.tree
    for right in (False, True):
        place, root = tree.place(pair, right=right), tree.place(tree.root, right=right)
        if place is not None and root is not None:
            return place.path_below(root)
    return pair.key


def document(comparison: Compared, *, everything: bool = False, seconds: float = 0.0) -> dict[str, Any]:
    """The JSON document of `compare`. Items that are the same are listed only with `everything`."""
    summary = asdict(comparison.summary())
    del summary["unread"]
    source, destination = comparison.requests
    return {
        "source": str(comparison.source.root.location),
        "destination": str(comparison.destination.root.location),
        "depth": comparison.asked,
        "summary": summary,
        "items": [_item(comparison, pair) for pair in _listed(comparison, everything)],
        "shared_on_one_side": sum(_shared_on_one_side(pair) for pair in items_of(comparison.root)),
        "requests": {"source": source, "destination": destination},
        "seconds": round(seconds, 3),
        "seen_by": {
            "source": comparison.source.reader.connection.user,
            "destination": comparison.destination.reader.connection.user,
        },
        "neutral_fields": list(comparison.rules.neutral),
    }


def check_name(path: Path) -> None:
    """Raises UsageError where the file's ending names no kind of report."""
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path.name} is no kind of report.", "End its name in .html, .md, .csv or .json.")


def check_file(path: Path) -> None:
    """Raises UsageError where a report cannot come to stand, before a long comparison is made for it."""
    check_name(path)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder is not there.", "Name another file.")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"{path} cannot be written: no right to.", "Name another file.")
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path} cannot be written: no right to its folder.", "Name another file.")


def write(comparison: Compared, path: Path, *, everything: bool = False, seconds: float = 0.0) -> None:
    """Write a report in the format that the file's ending names. Raises UsageError for another ending."""
    check_name(path)
    write_document(document(comparison, everything=everything, seconds=seconds), path)


def write_document(
    found: Mapping[str, Any], path: Path, *, raw: bool = False, readable: bool = False
) -> bool:
    """Write a finished document of `compare` or `verify` as `write` does; a CSV table's cells as they are
    where it is to be `raw`.

    Readable by this user only, unless by all is asked for: a report tells birth dates and names. Whether a
    file that others could read was there, and they cannot any more. Raises UsageError where the disk refuses.
    """
    check_name(path)
    writers = {
        ".json": lambda: json.dumps(found, indent=2) + "\n",
        ".csv": lambda: as_csv(found, raw=raw),
        ".md": lambda: as_markdown(found),
        ".html": lambda: as_html(found),
    }
    text = writers[path.suffix.lower()]()
    try:
        narrowed = path.exists() and open_to_others(path) and not readable
        write_private(path, text, readable=readable)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be written: {reason}.", "Name another file.") from None
    return narrowed


def as_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """One fact per line, the glyph first: what a screen reader or `grep` can use."""
    for glyph, _, kind, path, name, source, destination, note in _shown(found):
        fact = f": {name} {source or '(none)'} ⇄ {destination or '(none)'}" if name else ""
        remark = f" ({note})" if note else ""
        yield f"{glyph} {kind} {path}{fact}{remark}"


def as_csv(found: Mapping[str, Any], *, raw: bool = False) -> str:
    """One row per differing field, or per item without one."""
    return csv_text([_CSV_COLUMNS, *_rows(found)], raw=raw)


def as_markdown(found: Mapping[str, Any]) -> str:
    """The summary as a list, then a table with one row per differing field."""
    lines = [f"# {markdown(found['source'])} ⇄ {markdown(found['destination'])}", ""]
    lines += [f"- {markdown(line)}" for line in _summary_lines(found)]
    lines.append("")
    lines += [f"| {' | '.join(_CSV_COLUMNS)} |", f"|{'---|' * len(_CSV_COLUMNS)}"]
    for row in _shown(found):
        lines.append(f"| {' | '.join(markdown(cell) for cell in row)} |")
    return "\n".join(lines) + "\n"


def as_html(found: Mapping[str, Any]) -> str:
    """As `as_markdown`, in one page that needs no other file."""
    title = html_text(f"{found['source']} ⇄ {found['destination']}")
    head = "".join(f"<th>{column}</th>" for column in _CSV_COLUMNS)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html_text(cell)}</td>" for cell in row) + "</tr>" for row in _shown(found)
    )
    summary = "".join(f"<li>{html_text(line)}</li>" for line in _summary_lines(found))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font-family:sans-serif}td,th{padding:.1em .6em;text-align:left;vertical-align:top}"
        "tr:nth-child(even){background:#eee}</style></head>\n"
        f"<body><h1>{title}</h1><ul>{summary}</ul>\n<table><thead><tr>{head}</tr></thead><tbody>\n"
        f"{body}\n</tbody></table></body></html>\n"
    )


def _summary_lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"depth: {found['depth']}"
    for name, count in found["summary"].items():
        yield f"{name.replace('_', ' ')}: {count}"
    for side, user in found["seen_by"].items():
        yield f"{side} as seen by {user}"
    if neutral := found.get("neutral_fields"):
        yield f"not counted as differences: {', '.join(neutral)}"


def _shown(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Rows to be looked at: the white space by which two values differ is seen, the root by its name."""
    names = dict.fromkeys(re.split("[:/]", str(found[side]))[-1] for side in ("source", "destination"))
    root = " ⇄ ".join(name or "." for name in names)
    for glyph, status, kind, path, field, source, destination, note in _rows(found):
        yield (glyph, status, kind, path or root, field, *clean_beside(source, destination), note)


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for item in found["items"]:
        glyph = "=" if item["status"] == "same" else GLYPHS[Status(item["status"])]
        start = (glyph, item["status"], item["kind"], item["path"])
        note = item.get("reason") or item.get("note", "")
        for difference in item["fields"]:
            yield (*start, difference["name"], difference["source"], difference["destination"], note)
        if not item["fields"]:
            yield (*start, "", "", "", note)


def _listed(comparison: Compared, everything: bool) -> Iterator[Pair]:
    for pair in items_of(comparison.root):
        if everything or pair.status not in (Status.SAME, Status.UNREAD):
            yield pair


def _shared_on_one_side(pair: Pair) -> bool:
    one, other = pair.source, pair.destination
    return one is not None and other is not None and (one.shared_from is None) != (other.shared_from is None)


def _item(comparison: Compared, pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": path_of(comparison, pair),
        "kind": str(pair.kind),
        "status": str(pair.status),
        "fields": [asdict(difference) for difference in pair.fields],
    }
    if pair.unverified:
        found["unverified"] = True
    if pair.note:
        found["note"] = pair.note
    if pair.error is not None:
        sides = (("source", pair.source_error), ("destination", pair.destination_error))
        found["reason"] = "; ".join(f"{side}: {error.message}" for side, error in sides if error)
    return found
