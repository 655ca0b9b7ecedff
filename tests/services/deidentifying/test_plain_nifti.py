"""NIfTI: every voxel stays, and no text of the header does. nibabel writes what is sent, and reads it."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import tracemalloc

import nibabel
import numpy
import pytest
from nibabel.nifti1 import Nifti1Extension

from tests.services.deidentifying.test_plain import LOST, sent, why_held
from xnat_tui.services.deidentifying.plain import pass_plain
from xnat_tui.services.deidentifying.profile import Profile

KINDS = [(nibabel.Nifti1Image, "<"), (nibabel.Nifti1Image, ">")]
KINDS += [(nibabel.Nifti2Image, "<"), (nibabel.Nifti2Image, ">")]
VOXELS = numpy.arange(2 * 3 * 4 * 5, dtype="i2").reshape(2, 3, 4, 5)
AFFINE = numpy.diag([1.5, 2, 2.5, 1])
TEXTS = {
    1: ("data_type", "db_name", "descrip", "aux_file", "intent_name"),
    2: ("descrip", "aux_file", "intent_name"),
}


def image(kind=nibabel.Nifti1Image, order="<", dtype="i2", extensions=(), **texts):
    """An image as nibabel writes it, with texts in its header."""
    voxels = VOXELS.astype(numpy.dtype(dtype).newbyteorder(order))
    header = kind.header_class(endianness=order)
    header.set_data_dtype(voxels.dtype)
    made = kind(voxels, AFFINE, header)
    made.header.set_xyzt_units("mm", "sec")
    made.header.set_slope_inter(1, 0)
    for name, text in texts.items():
        made.header[name] = text.encode()
    for code, content in extensions:
        made.header.extensions.append(Nifti1Extension(code, content))
    return made


def numbers(kind, content, order):
    """The fields of a header as they are written: nibabel changes some when it loads an image."""
    header = kind.header_class(content[: kind.header_class.sizeof_hdr], order, check=False)
    left_out = {"data_type", "db_name", "descrip", "aux_file", "intent_name", "extents", "session_error"}
    left_out |= {"glmax", "glmin", "vox_offset", "unused_str", "eol_check"}
    return {name: header[name].tobytes() for name in header if name not in left_out}


@pytest.mark.parametrize(("kind", "order"), KINDS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_text_is_emptied_and_the_rest_stays(kind, order, packed):
    fields = TEXTS[1 if kind is nibabel.Nifti1Image else 2]
    made = image(
        kind, order, **dict.fromkeys(fields, "Müller"), extensions=[(6, b"for HOSP-4711"), (2, b"Kim" * 99)]
    )
    content = made.to_bytes()
    assert content.count("Müller".encode()) == len(fields)
    name = "T1.nii.gz" if packed else "T1.nii"
    after = sent(name, gzip.compress(content) if packed else content)
    assert (after[:2] == b"\x1f\x8b") == packed
    plain = gzip.decompress(after) if packed else after
    found = kind.from_bytes(plain)
    assert numpy.array_equal(numpy.asanyarray(found.dataobj), VOXELS)
    assert numpy.array_equal(found.affine, made.affine)
    assert numbers(kind, plain, order) == numbers(kind, content, order)
    assert found.header.endianness == order
    assert all(not bytes(found.header[field].tobytes()).strip(b"\0") for field in fields)
    assert list(found.header.extensions) == []
    size = 348 if kind is nibabel.Nifti1Image else 540
    assert plain[size : size + 4] == b"\0\0\0\0"
    written = kind.header_class(plain[:size], order, check=False)
    assert written["vox_offset"] == size + 4 < kind.header_class(content[:size], order)["vox_offset"]
    assert len(plain) == size + 4 + VOXELS.nbytes


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u4", "f4", "f8", "i8", "u8", "c8", "c16"])
def test_every_kind_of_number_passes(dtype):
    found = nibabel.Nifti2Image.from_bytes(sent("a.nii", image(nibabel.Nifti2Image, dtype=dtype).to_bytes()))
    assert numpy.array_equal(numpy.asanyarray(found.dataobj), VOXELS.astype(dtype))


def test_the_same_image_gives_the_same_bytes_however_it_was_packed():
    content = image().to_bytes()
    named = io.BytesIO()
    with gzip.GzipFile("Mueller.nii", "wb", 1, named, mtime=1_700_000_000) as opened:
        opened.write(content)
    one, other = sent("a.nii.gz", gzip.compress(content)), sent("a.nii.gz", named.getvalue())
    assert one == other == sent("a.nii.gz", one)
    assert one[3] == 0  # no name, no comment
    assert one[4:8] == b"\0\0\0\0"


def test_an_image_is_told_by_what_it_is_and_not_by_its_name():
    content = image(descrip="Müller").to_bytes()
    assert sent("T1.dat", content) == sent("T1", content) == sent("T1.nii", content)
    assert gzip.decompress(sent("T1.nii", gzip.compress(content))) == sent("T1.nii", content)
    assert sent("T1.nii.gz", content) == sent("T1.nii", content)


@pytest.mark.parametrize(
    ("kind", "order"), [(nibabel.Nifti1Pair, "<"), (nibabel.Nifti1Pair, ">"), (nibabel.Nifti2Pair, "<")]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_pair_of_header_and_voxels(kind, order, packed):
    made = image(kind, order, descrip="Müller", extensions=[(6, b"by Kim")])
    files = kind.make_file_map({"header": io.BytesIO(), "image": io.BytesIO()})
    made.to_file_map(files)
    pack = gzip.compress if packed else bytes
    unpack = gzip.decompress if packed else bytes
    end = ".gz" if packed else ""
    header = unpack(sent(f"T1.hdr{end}", pack(files["header"].fileobj.getvalue())))
    voxels = unpack(sent(f"T1.img{end}", pack(files["image"].fileobj.getvalue())))
    after = kind.make_file_map({"header": io.BytesIO(header), "image": io.BytesIO(voxels)})
    found = kind.from_file_map(after)
    assert numpy.array_equal(numpy.asanyarray(found.dataobj), VOXELS)
    assert numbers(kind, header, order) == numbers(kind, files["header"].fileobj.getvalue(), order)
    assert len(header) == (344 if kind is nibabel.Nifti1Pair else 536) + 8
    assert b"ller" not in header
    assert "says that its voxels are in another file" in why_held(
        "T1.nii", files["header"].fileobj.getvalue()
    )


def changed(content, place, kind, *values):
    new = bytearray(content)
    struct.pack_into(f"<{kind}", new, place, *values)
    return bytes(new)


WHOLE = image().to_bytes()
PACKED = gzip.compress(WHOLE, mtime=0)
SHORT, NOWHERE, UNCOUNTED = "ends before its voxels do", "where its voxels begin", "how many voxels"
HELD = {
    "empty": (b"", "no NIfTI"),
    "cut in its header": (WHOLE[:200], "no NIfTI"),
    "without magic": (WHOLE.replace(b"n+1\0", b"\0\0\0\0"), "no NIfTI"),
    "without voxels": (WHOLE[:350], SHORT),
    "a byte short": (WHOLE[:-1], SHORT),
    "a byte short, packed": (gzip.compress(WHOLE[:-1]), SHORT),
    "packed and cut": (PACKED[:-10], "damaged, or cut"),
    "a wrong checksum": (PACKED[:-8] + b"\0" * 8, "damaged, or cut"),
    "more behind the packed": (PACKED + b"Kim", "damaged, or cut"),
    "voxels in the header": (changed(WHOLE, 108, "f", 100), NOWHERE),
    "voxels at NaN": (changed(WHOLE, 108, "f", float("nan")), NOWHERE),
    "voxels at infinity": (changed(WHOLE, 108, "f", float("inf")), NOWHERE),
    "voxels within a byte": (changed(WHOLE, 108, "f", 400.5), NOWHERE),
    "nine dimensions": (changed(WHOLE, 40, "h", 9), UNCOUNTED),
    "no dimensions": (changed(WHOLE, 40, "h", 0), UNCOUNTED),
    "less than no columns": (changed(WHOLE, 42, "h", -1), UNCOUNTED),
    "an unknown kind": (changed(WHOLE, 70, "h", 99), UNCOUNTED),
    "RGB": (changed(WHOLE, 70, "h", 128), "a picture in colour"),
    "RGBA": (changed(WHOLE, 70, "h", 2304), "a picture in colour"),
    "CIFTI": (changed(WHOLE, 68, "h", 3002), "told in an extension"),
    "spectra": (image(nibabel.Nifti2Image, intent_name="mrs_v0_9").to_bytes(), "told in an extension"),
}


@pytest.mark.parametrize("case", HELD)
def test_what_is_damaged_or_may_hold_more_than_numbers_is_held(case):
    content, reason = HELD[case]
    assert reason in why_held("T1.nii.gz", content)


def test_an_analyze_header_is_held():
    header = nibabel.AnalyzeHeader().binaryblock
    assert why_held("T1.hdr", header).startswith("no NIfTI")


def test_voxels_that_begin_at_nought_begin_at_once():
    content = image().to_bytes()
    assert sent("a.nii", changed(content, 108, "f", 0)) == sent("a.nii", content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("planted", ["Élodie", "HOSP-4711", "19620315"])
def test_a_value_among_the_voxels_holds_the_image(planted, packed):
    content = image().to_bytes()
    content = content[:400] + planted.encode().ljust(16, b"\0") + content[416:]
    told = why_held("T1.nii", gzip.compress(content) if packed else content)
    assert told == "a value that it had to lose is among its voxels"
    assert why_held("T1.img", content[352:]) == told


def test_a_value_in_the_numbers_of_a_header_holds_the_image():
    content = image().to_bytes()
    content = content[:280] + b"HOSP-4711".ljust(48, b"\0") + content[328:]
    assert "still in its header" in why_held("T1.nii", content)


def test_what_stands_before_and_behind_the_voxels_does_not_leave():
    content = image().to_bytes()
    longer = changed(content[:352] + b"by Kim".ljust(48, b"\0") + content[352:] + b"Kim", 108, "f", 400)
    assert sent("T1.nii", longer) == sent("T1.nii", content)


@pytest.mark.parametrize("packed", [False, True])
def test_an_image_passes_in_pieces(packed):
    """Of 24 MB of voxels no more than some pieces are in memory at once."""
    header = changed(image().to_bytes()[:352], 42, "7h", 4000, 3000, 1, 1, 1, 1, 1)
    content = header + bytes(24_000_000)
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(gzip.compress(content, 1) if packed else content)
        del content
        tracemalloc.start()
        pass_plain(source, target, "T1.nii.gz", Profile(), LOST)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 12_000_000
