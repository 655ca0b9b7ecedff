"""DICOM headers of what stands in an archive, read from the first bytes of one file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_tui.errors import BadAnswer, NotFound, UsageError, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.files import dicom

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

LONGEST_VALUE = 128
"""Characters of a value that are shown; the rest is counted."""
MASK = "•••"
_PERSONAL_GROUPS = frozenset({0x0010, 0x0038, 0x4008})
"""The patient, the visit, and what somebody said of the study."""
_DICOM_LABELS = ("DICOM", "secondary")
_PERSONAL = frozenset(
    (
        *("AccessionNumber", "StudyID", "IssuerOfAccessionNumberSequence", "ReferencedPatientSequence"),
        *("ReferencedVisitSequence", "InstitutionName", "InstitutionCodeSequence"),
        *("InstitutionalDepartmentName", "ResponsibleOrganization"),
        *("ReferringPhysicianIdentificationSequence", "ConsultingPhysicianIdentificationSequence"),
        *("PhysiciansOfRecordIdentificationSequence", "PhysiciansReadingStudyIdentificationSequence"),
        *("PerformingPhysicianIdentificationSequence", "RequestingPhysicianIdentificationSequence"),
        *("ScheduledPerformingPhysicianIdentificationSequence", "OperatorIdentificationSequence"),
        *("VerifyingObserverIdentificationCodeSequence", "VerifyingObserverSequence"),
        *("AuthorObserverSequence", "PersonIdentificationCodeSequence", "RequestingPhysician"),
        *("RequestingService", "ReasonForStudy", "ReasonForVisit", "RequestAttributesSequence"),
        *("RequestedProcedureID", "ReasonForTheRequestedProcedure"),
        *("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest"),
        *("PlacerOrderNumberProcedure", "FillerOrderNumberProcedure", "OrderEnteredBy"),
        *("OrderEntererLocation", "PatientTransportArrangements", "TextValue", "InterpretationText"),
        *("RTPhysicianIntentNarrative", "EncapsulatedDocument", "DocumentTitle"),
        *("OriginalAttributesSequence",),
    )
)
_TOLD_FREELY = re.compile(r"Comments?$|Address$|Telephone|Telecom|PhoneNumber$|^CommentsOn")


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """One element. `tag` is `(0010,0020)`; `depth` counts the sequences around it."""

    tag: str
    vr: str
    name: str
    """The dictionary's name for it, "" where it has none."""
    keyword: str
    value: str
    masked: bool = False
    depth: int = 0


def first_header(reader: Reader, place: Place, *, names: Sequence[str] = ()) -> Dataset:
    """The header of a DICOM file, or of the first one of a scan, session, assessor or resource.

    Reads some kB: up to the pixel data, and no further. `names` are keywords of the elements wanted,
    such as "PatientAge"; none means all. Values are exactly the file's. Where no file can be read, the
    server's own dump of a scan's header is asked. Raises NotFound without any DICOM file there, BadAnswer
    where it is none, and what reading the way there raises.
    """
    failure: XnatTuiError | None = None
    for resource in dicom_resources(reader, place):
        try:
            file = place if place.kind is Kind.FILE else _first_file(reader, resource)
            if file.item is not None:
                return dicom.read_header(reader.connection, file.item.uri, names=names)
        except (BadAnswer, NotFound) as error:
            failure = failure or error
    if failure is None:
        raise NotFound(f"{place.location} has no DICOM file.")
    source = _dump_source(place)
    if not source:
        raise failure
    try:
        return dicom.dump_header(reader.connection, source, names)
    except XnatTuiError:
        raise failure from None


def read_fields(reader: Reader, place: Place, names: Sequence[str]) -> dict[str, str]:
    """Some elements of the first header of a place, by keyword; those that it lacks are missing.

    Raises as `first_header`.
    """
    header = first_header(reader, place, names=names)
    return {name: text_of(header[name]) for name in names if name in header}


def rows(header: Dataset, *, show_patient: bool = False) -> list[HeaderRow]:
    """Every element as it is shown, sequences opened; patient fields masked unless asked for."""
    return list(_rows(header, show_patient=show_patient, depth=0))


def row_of(element: DataElement, depth: int = 0, *, show_patient: bool = False) -> HeaderRow:
    """One element as it is shown, without what a sequence holds."""
    empty = element.VR != "SQ" and element.value in (None, "", b"")
    masked = is_personal(element) and not show_patient and not empty
    return HeaderRow(
        f"({element.tag.group:04X},{element.tag.element:04X})",
        str(element.VR),
        element.name if element.keyword or element.tag.is_private else "",
        element.keyword,
        MASK if masked else text_of(element, LONGEST_VALUE),
        masked=masked,
        depth=depth,
    )


