"""Archives are looked into before anything is sent: study by study, and what is left out by name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.services.arrivals.uploads import contents, files_of, run, tarred, zipped
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import NotFound
from xnat_tui.jobs import from_version_2
from xnat_tui.model.filters import Filters
from xnat_tui.model.plan import Action, LeftOut
from xnat_tui.model.plan_documents import plan_document, plan_of, step_document, step_of
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers import streams
from xnat_tui.services.transfers.importing import archives
from xnat_tui.services.transfers.uploading import files as uploading_files
from xnat_tui.services.transfers.uploading.planning import plan_upload
from xnat_tui.services.workspace import Workspace

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
NO_DICOM = "no DICOM"
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

    def note(module: object, name: str) -> None:
        true = getattr(module, name)

        def noted(*given: Any, **named: Any) -> Any:
            made.append(name)
            return true(*given, **named)

        monkeypatch.setattr(module, name, noted)

    for module, name in ((tempfile, "mkstemp"), (tempfile, "mkdtemp"), (streams, "spool")):
        note(module, name)
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
    assert told.message.endswith("1/IM0001.dcm, 1/IM0003.dcm and 6 more; 1/IM0002.dcm.")
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

    def planned(**filters: Any) -> list[int]:
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
