"""One rule for "is this DICOM", over pydicom's own test files and what may happen to them."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from xnat_tui.errors import BadAnswer
from xnat_tui.xnat.files import dicom_files
from xnat_tui.xnat.files.dicom_files import (
    DamagedDicomError,
    NotDicomError,
    TooLongError,
    missing_start,
    pieces,
    read_header,
    read_whole,
)

SAMPLES = Path(pydicom.__file__).parent / "data"
UIDS = ("SOPInstanceUID", "StudyInstanceUID")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def samples() -> list[str]:
    """Every file that pydicom ships beside its modules, once for each folder of equal ones."""
    found = [path for path in sorted(SAMPLES.rglob("*")) if path.is_file() and path.suffix != ".py"]
    seen: set[tuple[str, int]] = set()
    names = []
    for path in found:
        same = (path.parent.parent.name, path.stat().st_size // 100)
        if "__pycache__" in path.parts or ("dicomdirtests" in path.parts and same in seen):
            continue
        seen.add(same)
        names.append(str(path.relative_to(SAMPLES)))
    return names


OTHERS = {
    *("hashes.json", "urls.json", "charset_files/FileInfo.txt", "palettes/README.md"),
    *("test_files/README.txt", "test_files/crayons.icc", "test_files/rtplan.dump"),
    *("test_files/rtstruct.dump", "test_files/test1.json", "test_files/test_PN.json"),
    *("test_files/zipMR.gz", "dicomdirtests/README.txt", "test_files/dicomdirtests/README.txt"),
    "test_files/dicomdirtests/TINY_ALPHA/README",
    "test_files/no_meta.dcm",  # it begins with a byte too many
}


@pytest.mark.parametrize("name", samples())
def test_all_that_reads_a_file_agrees_on_what_it_is(name: str) -> None:
    content = sample(name)
    for read in (
        lambda: read_header(pieces(io.BytesIO(content))),
        lambda: read_header(pieces(io.BytesIO(content)), UIDS),
        lambda: read_whole(content),
    ):
        if name in OTHERS:
            with pytest.raises(NotDicomError):
                read()
            assert missing_start(content) == b""
        else:
            assert isinstance(read(), Dataset)


@pytest.mark.parametrize("name", sorted({*samples()} - OTHERS))
def test_a_few_fields_are_the_same_as_in_the_whole_file(name: str) -> None:
    content = sample(name)
    few = read_header(pieces(io.BytesIO(content)), UIDS)
    whole = read_whole(content)
    assert {one: few.get(one) for one in UIDS} == {one: whole.get(one) for one in UIDS}
    assert {element.keyword for element in few} <= {*UIDS, "SpecificCharacterSet"}


BARE = {
    "test_files/ExplVR_BigEndNoMeta.dcm": ExplicitVRBigEndian,
    "test_files/ExplVR_LitEndNoMeta.dcm": ExplicitVRLittleEndian,
    "test_files/rtstruct.dcm": ImplicitVRLittleEndian,
}


@pytest.mark.parametrize("name", BARE)
def test_what_a_file_without_a_preamble_lacks_is_put_before_it(name: str) -> None:
    content = sample(name)
    written = missing_start(content) + content
    found = pydicom.dcmread(io.BytesIO(written))
    assert found.file_meta.TransferSyntaxUID == BARE[name]
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
    assert found == read_whole(content)
    assert missing_start(written) == b""


def test_a_meta_header_without_a_preamble_is_kept() -> None:
    content = sample("test_files/CT_small.dcm")
    assert missing_start(content[132:]) + content[132:] == b"\0" * 128 + content[128:]


TEXTS = [
    b"",
    b"\x08",
    b"<html>Sign in</html>" * 50,
    b"ISO_IR 100 MR 1.2.840.10008.5.1.4.1.1.4 " * 100,
    b"\x08\x00\x00\x00" * 200,  # records of Fortran begin so
    b"\x08\x00\x05\x00\x0a\x00\x00\x00" + b"x" * 500,
    b"\x02\x00\x00\x00" + b"\x00" * 500,
    b"\0" * 1000,
    b"\xff" * 1000,
    "Bericht über Patient\n".encode("utf-16") * 50,
    b"\0" * 128 + b"DICOM is a standard",
]


@pytest.mark.parametrize("content", TEXTS)
def test_what_only_happens_to_parse_is_no_dicom(content: bytes) -> None:
    for read in (lambda: read_header([content]), lambda: read_header([content], UIDS)):
        with pytest.raises((NotDicomError, DamagedDicomError)):
            read()
    assert missing_start(content) == b""


DAMAGED = [
    *("test_files/image_dfl.dcm", "test_files/MR_small_implicit.dcm", "test_files/MR_small_bigendian.dcm"),
    *("test_files/rtplan.dcm", "test_files/rtstruct.dcm", "test_files/test-SR.dcm", "test_files/priv_SQ.dcm"),
    *(
        "test_files/nested_priv_SQ.dcm",
        "charset_files/chrSQEncoding.dcm",
        "test_files/dicomdirtests/DICOMDIR",
    ),
]


@pytest.mark.parametrize("name", DAMAGED)
def test_no_damage_raises_anything_but_that_it_is_damaged(name: str) -> None:
    content, chance = sample(name), random.Random(name)
    refused = 0
    for _ in range(150):
        spoiled = bytearray(content[: chance.randrange(len(content))] if chance.random() < 0.3 else content)
        for _ in range(chance.randrange(1, 6)):
            if spoiled:
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        for read in (
            lambda data=bytes(spoiled): read_header(pieces(io.BytesIO(data))),
            lambda data=bytes(spoiled): read_header(pieces(io.BytesIO(data)), UIDS),
            lambda data=bytes(spoiled): read_whole(data),
        ):
            try:
                read()
            except (NotDicomError, DamagedDicomError, TooLongError, BadAnswer):
                refused += 1
    assert refused, "else nothing was damaged"


def test_a_damaged_deflated_file_is_damaged_and_no_stranger() -> None:
    content = bytearray(sample("test_files/image_dfl.dcm"))
    content[400:420] = b"\xff" * 20
    with pytest.raises(DamagedDicomError):
        read_header([bytes(content)])
    with pytest.raises(DamagedDicomError):
        read_whole(bytes(content))


def deflated(padding: int) -> bytes:
    """A deflated file with so many zeros in a private element before its pixels."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3"
    dataset.StudyInstanceUID = "1.2"
    dataset.private_block(0x0099, "PADDING", create=True).add_new(1, "OB", b"\0" * padding)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with io.BytesIO() as file:
        dataset.save_as(file, enforce_file_format=True)
        return file.getvalue()


