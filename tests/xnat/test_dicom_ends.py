"""Whether a DICOM file is all there, over pydicom's own test files and what may happen to them."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pydicom
import pytest

from xnat_tui.xnat.files.dicom_ends import Flaw, flaw_of_chunks, flaw_of_file
from xnat_tui.xnat.files.dicom_files import DamagedDicomError, NotDicomError, pieces, read_header

SAMPLES = Path(pydicom.__file__).parent / "data"
FLAWED = {
    "MR_truncated.dcm": Flaw.CUT_PIXELS,
    "rtplan_truncated.dcm": Flaw.CUT,
    "winter.dcm": Flaw.ODD,  # its last element repeats an earlier group
}


def samples() -> list[Path]:
    """Every DICOM file that pydicom ships."""
    found = []
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            try:
                read_header(pieces(io.BytesIO(path.read_bytes())))
            except (NotDicomError, DamagedDicomError):
                continue
            found.append(path)
    return found


def test_whole_files_of_every_kind_are_whole_and_the_two_that_end_early_are_not() -> None:
    for path in samples():
        content = path.read_bytes()
        with path.open("rb") as opened:
            flaw = flaw_of_file(opened)
        assert flaw == FLAWED.get(path.name, Flaw.NONE), path.name
        assert flaw_of_chunks(content[at : at + 997] for at in range(0, len(content), 997)) == flaw, path.name


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "MR_small_RLE.dcm",
        "image_dfl.dcm",
        "JPEG2000.dcm",
        "ExplVR_LitEndNoMeta.dcm",
        "nested_priv_SQ.dcm",
    ],
)
def test_a_file_that_ends_in_the_middle_of_its_last_value_is_told(name: str) -> None:
    content = (SAMPLES / "test_files" / name).read_bytes()
    assert flaw_of_chunks([content]) is Flaw.NONE
    cut = len(content) // 4 if len(content) > 2000 else 5
    assert flaw_of_chunks([content[: -(cut | 1)]]) in (Flaw.CUT, Flaw.CUT_PIXELS)


def test_pixels_are_passed_over_and_not_read(tmp_path: Path) -> None:
    """A plan of many gigabytes must not read them all."""
    header = (SAMPLES / "test_files" / "MR_small.dcm").read_bytes()
    at = header.index(b"\xe0\x7f\x10\x00OW")
    size = 1_000_000_000
    sparse = tmp_path / "big.dcm"
    sparse.write_bytes(header[: at + 8] + size.to_bytes(4, "little"))
    with sparse.open("r+b") as opened:
        opened.truncate(at + 12 + size)
    read: list[int] = []

    class Counting(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size) or b""
            read.append(len(found))
            return found

    with Counting(sparse, "r") as file:
        assert flaw_of_file(file) is Flaw.NONE
    assert sum(read) < 200_000
    with sparse.open("r+b") as opened:
        opened.truncate(at + 12 + size - 1)
    with sparse.open("rb") as cut:
        assert flaw_of_file(cut) is Flaw.CUT_PIXELS


def test_no_damage_makes_it_fail_or_run_for_ever() -> None:
    chance = random.Random(11)
    for path in samples()[::4]:
        whole = path.read_bytes()[:60_000]
        for _ in range(20):
            content = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                start = chance.randrange(len(content))
                content[start : start + 8] = chance.randbytes(min(8, len(content) - start))
            assert flaw_of_chunks([bytes(content)]) in Flaw
