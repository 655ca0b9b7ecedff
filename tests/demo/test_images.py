from io import BytesIO

import numpy as np
import pydicom
import pytest

from xnat_tui.demo import images, phantoms
from xnat_tui.demo.images import Patient, Series, Study

PATIENT = Patient("SUB-1", "Müller^Jörg", "M", "19900117", "034Y", "1.80", "75.5")
STUDY = Study("SUB-1_MR1", PATIENT, "20240301", variant=2)
STORAGE = {
    "localizer": "MR Image Storage",
    "t1": "MR Image Storage",
    "dwi": "MR Image Storage",
    "ct": "CT Image Storage",
    "pet": "Positron Emission Tomography Image Storage",
    "us": "Ultrasound Image Storage",
}


def read(data: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(data))


@pytest.mark.parametrize("kind", STORAGE)
def test_every_instance_of_a_series_parses_and_shows_its_own_picture(kind: str) -> None:
    series = Series(STUDY, 3, "a series", kind, count=5)
    files = [read(data) for data in images.instances(series).values()]
    assert [one.InstanceNumber for one in files] == [1, 2, 3, 4, 5]
    assert len({one.SOPInstanceUID for one in files}) == 5
    assert {one.SeriesInstanceUID for one in files} == {series.uid}
    for number, one in enumerate(files, 1):
        assert one.SOPClassUID.name == STORAGE[kind]
        assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
        assert one.SOPInstanceUID.is_valid
        assert np.array_equal(one.pixel_array, images.picture(series, number))


def test_slices_move_through_the_head_and_say_where() -> None:
    files = [read(data) for data in images.instances(Series(STUDY, 2, "t1", "t1", count=8)).values()]
    heights = [float(one.SliceLocation) for one in files]
    assert heights == sorted(heights)
    assert len(set(heights)) == 8
    assert [float(one.ImagePositionPatient[2]) for one in files] == heights
    assert len({one.PixelData for one in files}) == 8


def test_instances_of_a_series_have_one_size_and_names_in_order() -> None:
    files = images.instances(Series(STUDY, 2, "t1", "t1", count=12))
    assert list(files)[:2] == ["IM0001.dcm", "IM0002.dcm"]
    assert len(files) == 12
    assert len({len(data) for data in files.values()}) == 1


def test_header_tells_patient_study_and_acquisition() -> None:
    series = Series(STUDY, 7, "mprage", "t1", 1, parameters={"EchoTime": "2.98"})
    one = read(images.instances(series)["IM0001.dcm"])
    assert str(one.PatientName) == "Müller^Jörg"
    assert (one.PatientID, one.PatientSex, one.PatientBirthDate) == ("SUB-1", "M", "19900117")
    assert (one.PatientAge, float(one.PatientSize), float(one.PatientWeight)) == ("034Y", 1.8, 75.5)
    assert (one.StudyDate, one.Modality, one.SeriesNumber) == ("20240301", "MR", 7)
    assert (one.SeriesDescription, float(one.EchoTime)) == ("mprage", 2.98)


def test_empty_demographics_stay_empty() -> None:
    study = Study("X", Patient("X", "X^Y"), "20240301")
    one = read(images.instances(Series(study, 1, "t1", "t1", 1))["IM0001.dcm"])
    assert (one.PatientAge, one.PatientSex, one.PatientBirthDate) == ("", "", "")
    assert one.PatientWeight is None


def test_bytes_follow_from_labels_alone() -> None:
    first = images.instances(Series(STUDY, 2, "t1", "t1", 2))
    assert first == images.instances(Series(STUDY, 2, "t1", "t1", 2))
    other = Study("SUB-2_MR1", PATIENT, "20240301", variant=2)
    assert first["IM0001.dcm"] != images.instances(Series(other, 2, "t1", "t1", 2))["IM0001.dcm"]
    assert other.uid != STUDY.uid


def test_enhanced_object_holds_all_slices_as_frames() -> None:
    series = Series(STUDY, 5, "bold", "enhanced", count=6)
    (data,) = images.instances(series).values()
    one = read(data)
    assert one.SOPClassUID.name == "Enhanced MR Image Storage"
    assert one.pixel_array.shape == (6, series.size, series.size)
    assert len(one.PerFrameFunctionalGroupsSequence) == one.NumberOfFrames == 6
    assert np.array_equal(one.pixel_array[3], images.picture(series, 4))


def test_capture_is_a_colour_picture() -> None:
    (data,) = images.instances(Series(STUDY, 99, "screenshot", "capture", 1)).values()
    one = read(data)
    assert (one.Modality, one.PhotometricInterpretation) == ("OT", "RGB")
    assert one.pixel_array.shape == (80, 80, 3)
    assert one.pixel_array.max() == 255


def test_report_has_findings_and_no_pixels() -> None:
    (data,) = images.instances(Series(STUDY, 601, "report", "report", 1)).values()
    one = read(data)
    assert one.Modality == "SR"
    assert [item.ValueType for item in one.ContentSequence] == ["TEXT", "TEXT"]
    assert "PixelData" not in one


def test_ct_shows_bone_and_air_in_hounsfield_units_with_a_bone_window() -> None:
    one = read(images.instances(Series(STUDY, 1, "ct", "ct", 4))["IM0002.dcm"])
    assert one.pixel_array.min() <= -990
    assert one.pixel_array.max() >= 600
    assert list(one.WindowCenterWidthExplanation) == ["BRAIN", "BONE"]
    assert [float(width) for width in one.WindowWidth] == [90, 2000]


def test_ventricles_are_dark_in_t1_and_bright_in_t2() -> None:
    fluid = phantoms.tissues(80, 0.1) == phantoms.CSF
    middle = np.zeros_like(fluid)
    middle[25:40, 30:50] = True
    t1, t2 = (phantoms.axial(contrast, 80, 0.1) for contrast in ("t1", "t2"))
    white = phantoms.tissues(80, 0.1) == phantoms.WHITE
    assert (fluid & middle).sum() > 10
    assert t1[fluid & middle].mean() < 0.6 * t1[white].mean()
    assert t2[fluid & middle].mean() > 1.6 * t2[white].mean()


def test_localizer_is_lettered_and_differs_by_plane() -> None:
    planes = [phantoms.localizer(plane, 80) for plane in ("axial", "coronal", "sagittal")]
    for one in planes:
        assert (one == 1000).sum() > 40
    assert not np.array_equal(planes[0], planes[1])
    assert not np.array_equal(planes[1], planes[2])


def test_writing_over_the_edge_is_cut_off() -> None:
    blank = np.zeros((8, 8), dtype=np.int32)
    phantoms.write(blank, "HHHH", 4, 4, 9)
    assert blank[4:, 4:].max() == 9
    assert blank[:4].max() == 0
