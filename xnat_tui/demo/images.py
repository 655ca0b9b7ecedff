"""Small valid DICOM files with pictures in them, built fast.

The header of a series is encoded once by pydicom; its further instances differ only in values of
fixed width (SOP instance UID, instance number, position), which are exchanged in the encoded bytes.
UIDs follow from labels alone, so the same study has the same bytes on every site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from xnat_tui.demo import phantoms

UID_ROOT = "1.2.826.0.1.3680043.10.1337"
FIELD_OF_VIEW = 240.0

_PIXEL_DATA = b"\xe0\x7f\x10\x00OW\x00\x00"
_NUMBER_MARK, _POSITION_MARK = "9999", "-9999.99"
_INSTANCE_NUMBER = b"\x20\x00\x13\x00IS\x04\x00"
_CLASSES = {
    "MR": MRImageStorage,
    "CT": CTImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "US": UltrasoundImageStorage,
    "OT": SecondaryCaptureImageStorage,
    "SR": BasicTextSRStorage,
}


@dataclass(frozen=True, slots=True)
class Patient:
    """What a scanner knew of somebody invented; empty values stay empty in the header.

    ``age`` is DICOM's (``034Y``, ``018M``, ``030W``), ``size`` in metres, ``weight`` in kilograms.
    """

    id: str
    name: str
    sex: str = ""
    birth_date: str = ""
    age: str = ""
    size: str = ""
    weight: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One examination; ``date`` is ``yyyymmdd``, ``time`` ``hhmmss``, ``variant`` picks the brain."""

    label: str
    patient: Patient
    date: str
    time: str = "101500"
    description: str = "Brain"
    manufacturer: str = "SIEMENS"
    model: str = "Prisma_fit"
    variant: int = 0

    @property
    def uid(self) -> str:
        return uid("study", self.label, self.date)


@dataclass(frozen=True, slots=True)
class Series:
    """One acquisition of ``count`` instances with a picture of one kind.

    ``kind`` is a contrast of ``phantoms.CONTRASTS``, ``localizer``, ``us``, ``enhanced``,
    ``capture`` or ``report``; ``parameters`` are further header values by DICOM keyword.
    """

    study: Study
    number: int
    description: str
    kind: str
    count: int = 8
    size: int = 80
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def modality(self) -> str:
        special = {"ct": "CT", "pet": "PT", "us": "US", "capture": "OT", "report": "SR"}
        return special.get(self.kind, "MR")

    @property
    def uid(self) -> str:
        return uid("series", self.study.label, self.study.date, str(self.number))


