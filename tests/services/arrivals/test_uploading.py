"""Uploads: DICOM to the import service, files into a resource; believed only when read back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.faults import Answer, CutUpload, ErrorPage, Truncate, WriteThenDrop
from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.workflows import AUTORUN
from xnat_tui.errors import Interrupted, NotFound, UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.changes import Change
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import OnExisting, UploadMode, UploadOptions
from xnat_tui.model.plan import Action, Plan
from xnat_tui.model.transfer import Evidence, Outcome, State
from xnat_tui.services.administration.prearchive.sessions import Prearchive
from xnat_tui.services.transfers.uploading import files as uploading_files
from xnat_tui.services.transfers.uploading.planning import plan_upload
from xnat_tui.services.transfers.uploading.steps import upload_executor
from xnat_tui.services.workspace import Workspace

RESOURCE = "lab:BRAINS/SUB-001/resources/UP"
UPDATE = UploadOptions(on_existing=OnExisting.UPDATE)
ODD = {
    "a b#c+d%20.txt": b"odd",
    "plain.txt": b"plain",
    "empty": b"",
    "sub/x.bin": b"x" * 100_000,
    "ä/ü.txt": b"umlaut",
    "own.zip": b"PK\x05\x06" + b"\0" * 18,
}


def run(workspace: Workspace, plan: Plan, control: Control | None = None) -> list[Outcome]:
    with upload_executor(plan, workspace.connection) as execute:
        return [execute(step, control or Control()) for step in plan.steps]


def held(demo: DemoServer) -> dict[str, str]:
    """What the resource UP of SUB-001 holds: path and MD5."""
    (subject,) = [one for one in demo.site.projects["BRAINS"].subjects.values() if one.label == "SUB-001"]
    found = [one for one in subject.resources if one.label == "UP"]
    return {path: entry.data.md5 for one in found for path, entry in one.files.items()}


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in files.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "files"
    for name, data in ODD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_names_and_bytes_arrive_exactly(demo: DemoServer, workspace: Workspace, folder: Path) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    assert [(step.action, step.files, step.path) for step in plan.steps] == [
        (Action.UPLOAD, len(ODD), "resources/UP")
    ]
    control = Control()
    (outcome,) = run(workspace, plan, control)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(digest=len(ODD)))
    assert held(demo) == digests(ODD)
    assert control.files == len(ODD)
    assert control.bytes > sum(map(len, ODD.values()))


def test_a_workspace_plans_the_same(workspace: Workspace, folder: Path) -> None:
    assert workspace.plan_upload([folder], RESOURCE) == plan_upload(workspace, [folder], RESOURCE)


def test_a_second_run_sends_nothing(demo: DemoServer, workspace: Workspace, folder: Path) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    run(workspace, plan)
    sent = demo.requests.count("PUT")
    (outcome,) = run(workspace, plan)
    assert (outcome.files, outcome.skipped) == (0, len(ODD))
    workspace.reader("lab").forget(workspace.find_one("lab:"))
    assert [step.action for step in plan_upload(workspace, [folder], RESOURCE).steps] == [Action.SKIP]
    assert demo.requests.count("PUT") == sent


def test_a_single_plain_file_goes_by_itself_and_into_a_folder_below(
    demo: DemoServer, workspace: Workspace, folder: Path
) -> None:
    plan = plan_upload(workspace, [folder / "plain.txt"], f"{RESOURCE}/files/in/here")
    run(workspace, plan)
    assert list(held(demo)) == ["in/here/plain.txt"]
    assert demo.requests.count("PUT", "/data/subjects/CENTRAL_S00001/resources/UP/files/in/here/") == 1


def test_file_mode_sends_what_it_can_alone(demo: DemoServer, workspace: Workspace, folder: Path) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE, options=UploadOptions(mode=UploadMode.FILE))
    (outcome,) = run(workspace, plan)
    assert outcome.state is State.DONE
    assert held(demo) == digests(ODD)
    assert demo.requests.count("PUT", "/data/subjects") == 4


def test_other_content_is_left_alone_unless_asked(
    demo: DemoServer, workspace: Workspace, folder: Path
) -> None:
    run(workspace, plan_upload(workspace, [folder], RESOURCE))
    workspace.reader("lab").forget(workspace.find_one("lab:"))
    (folder / "plain.txt").write_bytes(b"PLAIN")
    kept = plan_upload(workspace, [folder], RESOURCE)
    assert [(step.action, step.path) for step in kept.steps] == [
        (Action.SKIP, "resources/UP"),
        (Action.CONFLICT, "resources/UP/files/plain.txt"),
    ]
    update = plan_upload(workspace, [folder], RESOURCE, options=UPDATE)
    assert not update.destroys
    run(workspace, update)
    assert held(demo)["plain.txt"] == digests({"": b"PLAIN"})[""]
    workspace.reader("lab").forget(workspace.find_one("lab:"))
    overwrite = plan_upload(
        workspace, [folder], RESOURCE, options=UploadOptions(on_existing=OnExisting.OVERWRITE)
    )
    assert (overwrite.destroys, overwrite.root) == (True, "BRAINS")


def test_what_appeared_since_the_plan_is_not_replaced(
    demo: DemoServer, workspace: Workspace, folder: Path
) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    (folder / "plain.txt").write_bytes(b"first")
    run(workspace, plan_upload(workspace, [folder / "plain.txt"], RESOURCE))
    (folder / "plain.txt").write_bytes(b"plain")
    (outcome,) = run(workspace, plan)
    assert [(one.path, one.error) for one in outcome.failures] == [
        ("resources/UP/files/plain.txt", "It is there with other content.")
    ]
    assert held(demo)["plain.txt"] == digests({"": b"first"})[""]


def test_duplicates_are_told(demo: DemoServer, workspace: Workspace, folder: Path) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    demo.faults.add("PUT .*files.zip", Answer('{"duplicates":["plain.txt"]}'))
    (outcome,) = run(workspace, plan)
    errors = {one.path: one.error for one in outcome.failures}
    assert errors["resources/UP/files/plain.txt"] == "It existed, and the server left it alone."
    assert "does not list it" in errors["resources/UP/files/empty"]


def test_a_200_without_the_right_to_write_is_no_success(
    demo: DemoServer, open_workspace: Callable[[str], Workspace], folder: Path
) -> None:
    reader = open_workspace("reader")
    (outcome,) = run(reader, plan_upload(reader, [folder / "plain.txt"], RESOURCE))
    assert outcome.state is State.FAILED
    assert outcome.failures[0].hint == "Has reader the right to edit this?"
    assert held(demo) == {}


@pytest.mark.parametrize("fault", [WriteThenDrop(), CutUpload(1000), ErrorPage(502)])
def test_a_write_without_an_answer_is_looked_up_first(
    demo: DemoServer, workspace: Workspace, folder: Path, fault: object
) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    ordered = demo.faults.add("PUT .*files.zip", fault, times=1)
    (outcome,) = run(workspace, plan)
    assert (outcome.state, held(demo)) == (State.DONE, digests(ODD))
    assert ordered.seen == (1 if isinstance(fault, WriteThenDrop) else 2)


def test_a_session_that_expires_in_an_upload_sends_the_whole_body_again(
    demo: DemoServer, workspace: Workspace, folder: Path
) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    demo.faults.add("PUT .*files.zip", ErrorPage(401), times=1)
    (outcome,) = run(workspace, plan)
    assert (outcome.state, held(demo)) == (State.DONE, digests(ODD))


def test_a_file_changed_since_the_plan_fails_alone(
    demo: DemoServer, workspace: Workspace, folder: Path
) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    (folder / "plain.txt").write_bytes(b"longer than before")
    (folder / "empty").unlink()
    (outcome,) = run(workspace, plan)
    assert sorted(one.path for one in outcome.failures) == [
        "resources/UP/files/empty",
        "resources/UP/files/plain.txt",
    ]
    assert set(held(demo)) == set(ODD) - {"plain.txt", "empty"}


def test_reserved_and_repeated_names_are_conflicts(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain.txt").write_bytes(b"another")
    (tmp_path / "x_catalog.xml").write_bytes(b"<x/>")
    paths = [folder / "plain.txt", tmp_path / "plain.txt", tmp_path / "x_catalog.xml"]
    plan = plan_upload(workspace, paths, RESOURCE)
    assert sorted((str(step.action), step.reason) for step in plan.steps) == [
        ("conflict", "XNAT keeps this name for its own catalog"),
        ("conflict", "several of these files have this name"),
        ("upload", ""),
    ]


def test_archives_of_many_files_are_cut(
    demo: DemoServer, workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading_files, "MOST_FILES", 2)
    (outcome,) = run(workspace, plan_upload(workspace, [folder], RESOURCE))
    assert (outcome.state, held(demo)) == (State.DONE, digests(ODD))
    assert demo.requests.count("PUT", "/data/subjects") == 3


def test_stopping_is_heard(workspace: Workspace, folder: Path) -> None:
    plan = plan_upload(workspace, [folder], RESOURCE)
    control = Control()
    control.stop.set()
    with pytest.raises(Interrupted):
        run(workspace, plan, control)


def test_wrong_calls_are_refused_before_anything_is_sent(
    workspace: Workspace, folder: Path, incoming: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="is not there"):
        plan_upload(workspace, [tmp_path / "nothing"], RESOURCE)
    with pytest.raises(NotFound, match="NOPE"):
        plan_upload(workspace, [incoming], "lab:NOPE")
    for destination in ("lab:B*", "lab:BRAINS/a b", "lab:BRAINS/S/E/scans/1", "lab:BRAINS/resources/12"):
        with pytest.raises(UsageError):
            plan_upload(workspace, [folder], destination)
    with pytest.raises(UsageError):
        plan_upload(workspace, [incoming], "lab:BRAINS", to="nowhere")
    empty = plan_upload(workspace, [folder / "plain.txt"], "lab:BRAINS")
    assert [finding.severity for finding in empty.findings] == ["warning", "error", "info"]
    assert empty.blocked


def test_dicom_stays_in_the_prearchive_when_told_so(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    """BRAINS archives by itself; its setting must not win over the user's choice."""
    assert demo.site.projects["BRAINS"].settings["prearchive_code"] == "4"
    plan = plan_upload(workspace, [incoming], "lab:BRAINS")
    assert [(step.files, step.path) for step in plan.steps] == [
        (9, "studies/2024-05-01_MR_1"),
        (9, "studies/2024-05-02_MR_2"),
    ]
    assert [(finding.severity, finding.message[:40]) for finding in plan.findings] == [
        ("warning", "readme.txt is left out: no DICOM."),
        ("info", "The destination's anonymisation may rewr"),
    ]
    assert "Secret" not in repr(plan)
    outcomes = run(workspace, plan)
    assert [one.verified for one in outcomes] == [Evidence(size=9)] * 2  # by SOP instance UIDs
    found = [one for one in demo.site.prearchive if one.subject.startswith("NEW")]
    assert [(one.status, files_of(one)) for one in found] == [("READY", 9)] * 2


