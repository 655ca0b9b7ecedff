"""A JSON sidecar in, its fields that may leave out: what converters took from DICOM goes by DICOM's rules.

A field that has the name of an attribute stays if the profile keeps that attribute; dates are not shifted
and UIDs not replaced here, but removed. Others stay if they are known to hold numbers or technical words,
and hold them. Objects within objects go through the same rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.rules import keeps
from xnat_tui.services.deidentifying.sidecar_keys import fits, tag_of
from xnat_tui.services.deidentifying.standard import IDENTITY

if TYPE_CHECKING:
    from xnat_tui.services.deidentifying.profile import Profile

LARGEST = 16_000_000
"""Bytes of a sidecar: it is read whole."""
_GONE = object()
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


def pass_sidecar(source: IO[bytes], target: IO[bytes], profile: Profile, lost: Lost) -> None:
    """Write the fields that may leave, an empty object where none may. Raises Held, and OSError."""
    source.seek(0)
    content = source.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Held(f"JSON of more than {LARGEST} bytes")
    written, reason = b"", ""
    try:
        fields = _parsed(content)
        kept = _object(fields, profile)
        written = json.dumps(kept, indent=2, ensure_ascii=False).encode()
        must_go = _lost(fields, profile, lost)
        if must_go.in_header(written) or must_go.in_text("\n".join(_texts(kept))):
            reason = "a value that it had to lose is in a field that stays"
    except UnicodeEncodeError:
        reason = "its text is no Unicode"
    except RecursionError:
        reason = "objects within objects without end"
    if reason:
        raise Held(reason)
    target.write(written)
    target.flush()


def _parsed(content: bytes) -> dict[str, Any]:
    fields = None
    with suppress(ValueError):  # what it says would hold values
        fields = json.loads(content)
    if not isinstance(fields, dict):
        raise Held("no JSON object, though it is called so")
    return fields


def _object(fields: dict[str, Any], profile: Profile) -> dict[str, Any]:
    found = {key: _treated(key, value, profile) for key, value in fields.items()}
    return {key: value for key, value in found.items() if value is not _GONE}


def _treated(key: str, value: Any, profile: Profile) -> Any:
    """What stays of a field's value: part of a list would be a lie, so that all of it goes."""
    tag, kind = tag_of(key), fits(key)
    if kind is None or (tag is not None and not keeps(tag, profile)):
        return _GONE
    if isinstance(value, dict):
        inside = _object(value, profile)
        return inside if inside or not value else _GONE
    if isinstance(value, list):
        several = [_treated(key, one, profile) for one in value]
        return _GONE if any(one is _GONE for one in several) else several
    return value if kind.takes(value) else _GONE


def _lost(fields: dict[str, Any], profile: Profile, lost: Lost) -> Lost:
    """What a sidecar must lose, from its own fields at any depth, and what the caller knows of."""
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    names, values = set(lost.names), set(lost.values)
    for key, text in _fields(fields):
        tag = tag_of(key)
        if tag is None or keeps(tag, profile):
            continue
        if dictionary_VR(tag) == "PN":
            names |= {text, text.replace("_", "^")}  # dcm2niix has no `^` and no space in names
        elif keyword_for_tag(tag) in IDENTITY:
            values |= {text, _DAY.sub(r"\1\2\3", text)}
    return Lost(frozenset(names), frozenset(values))


def _fields(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each single value at any depth as a text, with the field it stands in."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _fields(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _fields(one, key)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)


def _texts(value: Any) -> Iterator[str]:
    """All texts as they will be read: in the file some of their letters are escaped."""
    return (text for _, text in _fields(value))
