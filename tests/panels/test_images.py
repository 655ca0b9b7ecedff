"""Slices are decoded and drawn with true proportions; two headers are compared by true values."""

import io

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.errors import BadAnswer, NotFound, UsageError
from xnat_tui.services.administration.resources import Resources
from xnat_tui.services.dicom import images
from xnat_tui.services.dicom.header_pairs import pair_headers
from xnat_tui.services.dicom.headers import first_header
from xnat_tui.services.dicom.images import Frame, Images, Window, draw

SCAN = "BRAINS/SUB-001/SUB-001_MR1/scans/2"


def dicom(pixels, syntax=ExplicitVRLittleEndian, /, **elements) -> bytes:
    """A file with these pixels; frames, rows and columns as the array has them."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    header.Rows, header.Columns = (
        pixels.shape[-2:] if elements.get("SamplesPerPixel", 1) == 1 else pixels.shape[:2]
    )
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = pixels.dtype.itemsize * 8
    header.HighBit, header.PixelRepresentation = header.BitsStored - 1, 0
    for name, value in elements.items():
        setattr(header, name, value)
    header.PixelData = pixels.tobytes()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    if syntax.is_encapsulated:
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.compress(syntax)
    written = io.BytesIO()
    dcmwrite(written, header, enforce_file_format=True)
    return written.getvalue()


@pytest.fixture
def shown(xnat, reader, look):
    """The frames of a file that is put into a scan's resource of its own."""

    def show(content: bytes, number: int = 0, name: str = "x.dcm") -> Frame:
        owner = look(SCAN)
        service = Resources(reader, owner)
        service.do(service.plan_create("OTHER"))
        session = xnat.site.projects["BRAINS"].subjects.values()
        scans = next(one for one in session if one.label == "SUB-001").experiments.values()
        scan = next(one for one in scans if one.label == "SUB-001_MR1").scans["2"]
        resource = next(one for one in scan.resources if one.label == "OTHER")
        data = BytesContent(content)
        resource.add(FileEntry(name, data, data.md5, data.size, "DICOM", ""))
        resource.populate_stats()
        reader.forget(owner)
        pictures = Images(reader, look(f"{SCAN}/resources/OTHER/files/{name}"))
        return pictures.frame(pictures.files()[0], number)

    return show


def test_a_scans_slices_are_found_decoded_and_kept(xnat, reader, look):
    pictures = Images(reader, look(SCAN))
    files = pictures.files()
    assert [file.item.key for file in files] == [f"IM{number:04}.dcm" for number in range(1, 11)]
    before = len(xnat.requests)
    frame = pictures.frame(files[0])
    assert frame.values.shape == (80, 80)
    assert frame.window == Window(450, 900)
    assert frame.about == "instance 1  80 × 80  at -50.2 mm"
    pictures.frame(files[0])
    assert len(xnat.requests) == before + 1


def test_files_named_by_uids_are_put_in_order_of_position(xnat, reader, look):
    rename_slices(xnat, {1: "1.2.9", 2: "1.2.30", 3: "1.2.4", 4: "1.2.7", 5: "1.2.100"})
    pictures = Images(reader, look(SCAN))
    files = pictures.files()
    assert [file.item.key for file in files[:2]] == ["1.2.4", "1.2.7"]
    in_order = pictures.in_order(files)
    assert [file.item.key for file in in_order[:6]] == [
        *("1.2.9", "1.2.30", "1.2.4", "1.2.7", "1.2.100", "IM0006.dcm")
    ]


def test_slices_of_several_volumes_go_by_instance_number_and_what_tells_nothing_comes_last(
    xnat, reader, look, monkeypatch
):
    told = {
        "IM0001.dcm": header(InstanceNumber=3, **AXIAL),
        "IM0002.dcm": header(InstanceNumber=1, **AXIAL),
        "IM0003.dcm": header(),
        "IM0004.dcm": header(InstanceNumber=2, **AXIAL),
    }
    monkeypatch.setattr(images, "read_header", lambda _, uri, names: told[uri.rpartition("/")[2]])
    pictures = Images(reader, look(SCAN))
    in_order = pictures.in_order(pictures.files()[:4])
    assert [file.item.key[5] for file in in_order] == ["2", "4", "1", "3"]


def test_too_many_files_are_not_read_for_their_order(reader, look, xnat, monkeypatch):
    monkeypatch.setattr(images, "MOST_ORDERED", 9)
    pictures = Images(reader, look(SCAN))
    files = pictures.files()
    before = len(xnat.requests)
    with pytest.raises(UsageError, match="10 files are too many"):
        pictures.in_order(files)
    assert len(xnat.requests) == before