def files_of(one: PrearchiveSession) -> int:
    return sum(len(files) for scan in one.scans.values() for files in scan.resources.values())


def test_dicom_goes_to_the_archive_under_the_given_labels(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR", to="archive")
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.failures) == (State.DONE, ())
    assert outcome.verified == Evidence(size=9)
    session = workspace.find_one("lab:BRAINS/S-9/S-9_MR")
    assert session.item is not None
    assert session.item.type == "xnat:mrSessionData"
    assert not [one for one in demo.site.prearchive if one.subject == "S-9"]


def test_filters_choose_by_the_headers(workspace: Workspace, incoming: Path) -> None:
    for filters, files in (
        (Filters(subject=("NEW-2",)), [9]),
        (Filters(scan=("1",)), [3, 3]),
        (Filters(scan_type=("t2*",), exclude_subject=("NEW-1",)), [6]),
        (Filters(limit_subjects=1), [9]),
    ):
        plan = plan_upload(workspace, [incoming], "lab:BRAINS", filters=filters)
        assert [step.files for step in plan.steps] == files
    for filters, option in (
        (Filters(modality=("CT",)), "--modality CT"),
        (Filters(subject=("NOPE",)), "--subject NOPE"),
        (Filters(subject=("NEW-2",), scan=("99",)), "--scan 99"),
    ):
        with pytest.raises(NotFound, match=f"Nothing in .* matches {option}"):
            plan_upload(workspace, [incoming], "lab:BRAINS", filters=filters)
    with pytest.raises(UsageError, match="--resource means nothing to DICOM"):
        plan_upload(workspace, [incoming], "lab:BRAINS", filters=Filters(resource=("DICOM",)))