def dicom_files(reader: Reader, place: Place) -> list[Place]:
    """The DICOM files beside a file, or of the first resource of a place that has any; by name, 2 before 10.

    Raises NotFound without any, and what reading the way there raises.
    """
    for resource in [place.parent] if place.kind is Kind.FILE else dicom_resources(reader, place):
        if files := files_of(reader, resource):
            return files
    raise NotFound(f"{place.location} has no DICOM file.")


def files_of(reader: Reader, resource: Place) -> list[Place]:
    """The files of a resource, numbers in their names in order of value."""
    return [resource.child(item) for item in sorted(_items(reader, resource, Kind.FILE), key=_natural)]


def _natural(item: Item) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", item.key)]


def is_personal(element: DataElement) -> bool:
    """Whether an element may name a person, after DICOM PS3.15 table E.1-1.

    That is what groups of the patient and the visit hold, names of people, addresses, numbers of visits and
    orders, and comments, where anything is written. Private elements are taken for personal too: nobody
    knows what a vendor writes there. Dates of examinations are not; a date of birth is the patient's.
    """
    tag, keyword = element.tag, element.keyword
    return (
        tag.group in _PERSONAL_GROUPS
        or element.VR == "PN"
        or (tag.is_private and not tag.is_private_creator)
        or keyword in _PERSONAL
        or _TOLD_FREELY.search(keyword) is not None
    )


def text_of(element: DataElement, limit: int | None = None) -> str:
    """An element's value in one line, several values with `\\` between them as the file has them."""
    value = element.value
    if element.VR == "SQ":
        count = len(value)
        return f"{count} item" + ("" if count == 1 else "s")
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    several = not isinstance(value, str) and hasattr(value, "__iter__") and not hasattr(value, "components")
    text = "\\".join(str(one) for one in value) if several else str(value)
    if limit is not None and len(text) > limit:
        return f"{text[:limit]}… ({len(text)} characters)"
    return text


def _rows(header: Dataset, *, show_patient: bool, depth: int) -> Iterator[HeaderRow]:
    groups = [header.file_meta] if depth == 0 and getattr(header, "file_meta", None) else []
    for element in (*(one for group in groups for one in group), *header):
        hidden = is_personal(element) and not show_patient
        yield row_of(element, depth, show_patient=show_patient)
        if element.VR == "SQ" and not hidden:
            for item in element.value:
                yield from _rows(item, show_patient=show_patient, depth=depth + 1)


def dicom_resources(reader: Reader, place: Place) -> Iterator[Place]:
    """Where DICOM files may be, the likeliest first; a file stands for itself.

    Raises UsageError for projects and subjects, and what listing raises.
    """
    if place.kind in (Kind.FILE, Kind.RESOURCE):
        yield place
        return
    if place.kind not in (Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION):
        raise UsageError(
            f"{place.location} has no DICOM header.", "Name a session, a scan, a resource or a file."
        )
    if place.kind is Kind.EXPERIMENT:
        for scan in _items(reader, place, Kind.SCAN):
            yield from _dicom_resources(reader, place.child(scan))
        return
    yield from _dicom_resources(reader, place)


def _dicom_resources(reader: Reader, place: Place) -> Iterator[Place]:
    found = [item for item in _items(reader, place, Kind.RESOURCE) if _holds_dicom(item)]
    found.sort(key=lambda item: _DICOM_LABELS.index(item.key) if item.key in _DICOM_LABELS else 9)
    yield from (place.child(item) for item in found)


def _holds_dicom(resource: Item) -> bool:
    return (resource.key in _DICOM_LABELS or resource.type.upper() == "DICOM") and resource.files != 0


def _items(reader: Reader, place: Place, kind: Kind) -> Iterable[Item]:
    listing = reader.below(place, kind)
    if listing.error is not None and not listing.items:
        raise listing.error
    return listing.items


def _first_file(reader: Reader, resource: Place) -> Place:
    """One file of a resource, from its list, which is read once and remembered.

    `index=0` does not list the first alone: XNAT takes it for a request for the file (`FileList`), finds
    none in its rows, and answers 404.
    """
    known = list(_items(reader, resource, Kind.FILE))
    if not known:
        raise NotFound(f"{resource.location} lists no file.")
    return resource.child(known[0])


def _dump_source(place: Place) -> str:
    project, subject, session = (place.of(kind) for kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT))
    scan = place.of(Kind.SCAN)
    if project is None or subject is None or session is None:
        return ""
    if place.kind not in (Kind.EXPERIMENT, Kind.SCAN):
        return ""  # XNAT would answer with a file of the scan, whichever it likes
    parts = ["projects", project.id, "subjects", subject.id, "experiments", session.id]
    if scan is not None:
        parts += ["scans", scan.id]
    return "" if any("/" in part for part in parts) else "/".join(["/archive", *parts])
