"""What a field of a JSON sidecar may hold, by its name: DICOM's dictionary, BIDS's schema, and what dcm2niix
adds (its BIDS/README.md). A field that none of them knows, or that is free text, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from xnat_tui.services.transfers.exporting.bids_schema import schema

_SAME_AS = {
    "ManufacturersModelName": "ManufacturerModelName",
    "ProcedureStepDescription": "PerformedProcedureStepDescription",
    "ParallelReductionOutOfPlane": "ParallelReductionFactorOutOfPlane",
    "EchoNumber": "EchoNumbers",
    "XRayExposure": "Exposure",
    "BodyPart": "BodyPartExamined",
    "TracerName": "Radiopharmaceutical",
    "TimeZero": "AcquisitionTime",
    "SpecificRadioactivityMeasTime": "AcquisitionTime",
    "MolarActivityMeasTime": "AcquisitionTime",
    "ScanDate": "AcquisitionDate",
    "HeadCircumference": "PatientSize",
}
"""Fields that say what an attribute of DICOM says, under another name: its rule is theirs."""
_NUMBERS = frozenset(
    (
        *("AcquisitionMatrixPE", "BandwidthPerPixelPhaseEncode", "BaseResolution", "ReconMatrixPE"),
        *("DerivedVendorReportedEchoSpacing", "VendorReportedEchoSpacing", "EstimatedEffectiveEchoSpacing"),
        *("EstimatedTotalReadoutTime", "ImageOrientationPatientDICOM", "RepetitionTimeInversion"),
        *("PercentPhaseFOV", "PhaseEncodingSteps", "PhaseEncodingStepsNoPartialFourier", "PhaseResolution"),
        *("PhaseEncodingStepsOutOfPlane", "PhaseOversampling", "ShimSetting", "TxRefAmp", "AveragesDouble"),
        *("AccelFact3D", "RefLinesPE", "Interpolation2D", "Interpolation3D", "TriggerDelayTime", "RawImage"),
        *("PhilipsRWVSlope", "PhilipsRWVIntercept", "PhilipsRescaleSlope", "PhilipsRescaleIntercept"),
        *("PhilipsScaleSlope", "UsePhilipsFloatNotDisplayScaling", "WaterFatShift", "IsotopeHalfLife"),
        *("Dosage", "NumberOfPointsPerArm", "NumberOfArms", "NumberOfExcitations", "DeepLearning"),
        *("PostLabelDelay", "PostInversionDelay", "InitialPostLabelDelay", "NumRFBlocks", "RFGap"),
        *("MeanGzx10", "PhiAdjust", "LabelOffset", "BolusDuration", "MeanTagGradient", "MaximumT1Opt"),
        *("TagRFFlipAngle", "TagRFDuration", "TagRFSeparation", "TagGradientAmplitude", "TagDuration"),
        *("TagPlaneDThickness", "TagPlaneUlShape", "TagPlaneSPositionDTra", "TagPlaneSNormalDTra"),
    )
)
"""Of dcm2niix. Its texts that people write, or of which nobody knows what they hold, are not here."""
_WORDS = frozenset(
    (
        *("ConversionSoftware", "ConversionSoftwareVersion", "CoilString"),
        *("InternalPulseSequenceName", "PhaseEncodingPolarityGE", "PartialFourierEnabled"),
        *("ASLContrastTechnique", "ASLLabelingTechnique", "DiffusionScheme", "ConsistencyInfo"),
        *("ImageOrientationText", "ImageTypeText", "PhaseEncodingAxis", "BidsGuess"),
        "InPlanePhaseEncodingDirectionDICOM",
        # of BIDS: what a program writes, or a word that its names hold as well
        *("TaskName", "B0FieldIdentifier", "B0FieldSource", "PulseSequenceType", "PulseSequenceDetails"),
        *("ReceiveCoilActiveElements", "MatrixCoilMode", "CoilCombinationMethod", "GradientSetType"),
        *("PASLType", "BolusCutOffTechnique", "WaterSuppressionTechnique", "EncodingTechnique"),
        *("B0ShimmingTechnique", "B1ShimmingTechnique", "EchoAcquisition", "TracerRadionuclide"),
        *("TracerRadLex", "TracerSNOMED", "ModeOfAdministration", "AttenuationCorrection"),
        *("ReconMethodName", "ReconMethodParameterLabels", "ReconFilterType", "BIDSVersion"),
        "ReconMethodImplementationVersion",
    )
)
_NUMBER_VRS = frozenset(("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"))
_BYTE_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_NUMERAL = frozenset("0123456789+-.eE ")


@dataclass(frozen=True, slots=True)
class Fits:
    """What single values a field takes: numbers, any words, or only these words."""

    numbers: bool = True
    words: bool = False
    choices: frozenset[str] = frozenset()

    def takes(self, value: object) -> bool:
        """Whether a single value is of the kind; null, which says nothing, always is."""
        if isinstance(value, str):
            is_numeral = self.numbers and _NUMERAL.issuperset(value)
            return self.words or value in self.choices or is_numeral
        return value is None or self.numbers


def tag_of(key: str) -> int | None:
    """The attribute of DICOM that a field is of, if it is of one."""
    from pydicom.datadict import keyword_dict

    return keyword_dict.get(_SAME_AS.get(key, key))


def fits(key: str) -> Fits | None:
    """What a field's values are to be; None where nobody knows."""
    from pydicom.datadict import dictionary_VR

    if (tag := tag_of(key)) is not None:
        vr = dictionary_VR(tag).partition(" ")[0]
        return None if vr in _BYTE_VRS else Fits(words=vr not in _NUMBER_VRS)
    if key in _WORDS:
        return Fits(words=True)
    return Fits() if key in _NUMBERS else _of_bids().get(key)


@cache
def _of_bids() -> Mapping[str, Fits]:
    """The fields of the standard that are numbers, units, or one of some words; none of free text, of names
    of files, of links, and of times."""
    found = {str(one["name"]): _described(one) for one in schema().objects.metadata.to_dict().values()}
    return {name: one for name, one in found.items() if one is not None}


def _described(field: Mapping[str, Any]) -> Fits | None:
    """By JSON schema."""
    if "anyOf" in field:
        several = [one for one in map(_described, field["anyOf"]) if one is not None]
        if not several:
            return None
        choices = frozenset[str]().union(*(one.choices for one in several))
        return Fits(any(one.numbers for one in several), any(one.words for one in several), choices)
    kind = field.get("type")
    if kind == "array":
        return _described(field.get("items", {}))
    if kind == "string":
        words = field.get("format") == "unit"
        choices = frozenset(map(str, field.get("enum", ())))
        return Fits(False, words, choices) if words or choices else None
    return Fits() if kind in ("number", "integer", "boolean") else None
