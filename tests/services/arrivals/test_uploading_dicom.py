"""DICOM that is uploaded: where it goes, under which labels, and what proves that it arrived."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID

from tests.services.arrivals.uploads import files_of, run
from xnat_tui.demo.archive import Experiment
from xnat_tui.demo.content import BytesContent, Content
from xnat_tui.demo.faults import Action as Fault
from xnat_tui.demo.faults import Answer, CutUpload, ErrorPage, Truncate, WriteThenDrop
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.workflows import AUTORUN
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.changes import Change
from xnat_tui.model.filters import Filters
from xnat_tui.model.options import OnExisting, UploadOptions
from xnat_tui.model.plan import Action, Plan
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.administration.prearchive.sessions import Prearchive
from xnat_tui.services.transfers.uploading.planning import plan_upload
from xnat_tui.services.workspace import Workspace

UPDATE = UploadOptions(on_existing=OnExisting.UPDATE)
TO_ARCHIVE = "lab:BRAINS/S-9/S-9_MR"


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

    def planned(**options: Any) -> list[Action]:
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
    demo: DemoServer, workspace: Workspace, incoming: Path, fault: Fault
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
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = UID(
            f"{header.SOPInstanceUID}.9"
        )
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
