"""Archives and files that are damaged, hostile or no DICOM are told by name, and the others are sent."""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.services.arrivals.uploads import contents, reasons, run, tarred, zipped
from xnat_tui.demo.server import DemoServer
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.importing import archives
from xnat_tui.services.transfers.uploading.planning import plan_upload
from xnat_tui.services.workspace import Workspace

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
NO_DICOM = "no DICOM"


def test_what_cannot_be_sent_is_told_by_its_name(
    demo: DemoServer, workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    good = contents(incoming / "NEW-1")
    deflated = bytearray((SAMPLES / "image_dfl.dcm").read_bytes())
    deflated[400:420] = b"\xff" * 20
    files = {
        **good,
        "notes.txt": b"no image",
        "DICOMDIR": (SAMPLES / "dicomdirtests" / "DICOMDIR").read_bytes(),
        "deflated.dcm": bytes(deflated),
        "inner.zip": zipped(good, tmp_path / "inner.zip").read_bytes(),
        "inner.tar": tarred(good),
        "one.dcm.gz": gzip.compress(next(iter(good.values()))),
        "nameless.dcm": (SAMPLES / "priv_SQ.dcm").read_bytes(),
    }
    expected = {
        "notes.txt": NO_DICOM,
        "DICOMDIR": "a DICOMDIR, which lists files and is none to send",
        "deflated.dcm": "damaged DICOM: its header cannot be read",
        "inner.zip": "an archive within an archive: unpack it, and send what is in it",
        "inner.tar": "an archive within an archive: unpack it, and send what is in it",
        "one.dcm.gz": "an archive within an archive: unpack it, and send what is in it",
        "nameless.dcm": "DICOM without a Study Instance UID: XNAT does not take it",
    }
    packed = zipped(files, tmp_path / "x.zip")
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    assert reasons(plan) == {f"x.zip/{name}": reason for name, reason in expected.items()}
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(size=9))


