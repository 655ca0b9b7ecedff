"""The data types that a site knows: parents, XML root elements and names for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataType:
    """One schema type; ``element`` is its XML root element, "" for abstract types."""

    name: str
    parent: str
    element: str
    singular: str = ""
    plural: str = ""


EXPERIMENT = "xnat:experimentData"
SUBJECT_ASSESSOR = "xnat:subjectAssessorData"
IMAGE_SESSION = "xnat:imageSessionData"
IMAGE_ASSESSOR = "xnat:imageAssessorData"
IMAGE_SCAN = "xnat:imageScanData"
SUBJECT = "xnat:subjectData"
PROJECT = "xnat:projectData"
RECONSTRUCTION = "xnat:reconstructedImageData"

_MODALITIES = {
    "mr": "MR", "ct": "CT", "pet": "PET", "petmr": "PETMR", "cr": "CR", "us": "US", "xa": "XA",
    "dx": "DX", "meg": "MEG", "eeg": "EEG", "rt": "RT", "mg": "MG", "nm": "NM",
    "sr": "SR", "otherDicom": "OtherDicom",
}  # fmt: skip
_SCANS = {**_MODALITIES, "sc": "SC", "seg": "Segment", "opt": "OPT"}


def _standard() -> Iterable[DataType]:
    yield DataType(PROJECT, "", "xnat:Project", "Project", "Projects")
    yield DataType(SUBJECT, "", "xnat:Subject", "Subject", "Subjects")
    yield DataType(EXPERIMENT, "", "")
    yield DataType(SUBJECT_ASSESSOR, EXPERIMENT, "")
    yield DataType(IMAGE_SESSION, SUBJECT_ASSESSOR, "")
    for prefix, name in _MODALITIES.items():
        yield DataType(
            f"xnat:{prefix}SessionData",
            IMAGE_SESSION,
            f"xnat:{name}Session",
            f"{name} Session",
            f"{name} Sessions",
        )
    yield DataType("xnat:petScanData", IMAGE_SCAN, "xnat:PETScan")
    yield DataType(IMAGE_SCAN, "", "")
    for prefix, name in _SCANS.items():
        if prefix not in ("pet", "petmr"):
            yield DataType(f"xnat:{prefix}ScanData", IMAGE_SCAN, f"xnat:{name}Scan")
    yield DataType(
        "xnat:subjectVariablesData",
        SUBJECT_ASSESSOR,
        "xnat:SubjectVariables",
        "Subject Variables",
        "Subject Variables",
    )
    yield DataType("xnat:derivedData", EXPERIMENT, "")
    yield DataType(IMAGE_ASSESSOR, "xnat:derivedData", "")
    yield DataType(
        "xnat:qcManualAssessorData",
        IMAGE_ASSESSOR,
        "xnat:QCManualAssessment",
        "Manual QC",
        "Manual QCs",
    )
    yield DataType("xnat:qcAssessmentData", IMAGE_ASSESSOR, "xnat:QCAssessment", "Auto QC", "Auto QCs")
    yield DataType(RECONSTRUCTION, "", "xnat:ReconstructedImage")


PLUGIN_TYPES = {
    "icr:roiCollectionData": DataType(
        "icr:roiCollectionData", IMAGE_ASSESSOR, "icr:RoiCollection", "ROI Collection", "ROIs"
    ),
    "proc:genProcData": DataType(
        "proc:genProcData", IMAGE_ASSESSOR, "proc:GenProcData", "Processing", "Processings"
    ),
    "fs:fsData": DataType("fs:fsData", IMAGE_ASSESSOR, "fs:Freesurfer", "Freesurfer", "Freesurfers"),
}
"""Types that exist only on sites whose plugin provides them."""

NAMESPACES = {
    "xnat": "http://nrg.wustl.edu/xnat",
    "xdat": "http://nrg.wustl.edu/security",
    "icr": "http://icr.ac.uk/icr",
    "proc": "http://nrg.wustl.edu/proc",
    "fs": "http://nrg.wustl.edu/fs",
    "cat": "http://nrg.wustl.edu/catalog",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


class DataTypes:
    """The types of one site; names are compared without regard to case, as XNAT's query does."""

    def __init__(self, plugin_types: Iterable[str] = ()) -> None:
        self._types = {one.name.lower(): one for one in _standard()}
        for name in plugin_types:
            self._types[name.lower()] = PLUGIN_TYPES[name]
        self._answers: dict[tuple[str, str], bool] = {}
        """Of `is_a`, which is asked for each row of each list."""

    def __iter__(self) -> Iterator[DataType]:
        return iter(self._types.values())

    def get(self, name: str) -> DataType | None:
        return self._types.get(name.lower())

    def by_element(self, element: str) -> DataType | None:
        """The type of an XML root element such as ``xnat:MRSession``."""
        return next((one for one in self._types.values() if one.element == element), None)

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether ``name`` is ``ancestor`` or extends it; unknown types extend nothing."""
        answer = self._answers.get((name, ancestor))
        if answer is None:
            answer = self._answers[name, ancestor] = self._extends(name, ancestor)
        return answer

    def _extends(self, name: str, ancestor: str) -> bool:
        wanted, current = ancestor.lower(), name.lower()
        while current:
            if current == wanted:
                return True
            known = self._types.get(current)
            current = known.parent.lower() if known else ""
        return False

    def abstract(self, name: str) -> bool:
        known = self.get(name)
        return known is not None and not known.element


DEFAULT_SCAN_TYPES = {
    "xnat:mrSessionData": "xnat:mrScanData",
    "xnat:ctSessionData": "xnat:ctScanData",
    "xnat:petSessionData": "xnat:petScanData",
    "xnat:petmrSessionData": "xnat:mrScanData",
}
