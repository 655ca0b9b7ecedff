"""Whole files in and out: what stays is what it was, in every run, and what must not leave is held."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from xnat_tui.services.deidentifying.dicom import deidentify
from xnat_tui.services.deidentifying.holding import Held
from xnat_tui.services.deidentifying.keys import Key
from xnat_tui.services.deidentifying.profile import Profile
from xnat_tui.services.deidentifying.proof import Lost
from xnat_tui.services.deidentifying.rules import Rules
from xnat_tui.services.deidentifying.standard import Option
from xnat_tui.xnat.files.dicom_files import quietly

KEY = Key(b"k" * 32)
SYNTAXES = (
    *(ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian),
    *(RLELossless, JPEG2000Lossless),
)
PIXELS = bytes(range(256)) * 2


def image() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = CTImageStorage, "1.2.3.4.5", "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.PatientName, dataset.PatientID = "Müller^Élodie", "HOSP-4711"
    dataset.PatientBirthDate, dataset.AccessionNumber = "19620315", "ACC998877"
    dataset.InstitutionName, dataset.Manufacturer = "Charité Nord", "ACME"
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.SamplesPerPixel = 16, 16, 16, 1
    dataset.PixelData = PIXELS
    dataset["PixelData"].VR = "OW"
    block = dataset.private_block(0x0009, "ACME", create=True)
    block.add_new(1, "LO", "Müller")
    return dataset


def written(dataset: Dataset, syntax: str = ExplicitVRLittleEndian, *, bare: bool = False) -> bytes:
    if syntax in (RLELossless, JPEG2000Lossless):
        dataset.PixelData = pydicom.encaps.encapsulate([PIXELS])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta.SourceApplicationEntityTitle = "MULLER"
    dataset.preamble = b"MULLER".ljust(128)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=not bare)
    return stream.getvalue()


def sent(content: bytes, *options: Option, also: tuple[str, ...] = ()) -> bytes:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(content)
        source.flush()
        rules = Rules(Profile(options=frozenset(options)), KEY, "S1")
        deidentify(source, target, rules, Lost(frozenset(), frozenset(also)))
        target.seek(0)
        return target.read()


def why_held(content: bytes, *options: Option, also: tuple[str, ...] = ()) -> str:
    with pytest.raises(Held) as held:
        sent(content, *options, also=also)
    return held.value.message


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_transfer_syntax_stays_with_its_pixels(syntax: str) -> None:
    content = written(image(), syntax)
    once = sent(content)
    assert once == sent(content)
    before, after = (pydicom.dcmread(io.BytesIO(one)) for one in (content, once))
    assert after.file_meta.TransferSyntaxUID == syntax
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID == KEY.uid("1.2.3.4.5")
    assert after.PixelData == before.PixelData
    assert (after.Manufacturer, after.Rows) == ("ACME", 16)
    assert (str(after.PatientName), after.PatientID) == (KEY.label("S1"), KEY.label("S1"))
    for planted in ("ller", "lodie", "4711", "19620315", "998877", "Nord", "MULLER"):
        assert planted.encode() not in once


def test_a_file_without_a_preamble_stays_one() -> None:
    content = written(image())
    bare = content[132 + 12 + int.from_bytes(content[140:144], "little") :]
    after = sent(bare)
    assert after[128:132] != b"DICM"
    assert pydicom.dcmread(io.BytesIO(after), force=True).SOPInstanceUID == KEY.uid("1.2.3.4.5")


@pytest.mark.parametrize("syntax", SYNTAXES[:4])
@pytest.mark.parametrize("spelt", ["Élodie", "MÜLLER", "HOSP-4711", "19620315", "1962-03-15", "ACC998877"])
def test_a_value_in_an_element_that_stays_holds_the_file(spelt: str, syntax: str) -> None:
    dataset = image()
    dataset.Manufacturer = f"for {spelt}"
    assert why_held(written(dataset, syntax)) == "a value that it had to lose is still in its header"


def test_a_value_deep_in_a_sequence_holds_the_file() -> None:
    dataset, item = image(), Dataset()
    item.CodeMeaning = "seen by Elodie, HOSP-4711"
    dataset.AnatomicRegionSequence = [item]
    assert "still in its header" in why_held(written(dataset))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le"])
def test_a_value_among_the_pixels_holds_the_file(encoding: str) -> None:
    dataset = image()
    dataset.PixelData = (b"\0" * 200 + "Élodie".encode(encoding)).ljust(512, b"\0")
    assert why_held(written(dataset)) == "a value that it had to lose is among its pixel data"


def test_what_the_caller_knows_is_looked_for_too() -> None:
    dataset = image()
    dataset.Manufacturer = "scanned as SUBJ-007"
    content = written(dataset)
    assert sent(content)
    assert "still in its header" in why_held(content, also=("SUBJ-007",))


def test_what_follows_the_pixels_does_not_leave() -> None:
    dataset = image()
    dataset.add_new(0x7FE10010, "LO", "ACME")
    dataset.add_new(0x7FE11001, "LO", "Müller")
    dataset.add_new(0xFFFCFFFC, "OB", b"Elodie Mueller here")
    after = pydicom.dcmread(io.BytesIO(sent(written(dataset))))
    assert max(after.keys()) == 0x7FE00010


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7", "a secondary capture"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.6.1", "ultrasound"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.67", "a structured report"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.104.1", "an encapsulated document"),
        ("SOPClassUID", "1.3.12.2.1107.5.9.1", "its class is not known"),
        ("BurnedInAnnotation", "YES", "names may be burned"),
        ("ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"], "a picture of a screen"),
        ("SeriesDescription", "Dose Report", "a picture of a screen"),
        ("ConversionType", "WSD", "it was converted"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.1", "names may be burned into its pixels: it does not say"),
        ("SamplesPerPixel", 3, "a picture in colour"),
        ("ImageType", ["DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT"], "a picture of a screen"),
    ],
)
def test_what_may_show_a_name_is_held(keyword: str, value: object, reason: str) -> None:
    dataset = image()
    setattr(dataset, keyword, value)
    assert why_held(written(dataset)).startswith(reason)


def test_an_overlay_within_the_pixels_is_held() -> None:
    dataset = image()
    dataset.add_new(0x60020102, "US", 12)
    assert why_held(written(dataset)).startswith("an overlay within its pixels")


@pytest.mark.parametrize("content", [b"", b"no DICOM at all" * 50, b'{"PatientName": "M"}'])
def test_what_is_no_dicom_is_held(content: bytes) -> None:
    assert why_held(content) == "not DICOM"


def test_a_file_that_was_cut_is_held() -> None:
    content = written(image())
    assert why_held(content[:-100]) == "it ends before its pixel data do"
    assert why_held(content[:400])


def test_retained_uids_stay_and_are_told() -> None:
    after = pydicom.dcmread(io.BytesIO(sent(written(image()), Option.RETAIN_UIDS)))
    assert (after.SOPInstanceUID, after.StudyInstanceUID) == ("1.2.3.4.5", "1.2.3")
    codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113110"]


def samples() -> list[Path]:
    folder = Path(str(get_testdata_file("CT_small.dcm"))).parent
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and file.stat().st_size < 300_000]


def test_every_file_of_pydicom_is_held_or_comes_out_without_what_it_had_to_lose() -> None:
    passed = 0
    for file in samples():
        try:
            after = sent(file.read_bytes())
        except Held:
            continue
        passed += 1
        with quietly():
            assert_alike(file.read_bytes(), after)
    assert passed > 20


def assert_alike(content: bytes, content_after: bytes) -> None:
    """Whatever stays, stays byte for byte, and the names do not."""
    before = pydicom.dcmread(io.BytesIO(content), force=True)
    after = pydicom.dcmread(io.BytesIO(content_after), force=True)
    rules = Rules(Profile(), KEY, "S1")
    for tag in before.keys():  # noqa: SIM118
        if rules.keeps(int(tag)) and before[tag].VR != "SQ":
            assert after[tag].value == before[tag].value, tag
    for part in str(before.get("PatientName", "")).split("^"):
        assert len(part) < 4 or part.encode() not in content_after
    assert not [one for one in after.iterall() if one.tag.is_private]
