"""Two DICOM headers side by side: every element of either, differing ones first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.services.dicom.headers import HeaderRow, is_personal, row_of

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

_Key = tuple[int, ...]
"""Tag, number of the item in it, tag within that item …"""


@dataclass(frozen=True, slots=True)
class HeaderPair:
    """One element of one header or two. `glyph` is `*`, `<`, `>` or "" where both say the same."""

    row: HeaderRow
    source: str | None
    destination: str | None
    """None where that side lacks the element."""
    glyph: str = ""


def pair_headers(
    source: Dataset | None, destination: Dataset | None, *, show_patient: bool = False
) -> list[HeaderPair]:
    """Elements of both headers, those that differ before the others; with one header, in its order.

    What is masked is compared all the same, by its true and whole value.
    """
    one = dict(_walk(source)) if source is not None else {}
    other = dict(_walk(destination)) if destination is not None else {}
    found = []
    hidden: _Key | None = None
    for key in sorted({*one, *other}):
        if hidden is not None and key[: len(hidden)] == hidden:
            continue
        left, right = one.get(key), other.get(key)
        element = left if left is not None else right
        assert element is not None
        masked = is_personal(element) and not show_patient
        hidden = key if masked and element.VR == "SQ" else None
        glyph = _glyph(left, right, masked=masked) if source is not None and destination is not None else ""
        depth = len(key) // 2
        shown = [
            None if side is None else row_of(side, depth, show_patient=show_patient) for side in (left, right)
        ]
        row = shown[0] or shown[1]
        assert row is not None
        texts = [None if side is None else side.value for side in shown]
        found.append(HeaderPair(row, texts[0], texts[1], glyph))
    return sorted(found, key=lambda pair: not pair.glyph)


def _walk(header: Dataset, above: _Key = ()) -> Iterator[tuple[_Key, DataElement]]:
    if not above and getattr(header, "file_meta", None):
        for element in header.file_meta:
            yield (int(element.tag),), element
    for element in header:
        key = (*above, int(element.tag))
        yield key, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _walk(item, (*key, number))


def _glyph(source: DataElement | None, destination: DataElement | None, *, masked: bool) -> str:
    """A shown sequence differs itself only in its number of items: its elements stand below it."""
    if source is None or destination is None:
        return ">" if source is None else "<"
    if source.VR != destination.VR:
        return "*"
    if source.VR == "SQ" and not masked:
        return "" if len(source.value) == len(destination.value) else "*"
    return "" if source.value == destination.value else "*"