def uid(*parts: str) -> str:
    """A UID that follows from the parts, short enough for a suffix of 18 characters."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"{UID_ROOT}.{int.from_bytes(digest[:7], 'big') + 1}"


def instances(series: Series) -> dict[str, bytes]:
    """The files of a series by name, ``IM0001.dcm`` on, all of them of one size."""
    if series.kind in ("enhanced", "capture", "report"):
        build = {"enhanced": _enhanced, "capture": _capture, "report": _report}[series.kind]
        return {"IM0001.dcm": build(series)}
    header = _header(series)
    return {f"IM{number:04d}.dcm": _instance(series, header, number) for number in range(1, series.count + 1)}


def _instance(series: Series, header: bytes, number: int) -> bytes:
    numbered = (
        header.replace(f"{series.uid}.1001".encode(), f"{series.uid}.{1000 + number}".encode())
        .replace(_INSTANCE_NUMBER + _NUMBER_MARK.encode(), _INSTANCE_NUMBER + f"{number:<4d}".encode())
        .replace(_POSITION_MARK.encode(), f"{_position(series, number):<8}".encode())
    )
    kind = "<i2" if series.kind == "ct" else "<u2"
    return numbered + _pixels(picture(series, number).astype(kind).tobytes())


def picture(series: Series, number: int) -> phantoms.Picture:
    """The stored values of the ``number``-th instance, from 1; Hounsfield units for CT."""
    variant = series.study.variant
    if series.kind == "localizer":
        plane = ("axial", "coronal", "sagittal")[(number - 1) % 3]
        return phantoms.localizer(plane, series.size, variant)
    if series.kind == "us":
        return phantoms.ultrasound(series.size, number, variant)
    contrast = "bold" if series.kind == "enhanced" else series.kind
    return phantoms.axial(contrast, series.size, _height(series, number), variant)


def _height(series: Series, number: int) -> float:
    return round(-0.75 + 1.6 * (number - 0.5) / max(1, series.count), 3)


def _position(series: Series, number: int) -> str:
    return f"{_height(series, number) * 75:.2f}"


def _pixels(data: bytes) -> bytes:
    padded = data + b"\0" * (len(data) % 2)
    return _PIXEL_DATA + len(padded).to_bytes(4, "little") + padded


def _header(series: Series) -> bytes:
    dataset = _described(series)
    dataset.InstanceNumber = _NUMBER_MARK
    if series.kind != "us":
        _place(dataset, series)
    _shape(dataset, series.size, series.size, signed=series.kind == "ct")
    windows = {"ct": ("40", "90"), "pet": ("5500", "11000"), "us": ("128", "256")}
    dataset.WindowCenter, dataset.WindowWidth = windows.get(series.kind, ("450", "900"))
    if series.kind == "ct":
        dataset.WindowCenter, dataset.WindowWidth = ["40", "400"], ["90", "2000"]
        dataset.WindowCenterWidthExplanation = ["BRAIN", "BONE"]
        dataset.KVP, dataset.RescaleType = "120", "HU"
    if series.kind in ("ct", "pet"):
        dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    if series.kind == "pet":
        dataset.Units, dataset.DecayCorrection = "BQML", "START"
    return _encoded(dataset)


def _described(series: Series) -> Dataset:
    """What every file says: who, which study, which series, how acquired."""
    study, patient = series.study, series.study.patient
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = _CLASSES[series.modality]
    dataset.SOPInstanceUID = f"{series.uid}.1001"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    for prefix in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{prefix}Date", study.date)
        setattr(dataset, f"{prefix}Time", study.time)
    dataset.AccessionNumber = hashlib.sha256(study.label.encode()).hexdigest()[:8].upper()
    dataset.Modality = series.modality
    dataset.Manufacturer, dataset.ManufacturerModelName = study.manufacturer, study.model
    dataset.InstitutionName, dataset.StationName = "Demo Institute", "SCANNER1"
    dataset.StudyDescription, dataset.SeriesDescription = study.description, series.description
    dataset.PatientName, dataset.PatientID = patient.name, patient.id
    dataset.PatientBirthDate, dataset.PatientSex = patient.birth_date, patient.sex
    dataset.PatientAge, dataset.PatientSize, dataset.PatientWeight = patient.age, patient.size, patient.weight
    dataset.BodyPartExamined, dataset.ProtocolName = "HEAD", series.description
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study.uid, series.uid
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", str(series.number), "1"
    for keyword, value in series.parameters.items():
        setattr(dataset, keyword, value)
    return dataset


def _place(dataset: Dataset, series: Series) -> None:
    spacing = f"{FIELD_OF_VIEW / series.size:.4f}"
    corner = f"{-FIELD_OF_VIEW / 2:.1f}"
    dataset.FrameOfReferenceUID = uid("frame", series.study.label, series.study.date)
    dataset.ImagePositionPatient = [corner, corner, _POSITION_MARK]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.SliceLocation, dataset.SliceThickness = _POSITION_MARK, "5"
    dataset.PixelSpacing = [spacing, spacing]


def _shape(dataset: Dataset, rows: int, columns: int, *, signed: bool = False, bits: int = 16) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(signed)


def _enhanced(series: Series) -> bytes:
    """All slices as frames of one Enhanced MR object."""
    dataset = _described(series)
    dataset.SOPClassUID = EnhancedMRImageStorage
    _shape(dataset, series.size, series.size)
    dataset.NumberOfFrames = str(series.count)
    spacing = f"{FIELD_OF_VIEW / series.size:.4f}"
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [spacing, spacing], "5"
    shared.PixelMeasuresSequence = Sequence([measures])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    numbers = range(1, series.count + 1)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(_frames(series, numbers))
    stack = np.stack([picture(series, number) for number in numbers]).astype("<u2")
    return _encoded(dataset) + _pixels(stack.tobytes())


def _frames(series: Series, numbers: Iterable[int]) -> Iterable[Dataset]:
    corner = f"{-FIELD_OF_VIEW / 2:.1f}"
    for number in numbers:
        frame, place, content = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [corner, corner, _position(series, number)]
        content.InStackPositionNumber, content.StackID = number, "1"
        frame.PlanePositionSequence = Sequence([place])
        frame.FrameContentSequence = Sequence([content])
        yield frame


def _capture(series: Series) -> bytes:
    """A colour screenshot, as workstations store them."""
    size = series.size
    slice_picture = phantoms.axial("t1", size, 0.1, series.study.variant)
    grey = np.clip(slice_picture // 4, 0, 255).astype(np.int32)
    phantoms.write(grey, "DEMO", 2, 2, 255)
    hot = (phantoms.axial("pet", size, 0.1, series.study.variant) > 8200).astype(np.int32) * 120
    colour = np.stack([np.clip(grey + hot, 0, 255), grey, np.clip(grey - hot, 0, 255)], axis=-1)
    dataset = _described(series)
    dataset.SOPClassUID, dataset.ConversionType = SecondaryCaptureImageStorage, "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    _shape(dataset, size, size, bits=8)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    return _encoded(dataset) + _pixels(colour.astype(np.uint8).tobytes())


def _report(series: Series) -> bytes:
    """A Basic Text structured report: a title and two findings, no pixels."""
    dataset = _described(series)
    del dataset.ImageType
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = Sequence([_code("18748-4", "LN", "Diagnostic imaging report")])
    findings = []
    for text in ("No acute intracranial abnormality.", "Ventricles within the normal range for age."):
        finding = Dataset()
        finding.RelationshipType, finding.ValueType, finding.TextValue = "CONTAINS", "TEXT", text
        finding.ConceptNameCodeSequence = Sequence([_code("121071", "DCM", "Finding")])
        findings.append(finding)
    dataset.ContentSequence = Sequence(findings)
    return _encoded(dataset)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _encoded(dataset: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(f"{UID_ROOT}.1")
    dataset.file_meta = meta
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
