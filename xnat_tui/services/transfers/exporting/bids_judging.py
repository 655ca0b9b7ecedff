"""Why the validator of BIDS would refuse an image that is in the folder: what only its files can tell.

Its rules for names need no look here, since names are made by them. These are those of its errors that
speak of an image's header and sidecars (`rules/checks`, `rules/sidecars` of the schema).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xnat_tui.services.transfers.exporting import bids_schema
from xnat_tui.services.transfers.exporting.nifti_header import NiftiHeader, read_header

_CLOSE = 0.001
"""Seconds by which a repetition time may differ from the header's."""


def why_not(folder: Path, name: str) -> str:
    """The reason, or "" for an image that is in order. Raises OSError."""
    stem = name[: -len(bids_schema.image_ending(name))]
    datatype, last = stem.split("/")[-2:]
    suffix = last.rpartition("_")[2]
    header = read_header(folder / name)
    if header is None:
        return "It is no NIfTI image."
    fields = read_sidecar(folder / f"{stem}.json")
    if fields is None:
        return "Its sidecar is no JSON object."
    lacking = [
        field
        for field, instead in bids_schema.required_fields(datatype, suffix).items()
        if not {field, *instead} & fields.keys()
    ]
    if lacking:
        return f"Nothing in the archive tells its {', '.join(lacking)}."
    if suffix == "bold":
        return _bold(header, fields)
    if suffix in ("dwi", "epi"):
        return _directions(folder / stem, header)
    return _field_map(folder, stem, suffix, header, fields)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """The fields of a JSON sidecar, none where there is no file; None for what is no object."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _bold(header: NiftiHeader, fields: Mapping[str, Any]) -> str:
    if len(header.shape) != 4:
        return f"It has {len(header.shape)} dimensions, and a bold image has 4."
    time = fields.get("RepetitionTime")
    if time is None:
        return ""
    if not isinstance(time, int | float) or abs(time - header.step) >= _CLOSE:
        return f"Its RepetitionTime is {time} s, and in its header {header.step:g} s."
    return ""


def _directions(stem: Path, header: NiftiHeader) -> str:
    volumes = header.shape[3] if len(header.shape) > 3 else 1
    for ending, rows in ((".bval", 1), (".bvec", 3)):
        try:
            text = stem.with_name(stem.name + ending).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            continue
        lines = [line.split() for line in text.splitlines() if line.strip()]
        if len(lines) != rows or any(len(line) != volumes for line in lines):
            return f"Its {ending} is not of {rows} × {volumes} numbers, as the image needs it."
    return ""


def _field_map(folder: Path, stem: str, suffix: str, header: NiftiHeader, fields: Mapping[str, Any]) -> str:
    if suffix == "fieldmap":
        beside = re.sub(r"_fieldmap$", "_magnitude", stem)
        if not any((folder / (beside + ending)).is_file() for ending in bids_schema.IMAGE_ENDINGS):
            return "No magnitude image goes with it."
    if suffix in ("magnitude1", "magnitude2") and len(header.shape) != 3:
        return f"It has {len(header.shape)} dimensions, and a magnitude image has 3."
    if suffix == "phasediff":
        times = [fields["EchoTime1"], fields["EchoTime2"]]
        if not all(isinstance(time, int | float) for time in times):
            return "Its echo times are no numbers."
        if not 0.0001 <= times[1] - times[0] <= 0.01:
            return f"Its echo times are {times[0]} s and {times[1]} s."
    return ""
