"""JSON sidecars: what converters took from DICOM goes as it goes from DICOM, and what nobody knows goes."""

from __future__ import annotations

import json

import pytest
from pydicom.datadict import keyword_dict

from tests.services.deidentifying.test_plain import PLANTED, sent, why_held
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.standard import Option

KEPT = {
    "Modality": "MR",
    "MagneticFieldStrength": 3,
    "ImagingFrequency": 123.252,
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "Prisma_fit",
    "BodyPartExamined": "BRAIN",
    "PatientPosition": "HFS",
    "SoftwareVersions": "syngo MR E11",
    "MRAcquisitionType": "2D",
    "ScanningSequence": "EP",
    "SequenceVariant": "SK\\SS",
    "ScanOptions": "FS",
    "SequenceName": "_epfid2d1_64",
    "PulseSequenceDetails": '%CustomerSeq%\\"ep2d"_pace',
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
    "NonlinearGradientCorrection": False,
    "SeriesNumber": 5,
    "AcquisitionNumber": 1,
    "SliceThickness": 3.3,
    "SpacingBetweenSlices": 3.3,
    "SAR": 0.0251,
    "EchoNumber": 1,
    "EchoTime": 0.03,
    "RepetitionTime": 2,
    "FlipAngle": 90,
    "PartialFourier": 1,
    "BaseResolution": 64,
    "ShimSetting": [-3717, 15233, -9833, -207, -31, -103, -162, 166],
    "TxRefAmp": 219.077,
    "PhaseResolution": 1,
    "ReceiveCoilName": "Head_32",
    "ReceiveCoilActiveElements": "HEA;HEP",
    "CoilString": "HEA;HEP",
    "MultibandAccelerationFactor": 2,
    "PercentPhaseFOV": 100,
    "PercentSampling": 100,
    "EchoTrainLength": 64,
    "PhaseEncodingSteps": 64,
    "AcquisitionMatrixPE": 64,
    "ReconMatrixPE": 64,
    "BandwidthPerPixelPhaseEncode": 31.25,
    "ParallelReductionFactorInPlane": 2,
    "EffectiveEchoSpacing": 0.0005,
    "DerivedVendorReportedEchoSpacing": 0.0005,
    "TotalReadoutTime": 0.0315,
    "PixelBandwidth": 2232,
    "DwellTime": 3.5e-06,
    "PhaseEncodingDirection": "j-",
    "SliceTiming": [1.0, 0.0, 1.055],
    "ImageOrientationPatientDICOM": [1, 0, 0, 0, 0.97, -0.22],
    "InPlanePhaseEncodingDirectionDICOM": "COL",
    "TaskName": "rest",
    "BidsGuess": ["func", "_acq-epfid2_dir-AP_run-5_bold"],
    "ConversionSoftware": "dcm2niix",
    "ConversionSoftwareVersion": "v1.0.20230411",
}
"""What dcm2niix writes of a scan and its machine."""
REMOVED = {
    "PatientName": "Berger_Hans",
    "PatientID": "KB-90210",
    "PatientBirthDate": "1951-11-23",
    "PatientSex": "O",
    "PatientWeight": 81,
    "AccessionNumber": "ACC998877",
    "ReferringPhysicianName": "Sommer_Ida",
    "InstitutionName": "Charité Nord",
    "InstitutionalDepartmentName": "Radiologie",
    "InstitutionAddress": "Talweg 7",
    "StationName": "AWP45160",
    "DeviceSerialNumber": "45160",
    "StudyInstanceUID": "1.3.12.2.1107",
    "SeriesInstanceUID": "1.3.12.2.1107.5",
    "StudyID": "77",
    "StudyDescription": "Kopf",
    "SeriesDescription": "rest",
    "ProtocolName": "rest",
    "ProcedureStepDescription": "Kopf nativ",
    "ImageComments": "unruhig",
    "AcquisitionTime": "12:47:56.327500",
    "AcquisitionDateTime": "2016-01-15T12:47:56.327500",
    "TimeZero": "12:47:56",
    "ScanDate": "2016-01-15",
    "HeadCircumference": 57,
    "WipMemBlock": "for a study",
    "PrescanReuseString": "RN/s7",
    "IntendedFor": ["ses-1/func/sub-1_bold.nii.gz"],
    "Instructions": "keep still",
    "Authors": ["A. Bee"],
    "GeneratedBy": [{"Name": "heudiconv", "Description": "by hand"}],
    "LabNotes": "whatever a laboratory adds",
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Berger^Hans"}]},
}


def after(fields: object, profile: Profile | None = None) -> dict[str, object]:
    found = json.loads(sent("bold.json", json.dumps(fields).encode(), profile))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("key", KEPT)
def test_what_a_converter_writes_of_the_scan_stays(key: str) -> None:
    assert after({key: KEPT[key]}) == {key: KEPT[key]}


@pytest.mark.parametrize("key", REMOVED)
def test_what_it_writes_of_the_person_the_place_and_the_day_goes(key: str) -> None:
    assert after({key: REMOVED[key]}) == {}