AXIAL = {"ImagePositionPatient": [0, 0, 5], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


def rename_slices(xnat, names: dict[int, str]) -> None:
    """Give the files of SCAN's DICOM resource other names, by their number."""
    (session,) = [one for one in xnat.site.experiments.values() if one.label == "SUB-001_MR1"]
    (resource,) = [one for one in session.scans["2"].resources if one.label == "DICOM"]
    for number, name in names.items():
        entry = resource.files.pop(f"IM{number:04}.dcm")
        resource.add(FileEntry(name, entry.data, entry.data.md5, entry.data.size, "DICOM", ""))


def test_snapshots_are_the_large_one_first(reader, look):
    pictures = Images(reader, look(SCAN))
    names = [file.item.key for file in pictures.snapshots()]
    assert names == ["SUB-001_MR1_2_qc.gif", "SUB-001_MR1_2_qc_t.gif"]
    frame = pictures.frame(pictures.snapshots()[0])
    assert frame.coloured


def test_frames_of_one_file_are_told_apart(shown):
    pixels = np.stack([np.full((4, 6), value, np.uint16) for value in (10, 20, 30)])
    frame = shown(dicom(pixels, NumberOfFrames=3), 99)
    assert (frame.number, frame.frames) == (2, 3)
    assert float(frame.values.mean()) == 30


def test_rescaled_values_and_the_files_window(shown):
    pixels = np.arange(16, dtype=np.uint16).reshape(4, 4)
    frame = shown(
        dicom(pixels, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[40, 50], WindowWidth=[400, 1])
    )
    assert frame.values.min() == -1000
    assert frame.window == Window(40, 400)


def test_without_a_window_most_values_are_shown(shown):
    frame = shown(dicom(np.arange(100, dtype=np.uint16).reshape(10, 10)))
    low, high = frame.window.centre - frame.window.width / 2, frame.window.centre + frame.window.width / 2
    assert 0 <= low < 5
    assert 94 < high <= 99


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_other_encodings_give_the_same_picture(shown, syntax):
    pixels = np.array([[0, 300], [1000, 65535]], np.uint16)
    stored = pixels.byteswap() if syntax is ExplicitVRBigEndian else pixels
    assert shown(dicom(stored, syntax)).values.tolist() == pixels.tolist()


@pytest.mark.parametrize(
    ("pixels", "elements", "values"),
    [
        (np.array([[0, 255]], np.uint8), {}, [[0, 255]]),
        (np.array([[-5, 4000]], np.int16), {"PixelRepresentation": 1}, [[-5, 4000]]),
        (np.array([[0xF005, 0x0FFF]], np.uint16), {"BitsStored": 12, "HighBit": 11}, [[5, 4095]]),
        (
            np.array([[0x0FFF, 0x07FF]], np.uint16),
            {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1},
            [[-1, 2047]],
        ),
        (np.array([[70000, 1]], np.uint32), {}, [[70000, 1]]),
    ],
    ids=["8", "signed 16", "12 of 16, dirt above", "signed 12 of 16", "32"],
)
def test_pixels_of_any_depth_and_sign_are_read(shown, pixels, elements, values):
    assert shown(dicom(pixels, **elements)).values.tolist() == values


def test_a_compressed_slice_is_decoded_without_further_libraries(shown):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    assert shown(dicom(pixels, RLELossless)).values.tolist() == pixels.tolist()


def test_monochrome1_is_shown_the_other_way_round(shown):
    pixels = np.array([[0, 255], [0, 255]], np.uint8)
    frame = shown(dicom(pixels, PhotometricInterpretation="MONOCHROME1", WindowCenter=127.5, WindowWidth=255))
    picture = draw(frame, 2, 2)
    assert picture.pixel(0, 0) == (255, 255, 255)
    assert picture.pixel(1, 0) == (0, 0, 0)


def test_colours_stay_colours(shown):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 1] = (255, 0, 10)
    elements = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    picture = draw(shown(dicom(pixels, **elements)), 2, 2)
    assert picture.pixel(1, 0) == (255, 0, 10)


def test_pixels_that_are_not_square_keep_their_proportions(shown):
    frame = shown(dicom(np.zeros((10, 10), np.uint16), PixelSpacing=[2, 1]))
    picture = draw(frame, 100, 40)
    assert (picture.width, picture.height) == (20, 40)


def test_shrinking_takes_means_and_nothing_is_lost():
    values = np.array([[0, 100, 0, 100], [0, 100, 0, 100]], np.float32)
    picture = draw(Frame(values, Window(50, 100)), 2, 1)
    assert picture.pixel(0, 0) == picture.pixel(1, 0) == (127, 127, 127)