def test_several_studies_never_become_one_session(workspace: Workspace, incoming: Path) -> None:
    plan = plan_upload(workspace, [incoming], "lab:BRAINS/S-9/S-9_MR")
    assert [(step.action, step.reason) for step in plan.steps] == [
        (Action.CONFLICT, "several studies cannot all become S-9_MR")
    ] * 2


def test_an_archived_session_is_not_merged_into_unasked(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    first = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR", to="archive")
    run(workspace, first)
    workspace.reader("lab").forget(workspace.find_one("lab:"))
    (outcome,) = run(workspace, first)
    assert outcome.failures[0].error.startswith("S-9_MR exists in the archive.")
    assert outcome.failures[0].hint.startswith("It waits in the prearchive: lab:BRAINS/")

    def planned(**options: object) -> list[Action]:
        where = "lab:BRAINS/S-9/S-9_MR"
        plan = plan_upload(
            workspace, [incoming / "NEW-1"], where, to="archive", options=UploadOptions(**options)
        )
        return [step.action for step in plan.steps]

    assert planned() == [Action.CONFLICT]
    assert planned(skip_existing_sessions=True) == [Action.SKIP]
    assert planned(on_existing=OnExisting.UPDATE) == [Action.UPDATE]


@pytest.mark.parametrize("fault", [WriteThenDrop(), CutUpload(1000), ErrorPage(504)])
def test_dicom_whose_answer_is_lost_is_neither_lost_nor_doubled(
    demo: DemoServer, workspace: Workspace, incoming: Path, fault: object
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR")
    demo.faults.add("POST /data/services/import", fault, times=1)
    (outcome,) = run(workspace, plan)
    assert outcome.state is State.DONE
    (row,) = [one for one in demo.site.prearchive if one.name == "S-9_MR"]
    assert files_of(row) == 9


def counted(count: str) -> Answer:
    """What a prearchive session has, where its list is as old as this count; "" is an empty list."""
    row = f'{{"cat_id":"1","file_count":"{count}","file_size":"9"}}' if count else ""
    return Answer(f'{{"ResultSet":{{"Result":[{row}]}}}}', media_type="application/json")


def test_fewer_files_than_were_sent_are_a_failure_that_invites_no_second_copy(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR")
    demo.faults.add("GET /data/prearchive/.*/resources", counted("3"))
    demo.faults.add("GET .*format=zip", ErrorPage(500))
    (outcome,) = run(workspace, plan)
    assert [(one.error, one.hint) for one in outcome.failures] == [
        (
            "3 of 9 DICOM instances are there.",
            "Look at it in the prearchive first: sending it again could double it.",
        )
    ]


@pytest.mark.parametrize("count", ["", "3", "0"])
def test_uids_that_were_read_prove_more_than_an_empty_or_old_count(
    demo: DemoServer, workspace: Workspace, incoming: Path, count: str
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR")
    demo.faults.add("GET /data/prearchive/.*/resources", counted(count))
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified, outcome.failures) == (State.DONE, Evidence(size=9), ())


def test_an_empty_count_alone_proves_nothing(demo: DemoServer, workspace: Workspace, incoming: Path) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR")
    demo.faults.add("GET /data/prearchive/.*/resources", counted(""))
    demo.faults.add("GET .*format=zip", ErrorPage(500))
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(unverified=9))


TO_ARCHIVE = "lab:BRAINS/S-9/S-9_MR"


def test_an_instance_that_is_not_in_the_archive_afterwards_is_a_failure(
    demo: DemoServer, workspace: Workspace, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Prearchive.do

    def do(self: Prearchive, change: Change) -> str:
        note = archive(self, change)
        session = demo.site.experiment("S-9_MR", "BRAINS")
        assert isinstance(session, Experiment)
        files = max((scan.resources[0].files for scan in session.scans.values()), key=len)
        kept = next(iter(files.values()))
        for entry in files.values():  # the count stays, the content does not
            entry.data = kept.data
        return note

    monkeypatch.setattr(Prearchive, "do", do)
    plan = plan_upload(workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive")
    (outcome,) = run(workspace, plan)
    assert outcome.state is State.FAILED
    assert [one.error for one in outcome.failures] == ["4 of 9 DICOM instances are there."]


def test_instances_that_a_script_gave_other_uids_are_called_unverified(
    demo: DemoServer, workspace: Workspace, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten(data: Content, *_labels: str) -> Content:
        header = pydicom.dcmread(io.BytesIO(b"".join(data.chunks())))
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = f"{header.SOPInstanceUID}.9"
        file = io.BytesIO()
        header.save_as(file)
        return BytesContent(file.getvalue())

    monkeypatch.setattr("xnat_tui.demo.archiving.anonymized", rewritten)
    plan = plan_upload(workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive")
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(unverified=9))


@pytest.mark.parametrize("fault", [ErrorPage(500), Truncate(3000)])
def test_headers_that_cannot_be_read_back_leave_the_upload_unverified(
    demo: DemoServer, workspace: Workspace, incoming: Path, fault: ErrorPage | Truncate
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive")
    demo.faults.add("GET .*format=zip", fault)
    (outcome,) = run(workspace, plan)
    assert (outcome.state, outcome.verified) == (State.DONE, Evidence(unverified=9))


def test_without_verifying_nothing_is_read_back(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    options = UploadOptions(verify=False)
    plan = plan_upload(workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive", options=options)
    (outcome,) = run(workspace, plan)
    assert outcome.verified == Evidence(unverified=9)
    assert not [one for one in demo.requests if "format=zip" in one.query]


@pytest.mark.parametrize("wanted", [False, True])
def test_what_is_archived_starts_autorun_only_when_asked(
    demo: DemoServer, workspace: Workspace, incoming: Path, wanted: bool
) -> None:
    before = len([one for one in demo.site.workflows.values() if one.pipeline_name == AUTORUN])
    options = UploadOptions(autorun=wanted)
    plan = plan_upload(workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive", options=options)
    warned = any("AutoRun of BRAINS will start" in finding.message for finding in plan.findings)
    run(workspace, plan)
    after = len([one for one in demo.site.workflows.values() if one.pipeline_name == AUTORUN])
    assert (after > before, warned, "--autorun" in plan.command) == (wanted, wanted, wanted)


def test_the_equivalent_command_has_every_choice(workspace: Workspace, incoming: Path) -> None:
    options = UploadOptions(on_existing=OnExisting.UPDATE, event_reason="it's new", verify=False)
    filters = Filters(scan=("1",))
    plan = plan_upload(
        workspace, [incoming / "NEW-1"], TO_ARCHIVE, to="archive", options=options, filters=filters
    )
    assert plan.command == (
        f"xnat-tui upload {incoming / 'NEW-1'} {TO_ARCHIVE} --on-existing update --no-verify "
        "--event-reason 'it'\"'\"'s new' --scan 1 --to archive"
    )


def test_the_plan_says_whose_studies_they_are_and_no_label_that_a_server_would_not_give(
    workspace: Workspace, incoming: Path
) -> None:
    for file in (incoming / "NEW-2").rglob("*.dcm"):
        header = pydicom.dcmread(file)
        header.PatientID = "NEW 2.x"
        header.save_as(file)
    rules = "from the headers, by the server's rules"
    open_ = plan_upload(workspace, [incoming], "lab:BRAINS")
    assert [(step.path, step.reason) for step in open_.steps] == [
        ("studies/2024-05-01_MR_1", f"Patient ID NEW-1; labels {rules}"),
        ("studies/2024-05-02_MR_2", f"Patient ID NEW 2.x; labels {rules}: NEW 2.x would become NEW_2_x"),
    ]
    for where, path, reason in (
        ("S-9", "studies/2024-05-01_MR_1", f"Patient ID NEW-1 → subject S-9; session label {rules}"),
        ("S-9/S-9_MR", "experiments/S-9_MR", "Patient ID NEW-1 → subject S-9"),
    ):
        (step,) = plan_upload(workspace, [incoming / "NEW-1"], f"lab:BRAINS/{where}").steps
        assert (step.path, step.reason) == (path, reason)


def test_labels_that_the_archive_takes_otherwise_are_told_before(
    workspace: Workspace, incoming: Path
) -> None:
    plan = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/sub-001/sub-001_NEW", to="archive")
    assert "puts this into the existing SUB-001." in repr(plan.findings)
    (outcome,) = run(workspace, plan)
    assert [one.location for one in outcome.arrived] == ["lab:BRAINS/SUB-001/sub-001_NEW"]
    where = "lab:BRAINS/SUB-002/sub-001_NEW"
    plan = plan_upload(workspace, [incoming / "NEW-1"], where, to="archive", options=UPDATE)
    assert plan.blocked
    assert "sub-001_NEW exists in the archive, under subject SUB-001." in repr(plan.findings)


def test_where_an_upload_went_is_told_as_the_server_has_it(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    def went(plan: Plan) -> list[str]:
        return [one.words for outcome in run(workspace, plan) for one in outcome.arrived]

    (told,) = went(plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS"))
    (row,) = [one for one in demo.site.prearchive if one.subject == "NEW-1"]
    place = f"lab:BRAINS/{row.timestamp}/{row.folder_name}"
    assert told == f"{place} in the prearchive, for subject NEW-1 and session {row.name}"
    archived = plan_upload(workspace, [incoming / "NEW-1"], "lab:BRAINS/S-9/S-9_MR", to="archive")
    assert went(archived) == ["lab:BRAINS/S-9/S-9_MR in the archive, for subject S-9 and session S-9_MR"]
    (told,) = went(archived)  # the session exists now: this one waits
    assert "in the prearchive, for subject S-9 and session S-9_MR" in told


def test_dicom_without_a_project_waits_for_an_administrator(workspace: Workspace, incoming: Path) -> None:
    (kept,) = run(workspace, plan_upload(workspace, [incoming / "NEW-1"], "lab:"))
    assert kept.state is State.DONE
    assert [one.location.startswith("lab:Unassigned/") for one in kept.arrived] == [True]
    (failed,) = run(workspace, plan_upload(workspace, [incoming / "NEW-1"], "lab:", to="archive"))
    assert "without a project" in failed.failures[0].error


def test_a_viewer_that_is_missing_is_said_in_the_plan(
    demo: DemoServer, workspace: Workspace, incoming: Path
) -> None:
    where, ohif = "lab:BRAINS/S-9/S-9_MR", UploadOptions(ohif=True)
    plan = plan_upload(workspace, [incoming / "NEW-1"], where, to="archive", options=ohif)
    assert plan.blocked
    demo.site.settings.plugins["ohifViewerPlugin"] = {}
    plan = plan_upload(workspace, [incoming / "NEW-1"], where, to="archive", options=ohif)
    (outcome,) = run(workspace, plan)
    assert (outcome.state, len(demo.site.viewer_metadata)) == (State.DONE, 1)
