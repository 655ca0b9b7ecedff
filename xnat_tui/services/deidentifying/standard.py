"""Table E.1-1 of DICOM PS3.15: what the confidentiality profile and its options do to each attribute.

The actions of the basic profile are those of the library `dicomanonymizer`, which follows the standard's
editions. It has no columns for the options: these are in `table_e1_1.csv`, the standard's own table (2024b),
and a test holds that both say the same of the basic profile. A row that only the newer edition has knows no
option here: the basic profile's action is the stricter one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from xnat_tui.errors import UsageError

EDITION = "2026c"
"""Of the standard, as the library has the basic profile."""


class Option(StrEnum):
    """The options of PS3.15 E.3 that can be asked for."""

    RETAIN_UIDS = "retain-uids"
    RETAIN_FULL_DATES = "retain-full-dates"
    RETAIN_MODIFIED_DATES = "retain-modified-dates"
    RETAIN_PATIENT = "retain-patient-characteristics"
    RETAIN_DEVICE = "retain-device-identity"
    RETAIN_INSTITUTION = "retain-institution-identity"


class Code(NamedTuple):
    """A coded concept of PS3.16, context group 7050; the coding scheme is DCM."""

    value: str
    meaning: str


IDENTITY = frozenset(
    (
        *("PatientID", "OtherPatientIDs", "PatientBirthDate", "MedicalRecordLocator", "PatientAddress"),
        *("PatientTelephoneNumbers", "PatientTelecomInformation", "AccessionNumber", "AdmissionID"),
        *("InstitutionName", "InstitutionAddress", "ReferringPhysicianAddress", "ServiceEpisodeID"),
        *("ReferringPhysicianTelephoneNumbers", "PersonAddress", "PersonTelephoneNumbers"),
        *("FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest"),
    )
)
"""Keywords, beside all names, of what says who somebody is: it is looked for in all that leaves."""

BASIC = Code("113100", "Basic Application Confidentiality Profile")
CODES: Mapping[Option, Code] = {
    Option.RETAIN_UIDS: Code("113110", "Retain UIDs Option"),
    Option.RETAIN_FULL_DATES: Code("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: Code(
        "113107", "Retain Longitudinal Temporal Information Modified Dates Option"
    ),
    Option.RETAIN_PATIENT: Code("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE: Code("113109", "Retain Device Identity Option"),
    Option.RETAIN_INSTITUTION: Code("113112", "Retain Institution Identity Option"),
}
NOT_YET = ("clean-descriptors", "clean-structured-content", "clean-graphics", "retain-safe-private")
"""Options that the standard has and this program does not: they would need what a text means."""


class Action(StrEnum):
    """What is done to an attribute, in the letters of table E.1-1a. Of two that the table leaves to the
    object's definition the one that never breaks it is taken: Z of X/Z, D of X/D, Z/D and X/Z/D."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    NEW_UID = "U"
    KEEP = "K"
    SHIFT = "C"
    """Dates cleaned, which means shifted."""
    INSIDE = "U*"
    """A sequence that stays, with what it holds treated by the same rules."""


_TAKEN: Mapping[str, Action] = {
    "X_TAGS": Action.REMOVE,
    "Z_TAGS": Action.EMPTY,
    "D_TAGS": Action.DUMMY,
    "U_TAGS": Action.NEW_UID,
    "Z_D_TAGS": Action.DUMMY,
    "X_Z_TAGS": Action.EMPTY,
    "X_D_TAGS": Action.DUMMY,
    "X_Z_D_TAGS": Action.DUMMY,
    "X_Z_U_STAR_TAGS": Action.INSIDE,
}
_REPEATED = (0x5000, 0x6000)
"""Groups of curves and overlays, which the table has as 50xx and 60xx."""
_CURVES = 0x5000


@cache
def basic_actions() -> Mapping[int, Action]:
    """By tag, what the basic profile does; of repeated groups the first stands for all.

    Raises UsageError without the library.
    """
    try:
        from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition
    except ImportError:
        raise UsageError(
            "De-identification needs a library that is not installed.",
            "Install it: pip install 'xnat-tui[deidentify]'",
        ) from None
    return {
        (group << 16) | element: action
        for name, action in _TAKEN.items()
        for group, element, *_ in getattr(edition, name)
    }


@cache
def option_actions() -> Mapping[int, Mapping[str, str]]:
    """By tag, the columns of the table's options that say something: `K` or `C`."""
    text = files(__package__).joinpath("table_e1_1.csv").read_text(encoding="utf-8")
    return {
        int(row["tag"].replace("X", "0"), 16): {
            name: word for name, word in row.items() if word and name not in ("tag", "name", "basic")
        }
        for row in csv.DictReader(text.splitlines())
    }


def row_of(tag: int) -> int:
    """The row of the table that a tag falls in; of a tag that is in none, the tag."""
    group = tag >> 16
    if group & 0xFF00 in _REPEATED and group % 2 == 0:
        first = group & 0xFF00
        return first << 16 if first == _CURVES else (first << 16) | (tag & 0xFFFF)
    return tag


def action_of(tag: int, options: frozenset[Option]) -> tuple[Action | None, Option | None]:
    """What is done to a standard attribute, and the option that decided so; no action where no row has it.

    Options that the table marks with C ask for cleaning. Of dates that is done; of other values nobody here
    knows what a text means, and the basic profile's action stays.
    """
    row = row_of(tag)
    action = basic_actions().get(row)
    words = option_actions().get(row, {})
    for option in Option:
        if option in options and words.get(option) == "K":
            return Action.KEEP, option
    if Option.RETAIN_MODIFIED_DATES in options and words.get(Option.RETAIN_MODIFIED_DATES):
        return Action.SHIFT, Option.RETAIN_MODIFIED_DATES
    return action, None
