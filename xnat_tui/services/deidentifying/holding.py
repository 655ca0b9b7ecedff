"""What is held: a file that cannot be shown to lose all that it has to lose does not leave.

DICOM passes only where its class is known to hold images, or numbers, of a scanner alone. All other classes
have free text, documents, drawings, or pictures of screens, and private ones have what nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_tui.errors import XnatTuiError

if TYPE_CHECKING:
    from pydicom import Dataset


class Held(XnatTuiError):
    """A file that is kept back; the message is the reason, and holds nothing of the file's values."""

    title = "Held"


PASSING = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
        *(f"1.2.840.10008.5.1.4.1.1.1.{kind}" for kind in ("1", "1.1", "2", "2.1", "3", "3.1")),  # DX, MG, IO
        *(f"1.2.840.10008.5.1.4.1.1.2{kind}" for kind in ("", ".1", ".2")),  # CT
        *(f"1.2.840.10008.5.1.4.1.1.4{kind}" for kind in ("", ".1", ".2", ".3", ".4")),  # MR
        "1.2.840.10008.5.1.4.1.1.20",  # Nuclear Medicine
        "1.2.840.10008.5.1.4.1.1.30",  # Parametric Map
        *(f"1.2.840.10008.5.1.4.1.1.128{kind}" for kind in ("", ".1")),  # PET
        "1.2.840.10008.5.1.4.1.1.130",  # Enhanced PET
        *(f"1.2.840.10008.5.1.4.1.1.12.{kind}" for kind in ("1", "1.1", "2", "2.1")),  # XA, RF
        *(f"1.2.840.10008.5.1.4.1.1.13.1.{kind}" for kind in ("1", "2", "3", "4", "5")),  # X-ray 3D
        "1.2.840.10008.5.1.4.1.1.481.2",  # RT Dose
    }
)
"""SOP classes (PS3.4 B.5) of which nothing but the header has to be treated."""
_MUST_SAY = tuple(f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("1", "12", "20"))
"""Beginnings of classes of projections, scanned films among them, and of nuclear medicine: they pass
only where they say that nothing is burned into their pixels."""
_KINDS = (
    ("1.2.840.10008.5.1.4.1.1.7", "a secondary capture: names may be burned into its pixels"),
    ("1.2.840.10008.5.1.4.1.1.6", "ultrasound: names may be burned into its pixels"),
    ("1.2.840.10008.5.1.4.1.1.3", "ultrasound: names may be burned into its pixels"),
    ("1.2.840.10008.5.1.4.1.1.88", "a structured report: its text may name anybody"),
    ("1.2.840.10008.5.1.4.1.1.104", "an encapsulated document"),
    ("1.2.840.10008.5.1.4.1.1.77", "a photograph or video: it may show the patient, or names"),
    ("1.2.840.10008.5.1.4.1.1.11", "a presentation state: its drawings may name anybody"),
    ("1.2.840.10008.5.1.4.1.1.66", "raw data or what is derived from an image: nobody knows what it holds"),
    ("1.2.840.10008.1.3.10", "a DICOMDIR: it lists files that have other names now"),
)
_SCREENS = ("SCREEN", "DOSE", "CAPTURE", "OCR", "REPORT", "SCANNED", "PATIENT PROTOCOL")
"""Words of image types, and of descriptions of series, of pictures that a person has to read."""
_TOLD_IN = ("ImageType", "SeriesDescription", "ProtocolName", "ImageComments", "DerivationDescription")


def check_held(dataset: Dataset) -> None:
    """Raises Held with the reason where an object may hold more than its header says, or says so itself."""
    kind = _word(dataset, "SOPClassUID")
    if kind not in PASSING:
        raise Held(_why(kind))
    burned = _word(dataset, "BurnedInAnnotation").upper()
    if burned not in ("", "NO"):
        raise Held("names may be burned into its pixels: BurnedInAnnotation says so")
    if not burned and any(kind == one or kind.startswith(f"{one}.") for one in _MUST_SAY):
        raise Held("names may be burned into its pixels: it does not say that there are none")
    if _word(dataset, "SamplesPerPixel") not in ("", "1"):
        raise Held("a picture in colour, as programs draw them: names may be burned into its pixels")
    if any(tag & 0xFF01FFFF == 0x60000102 and dataset[tag].value for tag in map(int, dataset.keys())):
        raise Held("an overlay within its pixels: it may show names")
    if _word(dataset, "Modality").upper() in ("US", "SR", "OT", "SC", "DOC", "IVUS"):
        raise Held("its modality is one of pictures with text in them")
    if "ConversionType" in dataset:
        raise Held("it was converted from something else, and names may be burned into its pixels")
    told = " ".join(_word(dataset, name) for name in _TOLD_IN).upper()
    is_protocol = "PROT" in _word(dataset, "ImageType").upper().split()
    if is_protocol or any(word in told for word in _SCREENS):
        raise Held("a picture of a screen, or a dose report: names may be burned into its pixels")


def _why(kind: str) -> str:
    for beginning, reason in _KINDS:
        if kind == beginning or kind.startswith(f"{beginning}."):
            return reason
    return (
        "its class is not known to hold images of a scanner alone" if kind else "it does not say what it is"
    )


def _word(dataset: Dataset, name: str) -> str:
    value = dataset.get(name, "")
    several = value if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
    return " ".join(str(one) for one in several if one is not None).strip("\0 ")
