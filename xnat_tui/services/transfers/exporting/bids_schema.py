"""The words of BIDS and their order, as its own machine-readable schema has them (`bidsschematools`).

Only raw NIfTI images are of interest here. The schema is loaded at the first question, in some 20 ms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

IMAGE_ENDINGS = (".nii.gz", ".nii")
SIDECAR_ENDINGS = (".json", ".bval", ".bvec")
"""Of the files that may stand beside an image under its name."""
_DATATYPE = re.compile(r'datatype == "(\w+)"')
_SUFFIX = re.compile(r'suffix == "(\w+)"|intersects\(\[suffix\], \[([^\]]*)\]\)')
_IMAGE_ONLY = re.compile(r"match\(extension, ")
_UNLESS_THERE = re.compile(r'!\("(\w+)" in sidecar\)')


@dataclass(frozen=True, slots=True)
class Rule:
    """What the name of one sort of image may and must hold, by the long names of entities."""

    datatype: str
    suffix: str
    required: frozenset[str]
    allowed: frozenset[str]
    endings: frozenset[str]
    """File name extensions: of the image, and of the sidecars that may stand beside it."""


@cache
def schema() -> Any:
    """The schema of the installed `bidsschematools`."""
    from bidsschematools.schema import load_schema

    return load_schema()


def bids_version() -> str:
    """Of the standard that names follow here."""
    return str(schema().bids_version)


@cache
def rules() -> Mapping[tuple[str, str], Rule]:
    """Every sort of raw image by data type and suffix."""
    found: dict[tuple[str, str], Rule] = {}
    for group in schema().rules.files.raw.values():
        for rule in group.values():
            if not set(IMAGE_ENDINGS) <= set(rule.extensions):
                continue
            levels = {name: _level(value) for name, value in rule.entities.items()}
            required = frozenset(name for name, level in levels.items() if level == "required")
            for datatype in rule.datatypes:
                for suffix in rule.suffixes:
                    given = Rule(datatype, suffix, required, frozenset(levels), frozenset(rule.extensions))
                    found.setdefault((datatype, suffix), given)
    return found


def _level(value: Any) -> str:
    return value if isinstance(value, str) else str(value["level"])


def datatypes() -> list[str]:
    """The folders that BIDS sorts images into: `anat`, `func`, `dwi` and so on."""
    return sorted({datatype for datatype, _ in rules()})


def datatypes_of(suffix: str) -> list[str]:
    """Where images of this suffix go: mostly one data type, several for `sbref` and few others."""
    return [datatype for datatype, known in rules() if known == suffix]


@cache
def short_names() -> Mapping[str, str]:
    """Entities in the order that names have them, `subject` first: `acquisition` → `acq`."""
    entities = schema().objects.entities
    return {name: str(entities[name].name) for name in schema().rules.entities}


@cache
def long_names() -> Mapping[str, str]:
    """`acq` → `acquisition`, and `acquisition` itself too."""
    return {short: name for name, short in short_names().items()} | {name: name for name in short_names()}


def fits(entity: str, value: str) -> bool:
    """Whether a text can be the value of an entity (long name)."""
    known = schema().objects.entities[entity]
    if "enum" in known:
        return value in list(known["enum"])
    return fits_format(str(known["format"]), value)


def fits_format(name: str, text: str) -> bool:
    """Whether a text is a `label`, an `index`, a `datetime` ..."""
    return re.fullmatch(str(schema().objects.formats[name]["pattern"]), text) is not None


def file_stem(rule: Rule, entities: Mapping[str, str]) -> str:
    """`sub-1_ses-2_task-rest_bold`. Raises ValueError for what the schema does not allow."""
    missing = rule.required - entities.keys()
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))} missing")
    for name, value in entities.items():
        if name not in rule.allowed or not fits(name, value):
            raise ValueError(f"{name} cannot be {value!r}")
    parts = [f"{short}-{entities[name]}" for name, short in short_names().items() if name in entities]
    return "_".join([*parts, rule.suffix])


@cache
def required_fields(datatype: str, suffix: str) -> Mapping[str, frozenset[str]]:
    """Fields that the sidecar of such an image must have, each with those that stand in for it.

    Only rules that hold for every image of the sort; those that depend on other fields are not here.
    """
    found: dict[str, frozenset[str]] = {}
    for group in schema().rules.sidecars.values():
        for rule in group.values():
            if "fields" not in rule or not _applies([str(one) for one in rule.selectors], datatype, suffix):
                continue
            instead = frozenset(match[1] for one in rule.selectors for match in _UNLESS_THERE.finditer(one))
            for name, value in rule.fields.items():
                if _level(value) == "required":
                    found[_field(name)] = instead
    return found


def _field(name: str) -> str:
    return str(schema().objects.metadata[name].name)


def _applies(selectors: list[str], datatype: str, suffix: str) -> bool:
    """Whether a rule's conditions are none but a data type and a suffix, and these are the ones."""
    asked = False
    for selector in selectors:
        if (match := _DATATYPE.fullmatch(selector)) is not None:
            if match[1] != datatype:
                return False
        elif (match := _SUFFIX.fullmatch(selector)) is not None:
            asked = True
            if suffix not in (match[1] or match[2].replace('"', "").replace(" ", "").split(",")):
                return False
        elif not _IMAGE_ONLY.match(selector) and not _UNLESS_THERE.fullmatch(selector):
            return False
    return asked


def image_ending(name: str) -> str:
    """`.nii.gz` or `.nii` as the name spells it, "" for another file."""
    return next((name[-len(end) :] for end in IMAGE_ENDINGS if name.lower().endswith(end)), "")
