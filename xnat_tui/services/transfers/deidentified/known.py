"""What an archive has of a person: to be looked for in everything that leaves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from xnat_tui.services.deidentifying.proof import SHORTEST, Lost
from xnat_tui.xnat.documents.item_xml import XNAT

_NAMES = ("dcmPatientName", "dcm_patient_name", "operator")
_VALUES = ("dcmPatientId", "dcmAccessionNumber", "dcmPatientBirthDate", "acquisition_site", "dob")
_LEAST_DIGITS = 5
"""A number of fewer is found in every header by chance: labels such as `001` cannot be looked for."""
_FREE = re.compile(r"[^0-9A-Za-z]")


def lost_of_person(documents: Iterable[etree._Element], labels: Iterable[str]) -> Lost:
    """Names, IDs and birth dates that documents of a subject and a session have, and their labels."""
    names: set[str] = set()
    values = {label for label in labels if _is_findable(label)}
    for document in documents:
        names.update(_texts(document, _NAMES))
        values.update(text for text in _texts(document, _VALUES) if _is_findable(text))
        values.update(_compact(text) for text in _texts(document, ("dob", "dcmPatientBirthDate")))
    return Lost(frozenset(names), frozenset(values))


def _texts(document: etree._Element, wanted: tuple[str, ...]) -> Iterator[str]:
    """Of all elements and attributes that are called so, at the item and at whatever stands in it."""
    for element in document.iter(etree.Element):
        for name in wanted:
            if element.tag == f"{{{XNAT}}}{name}" and (element.text or "").strip():
                yield (element.text or "").strip()
            if text := str(element.get(name, "")).strip():
                yield text


def _is_findable(text: str) -> bool:
    return len(text) >= (_LEAST_DIGITS if text.isdecimal() else SHORTEST)


def _compact(date: str) -> str:
    """`1970-01-31` as DICOM has it: the search then knows how people write it."""
    return _FREE.sub("", date)
