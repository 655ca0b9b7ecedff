"""Archives are looked into before anything is sent: study by study, and what is left out by name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import NotFound
from xnat_tui.jobs import from_version_2
from xnat_tui.jobs.control import Control
from xnat_tui.model.filters import Filters
from xnat_tui.model.plan import Action, LeftOut, Plan
from xnat_tui.model.plan_documents import plan_document, plan_of, step_document, step_of
from xnat_tui.model.transfer import Evidence, Outcome, State
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.importing import archives
from xnat_tui.services.transfers.uploading import files as uploading_files
from xnat_tui.services.transfers.uploading.planning import plan_upload
from xnat_tui.services.transfers.uploading.steps import upload_executor
from xnat_tui.services.workspace import Workspace

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
NO_DICOM = "no DICOM"


def run(workspace: Workspace, plan: Plan) -> list[Outcome]:
    with upload_executor(plan, workspace.connection) as execute:
        return [execute(step, Control()) for step in plan.steps]


def files_of(one: PrearchiveSession) -> int:
    return sum(len(files) for scan in one.scans.values() for files in scan.resources.values())


def contents(incoming: Path) -> dict[str, bytes]:
    return {
        path.relative_to(incoming).as_posix(): path.read_bytes()
        for path in sorted(incoming.rglob("*"))
        if path.is_file()
    }


def zipped(files: Mapping[str, bytes], where: Path) -> Path:
    with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return where


def tarred(files: Mapping[str, bytes]) -> bytes:
    with io.BytesIO() as written:
        with tarfile.open(fileobj=written, mode="w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return written.getvalue()


def reasons(plan: Plan) -> dict[str, str]:
    return {one.path: one.reason for one in plan.left_out}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "x.tar": bytes,
    "x.tar.gz": gzip.compress,
    "x.tgz": gzip.compress,
    "x.tar.bz2": bz2.compress,
    "x.tar.xz": lzma.compress,
    "named-like-nothing": gzip.compress,
}


@pytest.fixture(params=["x.zip", *PACKERS])
def archive(request: pytest.FixtureRequest, incoming: Path, tmp_path: Path) -> Path:
    """Two patients with a study each, and a text, in one archive of every kind."""
    where = tmp_path / request.param
    if request.param == "x.zip":
        return zipped(contents(incoming), where)
    where.write_bytes(PACKERS[request.param](tarred(contents(incoming))))
    return where


def test_two_patients_in_an_archive_become_two_sessions(
    demo: DemoServer, workspace: Workspace, archive: Path
) -> None:
    plan = plan_upload(workspace, [archive], "lab:BRAINS")
    assert [(step.files, step.path) for step in plan.steps] == [
        (9, "studies/2024-05-01_MR_1"),
        (9, "studies/2024-05-02_MR_2"),
    ]
    assert plan.left_out == (LeftOut(f"{archive.name}/readme.txt", NO_DICOM),)
    assert plan.findings[0].message == f"{archive.name}/readme.txt is left out: no DICOM."
    assert [one.verified for one in run(workspace, plan)] == [Evidence(size=9)] * 2
    found = [one for one in demo.site.prearchive if one.subject.startswith("NEW")]
    assert sorted((one.subject, one.status, files_of(one)) for one in found) == [
        ("NEW-1", "READY", 9),
        ("NEW-2", "READY", 9),
    ]


def test_two_patients_in_an_archive_are_never_given_one_label(workspace: Workspace, archive: Path) -> None:
    plan = plan_upload(workspace, [archive], "lab:BRAINS/S-9/S-9_MR")
    assert [(step.action, step.reason) for step in plan.steps] == [
        (Action.CONFLICT, "several studies cannot all become S-9_MR")
    ] * 2
    one_subject = plan_upload(workspace, [archive], "lab:BRAINS/S-9")
    assert "2 different Patient IDs all go to subject S-9" in repr(one_subject.findings)


def test_filters_go_into_archives(workspace: Workspace, archive: Path) -> None:
    plan = plan_upload(workspace, [archive], "lab:BRAINS", filters=Filters(subject=("NEW-2",), scan=("1",)))
    assert [step.files for step in plan.steps] == [3]


def test_a_study_in_two_archives_and_a_folder_is_one_step(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    files = contents(incoming / "NEW-1")
    names = sorted(files)
    paths = [
        zipped({name: files[name] for name in names[:3]}, tmp_path / "a.zip"),
        tmp_path / "b.tgz",
        tmp_path / "loose",
    ]
    paths[1].write_bytes(gzip.compress(tarred({name: files[name] for name in names[3:6]})))
    for name in names[6:]:
        (paths[2] / name).parent.mkdir(parents=True, exist_ok=True)
        (paths[2] / name).write_bytes(files[name])
    plan = plan_upload(workspace, paths, "lab:BRAINS/S-9/S-9_MR")
    assert [step.files for step in plan.steps] == [9]
    assert plan_of(plan_document(plan)) == plan
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(size=9))


def test_nothing_is_unpacked_to_disk_and_an_archive_is_read_once_for_all_parts(
    workspace: Workspace, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for module, name in ((tempfile, "mkstemp"), (tempfile, "mkdtemp"), (streams, "spool")):
        true = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, n=name, t=true, **k: made.append(n) or t(*a, **k))
    plan = plan_upload(workspace, [archive], "lab:BRAINS")
    assert not made
    monkeypatch.setattr(uploading_files, "MOST_FILES", 2)
    opened: list[Path] = []
    begin = archives._Archive.__init__

    def counted(self: archives._Archive, path: Path, kind: str) -> None:
        opened.append(path)
        begin(self, path, kind)

    monkeypatch.setattr(archives._Archive, "__init__", counted)
    assert {one.state for one in run(workspace, plan)} == {State.DONE}
    assert len(opened) == len(plan.steps)


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
    data = bytearray(packed.read_bytes())
    data[start + at : start + at + 40] = bytes(40)
    packed.write_bytes(data)
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
    monkeypatch.setattr(archives, "_read", lambda opened, size: read.append(size) or take(opened, size))
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


def rewritten(data: bytes, **values: str) -> bytes:
    header = pydicom.dcmread(io.BytesIO(data))
    for name, value in values.items():
        setattr(header, name, value)
    with io.BytesIO() as file:
        header.save_as(file)
        return file.getvalue()


def test_several_patients_in_one_study_are_told_and_not_sent(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    other = incoming / "NEW-1" / "1" / "IM0002.dcm"
    other.write_bytes(rewritten(other.read_bytes(), PatientID="SOMEBODY"))
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS")
    (step,) = plan.steps
    assert (step.action, step.reason) == (
        Action.CONFLICT,
        "2 different Patient IDs in one study, which would become one session",
    )
    (told,) = [one for one in plan.findings if "Patient IDs" in one.message]
    assert told.message.endswith("1/IM0001.dcm, 1/IM0003.dcm and 6 more files; 1/IM0002.dcm.")
    assert "SOMEBODY" not in repr(plan)
    chosen = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS", filters=Filters(subject=("NEW-1",)))
    assert [(one.action, one.files) for one in chosen.steps] == [(Action.UPLOAD, 8)]


def test_a_missing_patient_id_is_no_second_patient(workspace: Workspace, incoming: Path) -> None:
    other = incoming / "NEW-1" / "1" / "IM0002.dcm"
    other.write_bytes(rewritten(other.read_bytes(), PatientID=""))
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS")
    assert [(one.action, one.files) for one in plan.steps] == [(Action.UPLOAD, 9)]


def test_files_that_share_a_uid_are_told(workspace: Workspace, incoming: Path) -> None:
    shutil.copy(incoming / "NEW-1" / "1" / "IM0002.dcm", incoming / "NEW-1" / "again.dcm")
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS")
    (told,) = [one for one in plan.findings if "repeat the SOP Instance UID" in one.message]
    assert "again.dcm" in told.message or "1/IM0002.dcm" in told.message


@pytest.mark.parametrize("name", ["ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm"])
def test_a_file_without_a_preamble_arrives_as_what_it_is(
    name: str, demo: DemoServer, workspace: Workspace
) -> None:
    sent: Dataset = pydicom.dcmread(SAMPLES / name, force=True)
    plan = plan_upload(workspace, [SAMPLES / name], "lab:BRAINS/S-9/S-9_X")
    (outcome,) = run(workspace, plan)
    assert outcome.state is State.DONE, outcome.failures
    (row,) = [one for one in demo.site.prearchive if one.name == "S-9_X"]
    (stored,) = [f for scan in row.scans.values() for held in scan.resources.values() for f in held.values()]
    arrived = pydicom.dcmread(io.BytesIO(b"".join(stored.chunks())))
    assert arrived == sent
    assert arrived.original_encoding == sent.original_encoding


def test_an_archive_changed_since_the_plan_is_not_sent(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = zipped(contents(incoming / "NEW-1"), tmp_path / "x.zip")
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    with packed.open("ab") as file:
        file.write(b"more")
    (outcome,) = run(workspace, plan)
    assert "when this was planned, now" in outcome.failures[0].error


def test_a_member_damaged_since_the_plan_is_named(
    workspace: Workspace, incoming: Path, tmp_path: Path
) -> None:
    packed = zipped(contents(incoming / "NEW-1"), tmp_path / "x.zip")
    plan = plan_upload(workspace, [packed], "lab:BRAINS")
    spoil(packed, "1/IM0002.dcm")
    (outcome,) = run(workspace, plan)
    assert outcome.failures[0].error == "x.zip/1/IM0002.dcm cannot be read: damaged."


def test_a_step_of_an_earlier_version_is_not_run(workspace: Workspace, incoming: Path) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS")
    (step,) = plan.steps
    bag = {"archive": "yes", "files": "[]", "label": "", "to": "prearchive", "overwrite": "none"}
    kept = {**step_document(step), "task": "dicom", "data": bag}
    old = replace(plan, steps=(step_of(from_version_2.step_document(kept)),))
    (outcome,) = run(workspace, old)
    assert (outcome.failures[0].error[:18], outcome.failures[0].hint) == ("An earlier version", "Plan again.")


def test_a_modality_is_the_studys_and_not_the_files(workspace: Workspace, incoming: Path) -> None:
    """A report goes with the images that it is about; PET-MR is both."""
    series = sorted((incoming / "NEW-1").rglob("*.dcm"))
    series[0].write_bytes(rewritten(series[0].read_bytes(), Modality="SR"))

    def planned(**filters: tuple[str, ...]) -> list[int]:
        plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS", filters=Filters(**filters))
        return [step.files for step in plan.steps]

    assert planned(modality=("MR",)) == [9]
    with pytest.raises(NotFound, match="matches --modality SR"):
        planned(modality=("SR",))
    assert planned(exclude_modality=("SR",)) == [9]
    for path in series[1:4]:
        path.write_bytes(rewritten(path.read_bytes(), Modality="PT"))
    for modality in ("MR", "PT", "PET"):
        assert planned(modality=(modality,)) == [9]
    for path in series:
        path.write_bytes(rewritten(path.read_bytes(), Modality="SR"))
    assert planned(modality=("SR",)) == [9]
    with pytest.raises(NotFound, match="matches --modality MR"):
        planned(modality=("MR",))


def test_a_study_of_reports_only_becomes_an_sr_session(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    for path in (incoming / "NEW-1").rglob("*.dcm"):
        path.write_bytes(rewritten(path.read_bytes(), Modality="SR"))
    run(workspace, plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_SR", to="archive"))
    assert [one.xsi_type for one in demo.site.experiments.values() if one.label == "S-9_SR"] == [
        "xnat:srSessionData"
    ]
