"""Uploads: DICOM to the import service, files into a resource; believed only when read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.arrivals.uploads import run
from xnat_tui.demo.faults import Action as Fault
from xnat_tui.demo.faults import Answer, CutUpload, ErrorPage, WriteThenDrop
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import Interrupted, NotFound, UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import OnExisting, UploadMode, UploadOptions
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import Evidence, State
from xnat_tui.services.transfers.uploading import files as uploading_files
from xnat_tui.services.transfers.uploading.planning import plan_upload
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
    demo: DemoServer, workspace: Workspace, folder: Path, fault: Fault
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