def test_a_window_is_moved_by_steps():
    assert Window(100, 50).moved(centre=-1) == Window(95, 50)
    assert Window(100, 50).moved(width=1).width == pytest.approx(60)


@pytest.mark.parametrize("content", [b"x", b"no dicom at all", b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_what_is_no_picture_is_said(shown, content):
    with pytest.raises(BadAnswer):
        shown(content)


def test_pixels_that_are_cut_short_are_said(shown):
    with pytest.raises(BadAnswer, match="damaged"):
        shown(dicom(np.zeros((2, 2), np.uint16), Rows=200))


def test_a_compression_that_cannot_be_decoded_is_said(shown):
    content = dicom(np.zeros((2, 2), np.uint16)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    with pytest.raises(UsageError, match="cannot be decoded here"):
        shown(content)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (JPEGLSLossless, "JPEG-LS Lossless Image Compression"),
        (JPEGLossless, "JPEG Lossless, Non-Hierarchical"),
    ],
)
def test_a_compression_without_a_decoder_is_named_with_a_way_out(shown, syntax, name):
    made = dcmread(io.BytesIO(dicom(np.zeros((2, 2), np.uint16))))
    made.file_meta.TransferSyntaxUID, made.PixelData = syntax, encapsulate([b"\xff\xd8\xff\xd9"])
    written = io.BytesIO()
    dcmwrite(written, made)
    with pytest.raises(UsageError, match=name) as caught:
        shown(written.getvalue())
    assert "snapshots" in caught.value.hint


def test_a_file_too_large_is_not_fetched(reader, look, xnat, monkeypatch):
    monkeypatch.setattr(images, "LARGEST_FILE", 1000)
    pictures = Images(reader, look(SCAN))
    files = pictures.files()
    before = len(xnat.requests)
    with pytest.raises(UsageError, match=r"has 14\.1 kB"):
        pictures.frame(files[0])
    assert len(xnat.requests) == before


def test_a_missing_library_is_named_with_the_way_to_get_it(reader, look, monkeypatch):
    pictures = Images(reader, look(SCAN))
    (file, *_) = pictures.files()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="numpy") as caught:
        pictures.frame(file)
    assert caught.value.hint == "Install it with: pip install 'xnat-tui[image]'"


def test_a_place_without_pictures_is_said(reader, look):
    with pytest.raises(NotFound):
        Images(reader, look("BRAINS/SUB-001/SUB-001_MR1/resources/BEHAV")).files()


# headers side by side


def header(**elements) -> Dataset:
    made = Dataset()
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def test_differing_elements_come_first_with_their_glyphs():
    one = header(Modality="MR", EchoTime="95", EffectiveEchoTime=95.0)
    other = header(Modality="MR", EchoTime="24", RepetitionTime="10")
    found = [
        (pair.glyph, pair.row.keyword, pair.source, pair.destination) for pair in pair_headers(one, other)
    ]
    assert found == [
        (">", "RepetitionTime", None, "10"),
        ("*", "EchoTime", "95", "24"),
        ("<", "EffectiveEchoTime", "95.0", None),
        ("", "Modality", "MR", "MR"),
    ]


def test_masked_values_are_compared_and_not_shown():
    (pair,) = pair_headers(header(PatientName="A^B"), header(PatientName="C^D"))
    assert (pair.glyph, pair.source, pair.destination) == ("*", "•••", "•••")
    (pair,) = pair_headers(header(PatientName="A^B"), header(PatientName="C^D"), show_patient=True)
    assert (pair.source, pair.destination) == ("A^B", "C^D")


def test_items_of_sequences_are_compared_one_by_one():
    def coded(*values):
        return header(AnatomicRegionSequence=[header(CodeValue=value) for value in values])

    pairs = pair_headers(coded("T-1", "T-2"), coded("T-1", "T-3"))
    assert [(pair.row.depth, pair.source, pair.destination) for pair in pairs if pair.glyph] == [
        (1, "T-2", "T-3")
    ]


def test_a_masked_sequence_stays_shut_and_still_tells_that_it_differs():
    def named(value):
        return header(OtherPatientIDsSequence=[header(PatientID=value)])

    pairs = pair_headers(named("1"), named("2"))
    assert [(pair.row.keyword, pair.glyph) for pair in pairs] == [("OtherPatientIDsSequence", "*")]


def test_one_header_keeps_its_order(reader, look):
    pairs = pair_headers(first_header(reader, look(SCAN)), None)
    tags = [pair.row.tag for pair in pairs]
    assert tags == sorted(tags)
    assert not any(pair.glyph for pair in pairs)
