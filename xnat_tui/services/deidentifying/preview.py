"""A header before and after a profile, element by element, with what was done and why."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.deidentifying.holding import Held, check_held
from xnat_tui.services.deidentifying.keys import Key, new_key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.rules import Element, Rules
from xnat_tui.services.dicom.headers import HeaderRow, first_header, row_of
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.files.dicom_files import quietly

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

BY_KEY = "(by the key)"
"""What stands for a value that only a key could tell."""


@dataclass(frozen=True, slots=True)
class Treated:
    """One element. `after` is None where it is removed; what is new has no `before`."""

    row: HeaderRow
    before: str | None
    after: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`held` is the reason for which the file would be kept back, as far as its header tells; "" for none."""

    elements: tuple[Treated, ...]
    held: str = ""


def preview(
    header: Dataset, profile: Profile, key: Key | None, subject: str, *, show_patient: bool = False
) -> Preview:
    """What the profile would do to a header, which stays as it is. Old values of the patient are masked.

    `subject` is the label that it has, "" for nobody's; the new one is what the key makes of that. Without a
    key, values that hang on it are not told. Raises UsageError without the library, and Held where the header
    cannot be treated.
    """
    after = copy.deepcopy(header)
    used = key or new_key()
    label = used.label(subject)  # dates go by it, as in a transfer
    rules = Rules(profile, used, label, label)
    held, broken = "", False
    try:
        with quietly():
            rules.apply(after)
            check_held(header)
    except Held as error:
        held = error.message
    except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError):
        broken = True
    if broken:
        raise Held("its header cannot be read")
    old, new = dict(_walk(header)), dict(_walk(after))
    found = []
    for place in sorted({*old, *new}):
        reason = rules.reasons.get(place)
        one, other = old.get(place), new.get(place)
        shown = one if one is not None else other
        assert shown is not None
        row = row_of(shown, len(place) // 2, show_patient=show_patient)
        told = None if other is None else row_of(other, show_patient=True).value
        if key is None and told and (told == label or (reason is not None and reason.keyed)):
            told = BY_KEY
        if one is not None and told == row_of(one, show_patient=True).value:
            told = row.value  # kept: masked as it is beside it
        before = None if one is None else row.value
        why = reason.why if reason is not None else "told by the de-identification itself"
        found.append(Treated(row, before, told, "" if one is None and reason is not None else why))
    return Preview(tuple(found), held)


def preview_first(
    reader: Reader, place: Place, profile: Profile, key: Key | None, *, show_patient: bool = False
) -> Preview:
    """The preview of a file's header, or of the first one below a place. Raises as `first_header` and
    `preview`."""
    subject = place.of(Kind.SUBJECT)
    whose = subject.key if subject is not None else ""
    header = first_header(reader, place)
    return preview(header, profile, key, whose, show_patient=show_patient)


def _walk(dataset: Dataset, above: Element = ()) -> Iterator[tuple[Element, DataElement]]:
    for element in dataset:
        place = (*above, int(element.tag))
        yield place, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _walk(item, (*place, number))