def test_a_deflated_file_without_end_is_taken_no_further_than_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inflated: list[int] = []
    inflate = zlib.decompressobj

    class Counting:
        def __init__(self, window: int) -> None:
            self._true = inflate(window)

        def decompress(self, data: bytes, most: int) -> bytes:
            found = self._true.decompress(data, most)
            inflated.append(len(found))
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(self._true, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    content = deflated(100_000_000)
    assert read_header([content], UIDS).StudyInstanceUID == "1.2"
    assert sum(inflated) <= 2 * dicom_files.FIRST_BYTES
    inflated.clear()
    with pytest.raises(TooLongError):
        read_header([content])
    assert sum(inflated) <= 2 * dicom_files.LARGEST_HEADER + dicom_files.FIRST_BYTES
    monkeypatch.setattr(dicom_files, "LARGEST_INFLATED", 1_000_000)
    inflated.clear()
    with pytest.raises(BadAnswer, match="more than 1000000 bytes"):
        read_whole(content)
    assert sum(inflated) <= 1_000_000 + dicom_files.FIRST_BYTES


def test_no_more_pieces_are_taken_than_needed() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        yield sample("test_files/MR_small.dcm")
        while True:
            taken.append(1)
            yield b"\0" * 64_000

    assert read_header(endless()).Modality == "MR"
    assert len(taken) <= 1


def test_a_few_fields_of_a_file_whose_header_never_ends_are_read() -> None:
    content = deflated(10)  # any header before a private element
    whole = read_whole(content)
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole.set_original_encoding(False, True)
    whole[0x00991001].value = b"\0" * 20_000_000
    with io.BytesIO() as file:
        whole.save_as(file, enforce_file_format=True)
        large = file.getvalue()
    with pytest.raises(TooLongError):
        read_header(pieces(io.BytesIO(large)))
    assert read_header(pieces(io.BytesIO(large)), UIDS).SOPInstanceUID == "1.2.3"