def test_loose_files_are_told_by_the_same_words(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    deflated = bytearray((SAMPLES / "image_dfl.dcm").read_bytes())
    deflated[400:420] = b"\xff" * 20
    (folder / "deflated.dcm").write_bytes(deflated)
    (folder / "note.txt").write_bytes(b"\x08\x00 is no element")
    (folder / "image.gz").write_bytes(gzip.compress(b"x"))
    (folder / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    zipped({"a": b"a", "b": b"b"}, folder / "report.docx")
    shutil.copy(SAMPLES / "dicomdirtests" / "DICOMDIR", folder)
    plan = plan_upload(workspace, [folder], "lab:BRAINS")
    assert reasons(plan) == {
        "DICOMDIR": "a DICOMDIR, which lists files and is none to send",
        "cut.zip": "cut at its end, where a zip lists its files: nothing more of this archive can be read",
        "deflated.dcm": "damaged DICOM: its header cannot be read",
        "image.gz": "packed: unpack it, and send what is in it",
        "note.txt": NO_DICOM,
        "report.docx": "no DICOM in this archive",
    }
    assert plan.blocked


def spoil(packed: Path, name: str) -> None:
    """Change bytes in the middle of what a zip holds of a member."""
    with zipfile.ZipFile(packed) as archive:
        info = archive.getinfo(name)
    data = bytearray(packed.read_bytes())
    middle = info.header_offset + 30 + len(name) + info.compress_size // 2
    data[middle : middle + 8] = bytes(byte ^ 0xFF for byte in data[middle : middle + 8])
    packed.write_bytes(data)


def test_a_damaged_member_of_a_zip_is_told_when_planning(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = zipped(contents(incoming / "NEW-1"), tmp_path / "x.zip")
    spoil(packed, "1/IM0002.dcm")
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    assert reasons(plan) == {"x.zip/1/IM0002.dcm": "damaged in the archive"}
    assert [step.files for step in plan.steps] == [8]


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("at", [129, 160, 600])
def test_a_large_member_of_a_zip_that_is_damaged_at_its_beginning_is_called_damaged(
    workspace: Workspace, incoming: Path, tmp_path: Path, at: int, kind: int
) -> None:
    """Whatever its header looks like then: no DICOM, or DICOM without a UID."""
    files = contents(incoming / "NEW-1")
    name = "1/IM0002.dcm"
    files[name] += random.Random(3).randbytes(3_000_000)
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w", kind) as archive:
        for one, data in files.items():
            archive.writestr(one, data)
        start = archive.getinfo(name).header_offset + 30 + len(name)
    damaged = bytearray(packed.read_bytes())
    damaged[start + at : start + at + 40] = bytes(40)
    packed.write_bytes(damaged)
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    assert reasons(plan) == {f"x.zip/{name}": "damaged in the archive"}


def test_what_is_wrong_with_a_zip_as_a_whole_is_told_truly(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    whole = zipped(contents(incoming / "NEW-1"), tmp_path / "whole.zip").read_bytes()
    listed = whole.index(b"PK\x01\x02")
    wrong_list = bytearray(whole)
    wrong_list[listed + 60] ^= 0xFF
    wrong_list[listed : listed + 2] = b"XX"
    hidden = bytearray(whole)
    name_size, _, _ = struct.unpack("<HHH", whole[listed + 28 : listed + 34])
    second = whole.index(b"PK\x01\x02", listed + 4)
    hidden[listed + 32 : listed + 34] = struct.pack("<H", second - listed)  # a comment over the next entry
    assert name_size
    place = bytearray(whole)
    place[-6:-2] = struct.pack("<I", len(whole) * 2)
    for name, data in {
        "cut.zip": whole[: len(whole) - 30],
        "list.zip": bytes(wrong_list),
        "hidden.zip": bytes(hidden),
        "place.zip": bytes(place),
        "page.zip": b"<html>Sign in</html>",
    }.items():
        (tmp_path / "send").mkdir(exist_ok=True)
        (tmp_path / "send" / name).write_bytes(data)
    plan = plan_upload(workspace, [tmp_path / "send"], "lab:BRAINS")
    ending = ": nothing more of this archive can be read"
    found = reasons(plan)
    places = {found.pop(path) for path in list(found) if path.startswith("place.zip")}
    assert places <= {"damaged", f"damaged where a zip lists its files{ending}"}
    assert places
    assert found == {
        "cut.zip": f"cut at its end, where a zip lists its files{ending}",
        "list.zip": f"damaged where a zip lists its files{ending}",
        "hidden.zip": f"damaged where a zip lists its files{ending}",
        "page.zip": f"no zip, though it is called so, or its beginning and its end are lost{ending}",
    }


@pytest.mark.parametrize("packing", ["loose", "zip", "tar"])
def test_dicom_that_ends_before_its_pixels_do_is_left_out_by_name(
    workspace: Workspace, incoming: Path, tmp_path: Path, packing: str
) -> None:
    """An archive would keep half an image, and refuse the whole one later."""
    files = contents(incoming / "NEW-1")
    name = "1/IM0002.dcm"
    files[name] = files[name][:-2000]
    if packing == "loose":
        (incoming / "NEW-1" / name).write_bytes(files[name])
        path, prefix = incoming / "NEW-1", ""
    elif packing == "zip":
        path, prefix = zipped(files, tmp_path / "x.zip"), "x.zip/"
    else:
        path, prefix = tmp_path / "x.tar", "x.tar/"
        path.write_bytes(tarred(files))
    plan = plan_upload(workspace, [path], "lab:BRAINS")
    assert reasons(plan) == {f"{prefix}{name}": "damaged DICOM: it ends before its pixel data do"}
    assert [step.files for step in plan.steps] == [8]
    assert plan.findings[0].severity == "warning"


@pytest.mark.parametrize("packing", ["loose", "tar"])
def test_a_header_whose_damage_hides_a_uid_is_called_damaged(
    workspace: Workspace, incoming: Path, tmp_path: Path, packing: str
) -> None:
    name = "1/IM0002.dcm"
    files = contents(incoming / "NEW-1")
    data = bytearray(files[name])
    at = data.index(b"\x20\x00\x0d\x00UI")
    data[at - 30 : at + 4] = bytes(byte ^ 0xFF for byte in data[at - 30 : at + 4])
    files[name] = bytes(data)
    path = tmp_path / "x.tar"
    if packing == "loose":
        path = incoming / "NEW-1" / name
        path.write_bytes(files[name])
    else:
        path.write_bytes(tarred(files))
    plan = plan_upload(workspace, [path], "lab:BRAINS")
    assert set(reasons(plan).values()) == {"damaged DICOM: its header cannot be read"}


def test_an_encrypted_member_is_told_when_planning(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = zipped(contents(incoming / "NEW-1"), tmp_path / "x.zip")
    data = bytearray(packed.read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # the last entry of the central directory
    data[entry + 8] |= 1
    packed.write_bytes(data)
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    assert list(reasons(plan).values()) == ["encrypted"]
    assert [step.files for step in plan.steps] == [8]


def test_an_archive_that_ends_early_is_told_with_what_could_be_read(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "x.tar"
    whole = tarred(contents(incoming / "NEW-1"))
    packed.write_bytes(whole[: len(whole) // 2])
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    assert [step.files for step in plan.steps] == [4]
    assert reasons(plan) == {
        "x.tar/6/IM0002.dcm": "damaged in the archive",
        "x.tar": "damaged after 5 files: nothing more of this archive can be read",
    }


def test_of_a_tar_whose_checksum_is_wrong_nothing_is_believed(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = bytearray(gzip.compress(tarred(contents(incoming / "NEW-1"))))
    packed[-8:-4] = struct.pack("<I", 12345)
    (tmp_path / "x.tgz").write_bytes(packed)
    plan = plan_upload(workspace, [tmp_path / "x.tgz"], "lab:BRAINS")
    assert reasons(plan) == {"x.tgz": "its checksum is wrong: a file in it is not what it was"}
    assert plan.blocked


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tgz"])
def test_an_archive_that_swells_without_end_is_refused(
    name: str, workspace: Workspace, incoming: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALLOWED_BYTES", 1_000_000)
    files = {**contents(incoming / "NEW-1"), "zeros": b"\0" * 100_000_000}
    packed = tmp_path / name
    if name == "bomb.zip":
        zipped(files, packed)
    else:
        packed.write_bytes(gzip.compress(tarred(files)))
    read: list[int] = []
    take = archives._read

    def counted(opened: Any, size: int) -> bytes:
        read.append(size)
        return take(opened, size)

    monkeypatch.setattr(archives, "_read", counted)
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    (reason,) = reasons(plan).values()
    assert reason.startswith("it would swell to more than ")
    assert plan.blocked
    assert len(read) < 40


def test_a_header_in_a_tar_is_not_read_however_long_it_is(workspace: Workspace, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("././@PaxHeader")
    entry.type, entry.size = tarfile.XHDTYPE, 500_000_000
    (tmp_path / "x.tgz").write_bytes(gzip.compress(entry.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 2_000_000))
    plan = plan_upload(workspace, [tmp_path / "x.tgz"], "lab:BRAINS")
    assert reasons(plan) == {"x.tgz": "damaged from its beginning: nothing more of this archive can be read"}


def test_a_member_damaged_since_the_plan_is_named(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = zipped(contents(incoming / "NEW-1"), tmp_path / "x.zip")
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    spoil(packed, "1/IM0002.dcm")
    (outcome,) = run(workspace, plan)
    assert outcome.failures[0].error == "x.zip/1/IM0002.dcm cannot be read: damaged."