def test_a_whole_sidecar_keeps_its_order_and_comes_out_the_same_each_time() -> None:
    content = json.dumps(REMOVED | KEPT).encode()
    written = sent("bold.json", content)
    assert list(json.loads(written).items()) == list(KEPT.items())
    assert written == sent("bold.json", content) == sent("bold.json", written)
    assert written == json.dumps(KEPT, indent=2, ensure_ascii=False).encode()


def test_every_name_of_a_person_in_the_dictionary_goes() -> None:
    from pydicom.datadict import dictionary_VR

    persons = [word for word, tag in keyword_dict.items() if word and dictionary_VR(tag) == "PN"]
    assert len(persons) > 30
    assert after(dict.fromkeys(persons, "Berger^Hans")) == {}


def test_objects_within_objects_are_treated_alike() -> None:
    inner = {"EchoTime": 0.03, "PatientName": "Berger_Hans", "Notes": {"EchoTime": 1}}
    fields = {"MRTransmitCoilSequence": [inner, {"FlipAngle": 9}], "EchoTime": {"PatientID": "KB-90210"}}
    assert after(fields) == {"MRTransmitCoilSequence": [{"EchoTime": 0.03}, {"FlipAngle": 9}]}
    assert after({"SliceTiming": [0.0, "Berger"], "FlipAngle": [{"Notes": 1}]}) == {}


@pytest.mark.parametrize("key", ["EchoTime", "SliceTiming", "TxRefAmp", "MTState", "PhaseEncodingDirection"])
def test_a_text_where_a_number_or_one_of_some_words_belongs_goes(key: str) -> None:
    assert after({key: "scanned by Berger"}) == {}


def test_what_says_nothing_and_numbers_written_as_texts_stay() -> None:
    fields = {"EchoTime": "0.03", "FlipAngle": None, "RepetitionTime": float("inf")}
    assert after(fields) == fields


@pytest.mark.parametrize(
    ("option", "kept"),
    [
        (Option.RETAIN_UIDS, {"StudyInstanceUID", "SeriesInstanceUID"}),
        (Option.RETAIN_PATIENT, {"PatientSex", "PatientWeight", "HeadCircumference"}),
        (Option.RETAIN_DEVICE, {"StationName", "DeviceSerialNumber"}),
        (Option.RETAIN_MODIFIED_DATES, set()),
        (
            Option.RETAIN_FULL_DATES,
            {"AcquisitionTime", "AcquisitionDateTime", "TimeZero", "ScanDate"},
        ),
    ],
)
def test_options_keep_what_they_keep_in_dicom(option: Option, kept: set[str]) -> None:
    assert after(REMOVED, Profile(options=frozenset({option}))).keys() == kept


def test_a_users_tags_go_before_the_table() -> None:
    keep, remove = keyword_dict["SeriesDescription"], keyword_dict["ManufacturerModelName"]
    found = after(REMOVED | KEPT, Profile(keep=frozenset({keep}), remove=frozenset({remove})))
    assert found["SeriesDescription"] == "rest"
    assert "ManufacturersModelName" not in found


@pytest.mark.parametrize("planted", PLANTED)
def test_a_value_in_a_field_that_stays_holds_the_sidecar(planted: str) -> None:
    for fields in ({"Manufacturer": f"for {planted}"}, {"MRTransmitCoilSequence": [{"CoilString": planted}]}):
        assert why_held("bold.json", json.dumps(fields).encode()).endswith("in a field that stays")


@pytest.mark.parametrize("planted", ["BERGER", "Hans", "KB-90210", "19511123", "1951-11-23", "charité nord"])
def test_what_its_own_fields_had_to_lose_is_looked_for_too(planted: str) -> None:
    fields = {"Derived": REMOVED, "Manufacturer": f"for {planted}"}
    assert why_held("bold.json", json.dumps(fields).encode()).endswith("in a field that stays")


def test_a_value_with_letters_that_json_escapes_is_found() -> None:
    fields = {"PatientID": 'KB"\\90210', "Manufacturer": 'for KB"\\90210'}
    assert why_held("bold.json", json.dumps(fields).encode()).endswith("in a field that stays")


@pytest.mark.parametrize("planted", PLANTED)
def test_a_value_in_a_field_that_goes_holds_nothing(planted: str) -> None:
    assert after({"LabNotes": planted, "EchoTime": 1, planted: 2}) == {"EchoTime": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"Kim"',
        b"null",
        b'{"EchoTime": 1} Kim',
        b"\xff\xfeKim",
        '{"EchoTime": "é'.encode("latin-1"),
    ],
    ids=repr,
)
def test_what_is_no_object_is_held(content: bytes) -> None:
    assert why_held("bold.json", content) == "no JSON object, though it is called so"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_sidecar_of_another_encoding_comes_out_as_utf_8(encoding: str) -> None:
    content = '{"Manufacturer": "Größe"}'.encode(encoding)
    assert sent("bold.json", content) == '{\n  "Manufacturer": "Größe"\n}'.encode()


def test_json_that_nobody_writes_is_held() -> None:
    assert why_held("bold.json", b'{"Manufacturer": "\\ud800"}') == "its text is no Unicode"
    deep = b'{"MRTransmitCoilSequence":' * 900 + b"1" + b"}" * 900
    assert why_held("bold.json", deep) == "objects within objects without end"
    assert why_held("bold.json", b" " * 16_000_001).startswith("JSON of more than")
