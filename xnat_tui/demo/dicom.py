"""What the server reads from DICOM files, and how its anonymisation script rewrites them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from xnat_tui.demo.content import BytesContent, Content

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

SESSION_TYPES = {
    "PT": "xnat:petSessionData",
    "MR": "xnat:mrSessionData",
    "CT": "xnat:ctSessionData",
    "US": "xnat:usSessionData",
    "CR": "xnat:crSessionData",
    "DX": "xnat:dxSessionData",
    "XA": "xnat:xaSessionData",
    "SR": "xnat:srSessionData",
}
"""Session types by modality, the leading modality first."""

SCAN_TYPES = {
    "PT": "xnat:petScanData",
    "MR": "xnat:mrScanData",
    "CT": "xnat:ctScanData",
    "US": "xnat:usScanData",
    "CR": "xnat:crScanData",
    "DX": "xnat:dxScanData",
    "XA": "xnat:xaScanData",
    "OT": "xnat:scScanData",
    "SR": "xnat:srScanData",
}
_SCAN_FIELDS = {
    "RepetitionTime": "parameters/tr",
    "EchoTime": "parameters/te",
    "InversionTime": "parameters/ti",
    "FlipAngle": "parameters/flip",
    "MagneticFieldStrength": "fieldStrength",
    "Manufacturer": "scanner/manufacturer",
    "ManufacturerModelName": "scanner/model",
    "StationName": "scanner",
}
_SESSION_FIELDS = {
    "Manufacturer": "scanner/manufacturer",
    "ManufacturerModelName": "scanner/model",
    "StationName": "scanner",
    "OperatorsName": "operator",
    "AccessionNumber": "dcmAccessionNumber",
    "PatientID": "dcmPatientId",
    "PatientName": "dcmPatientName",
    "PatientBirthDate": "dcmPatientBirthDate",
    "PatientWeight": "dcmPatientWeight",
    "InstitutionName": "acquisition_site",
}


def read_header(data: bytes, *, pixels: bool = False) -> Dataset | None:
    """The data set of a file, or None when it is no DICOM; values are not validated."""
    # Imported here: a site without DICOM never needs pydicom.
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        found = dcmread(io.BytesIO(data), stop_before_pixels=not pixels)
    except (InvalidDicomError, EOFError, NotImplementedError, ValueError, KeyError):
        return None
    return found if "StudyInstanceUID" in found and "SeriesInstanceUID" in found else None


def content_bytes(content: Content) -> bytes:
    return b"".join(content.chunks())


def first_header(files: Iterable[Content]) -> Dataset | None:
    """The header of the first readable file."""
    headers = (read_header(content_bytes(one)) for one in files)
    return next((one for one in headers if one is not None), None)


def text_of(header: Dataset, keyword: str) -> str:
    """A value as text; "" when it is missing or empty."""
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def date_of(header: Dataset) -> str:
    """The study date as ``yyyy-mm-dd``, "" unless the header has eight digits."""
    day = text_of(header, "StudyDate")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else ""


def time_of(header: Dataset) -> str:
    clock = text_of(header, "StudyTime")[:6]
    return f"{clock[:2]}:{clock[2:4]}:{clock[4:]}" if len(clock) == 6 and clock.isdigit() else ""


def session_fields(header: Dataset) -> dict[str, str]:
    found = {path: text_of(header, keyword) for keyword, path in _SESSION_FIELDS.items()}
    found["modality"] = text_of(header, "Modality")
    found["date"], found["time"] = date_of(header), time_of(header)
    birth = found["dcmPatientBirthDate"]
    if len(birth) == 8:
        found["dcmPatientBirthDate"] = f"{birth[:4]}-{birth[4:6]}-{birth[6:]}"
    return {path: value for path, value in found.items() if value}


def scan_fields(header: Dataset) -> dict[str, str]:
    found = {path: text_of(header, keyword) for keyword, path in _SCAN_FIELDS.items()}
    found["series_description"] = text_of(header, "SeriesDescription")
    found["modality"] = text_of(header, "Modality")
    return {path: value for path, value in found.items() if value}


def file_name(header: Dataset) -> str:
    """The name that XNAT gives to a received object; it does not depend on what the sender used."""
    instance = sha256(text_of(header, "SOPInstanceUID").encode()).hexdigest()[:8]
    numbers = f"{text_of(header, 'SeriesNumber')}-{text_of(header, 'InstanceNumber')}"
    return f"{text_of(header, 'StudyInstanceUID')}-{numbers}-{instance}.dcm"


def anonymized(content: Content, project: str, subject: str, session: str) -> Content:
    """The file after XNAT's default script: study description, patient name and ID are replaced.

    What is no DICOM stays as it is.
    """
    data = content_bytes(content)
    header = read_header(data, pixels=True)
    if header is None:
        return content
    header.StudyDescription, header.PatientName, header.PatientID = project, subject, session
    out = io.BytesIO()
    header.save_as(out)
    return BytesContent(out.getvalue())


def dump(header: Dataset, fields: Iterable[str]) -> list[list[str]]:
    """Rows ``tag1, tag2, vr, value, desc``; ``fields`` are keywords or ``GGGGEEEE``, none means all.

    Elements of sequences follow their sequence with their tag in ``tag2``.
    """
    from pydicom import config

    wanted = {_tag(name) for name in fields}
    with config.disable_value_validation():
        rows = [row for element in _elements(header) for row in _rows(element)]
    return [row for row in rows if not wanted or row[0] in wanted]


def _elements(header: Dataset) -> list[DataElement]:
    meta = getattr(header, "file_meta", None)
    return [*(meta or ()), *header]


def _rows(element: DataElement) -> list[list[str]]:
    tag = _shown(element.tag)
    if element.VR == "SQ":
        rows = [[tag, "", "SQ", "", element.name]]
        for item in element.value:
            rows += [[tag, _shown(one.tag), one.VR, _value(one), one.name] for one in item]
        return rows
    return [[tag, "", element.VR, _value(element), element.name]]


def _value(element: DataElement) -> str:
    if element.VR in ("OB", "OW", "OF", "OD", "UN", "SQ"):
        return ""
    value = element.value
    if value is None:
        return ""
    return "\\".join(str(one) for one in value) if element.VM > 1 else str(value)


def _shown(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _tag(name: str) -> str:
    from pydicom.tag import Tag

    compact = name.strip("()").replace(",", "")
    if len(compact) == 8 and all(letter in "0123456789abcdefABCDEF" for letter in compact):
        return f"({compact[:4].upper()},{compact[4:].upper()})"
    try:
        return _shown(Tag(name))
    except ValueError:
        return name
