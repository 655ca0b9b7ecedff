"""The prearchive against the demo's: only what was chosen, watched to its end, told as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from xnat_tui.demo.faults import Answer, ErrorPage, WriteThenDrop
from xnat_tui.demo.server import DemoServer
from xnat_tui.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    Interrupted,
    NotFound,
    ServerError,
    Unclear,
    UsageError,
)
from xnat_tui.model.changes import apply
from xnat_tui.model.clock import Clock
from xnat_tui.model.prearchive import Difference, Labels, Received, Selection
from xnat_tui.services import tables
from xnat_tui.services.administration.prearchive import work as prearchive_work
from xnat_tui.services.administration.prearchive.sessions import (
    TABLE_KEY,
    TABLE_OPTIONAL,
    TABLE_REQUIRED,
    Prearchive,
    locate,
)
from xnat_tui.services.workspace import Workspace

Pick = Callable[..., list[Received]]
READY = "lab:BRAINS/SUB-013/SUB-013_MR1"
OTHER = "lab:BRAINS/SUB-014/SUB-014_MR1"
COLLIDING = "lab:BRAINS/SUB-002/SUB-002_MR1"
BROKEN = "lab:BRAINS/*/20240228_1102"


def names(found: list[Received]) -> list[str]:
    return [one.name for one in found]


def test_the_list_of_all_shows_what_the_user_may_edit(prearchive: Prearchive) -> None:
    found = prearchive.sessions(Selection())
    assert {one.project for one in found} == {"BRAINS", "LEGACY"}
    assert len(found) == 18


@pytest.mark.parametrize("cell", ["", "null"])
def test_what_has_no_project_is_unassigned_however_the_server_says_so(
    demo: DemoServer, open_workspace: Callable[[str], Workspace], cell: str
) -> None:
    demo.site.settings.unassigned_cell = cell
    demo.site.prearchive[0].project = ""
    admin = open_workspace("admin")
    prearchive = Prearchive(admin.connection("lab"), "lab")
    expected = {one.folder_name for one in demo.site.prearchive if not one.project}
    for location in ("lab:", "lab:Unassigned", "lab:BRAINS"):
        selection = Selection(locate(admin, location)[1])
        found = {one.folder for one in prearchive.sessions(selection) if not one.project}
        assert found == (set() if location == "lab:BRAINS" else expected)
    assert expected


def test_a_projects_list_never_holds_another_projects_sessions(
    open_workspace: Callable[[str], Workspace], pick: Pick
) -> None:
    admin = Prearchive(open_workspace("admin").connection("lab"), "lab")
    selection = Selection(locate(open_workspace("admin"), "lab:LEGACY")[1])
    assert {one.project for one in admin.sessions(selection)} == {"LEGACY"}
    unassigned = admin.sessions(Selection(locate(open_workspace("admin"), "lab:Unassigned")[1]))
    assert [(one.project, one.location("lab")) for one in unassigned] == [
        ("", "lab:Unassigned/20240408_143800142/20240228_1102")
    ]


def test_sessions_are_selected_by_status_age_and_glob(prearchive: Prearchive, pick: Pick) -> None:
    assert names(prearchive.sessions(Selection(status=("conflict", "error")))) == [
        "SUB-002_MR1",
        "20240228_1102",
    ]
    noon = Clock(moment=datetime(2024, 4, 9, 12, 0).astimezone())
    old = Selection(older_than=timedelta(days=1))
    new = Selection(newer_than=timedelta(days=1))
    everything = names(prearchive.sessions(Selection(), clock=noon))
    assert names(prearchive.sessions(old, clock=noon)) == everything[:10]
    assert names(prearchive.sessions(new, clock=noon)) == everything[10:]
    assert names(pick("lab:BRAINS/SUB-01[34]")) == ["SUB-013_MR1", "SUB-014_MR1"]
    assert names(pick("lab:BRAINS/20240408_0915*")) == ["SUB-013_MR1"]


def test_a_pasted_address_selects_its_session(workspace: Workspace, demo: DemoServer) -> None:
    (one,) = [row for row in demo.site.prearchive if row.name == "SUB-013_MR1"]
    server, steps = locate(workspace, f"{demo.url}/data{one.url}")
    assert server == "lab"
    assert names(Prearchive(workspace.connection("lab"), server).sessions(Selection(steps))) == [
        "SUB-013_MR1"
    ]
    assert locate(workspace, f"{demo.url}/data/prearchive") == ("lab", ())
    with pytest.raises(UsageError):
        locate(workspace, "lab:BRAINS/SUB-013/SUB-013_MR1/scans/1")


def test_a_representation_names_no_patient(pick: Pick) -> None:
    (one,) = pick(READY)
    assert "SUB-013" not in repr(one)


def test_details_tell_scans_log_and_what_differs_from_the_archived_session(
    prearchive: Prearchive, pick: Pick
) -> None:
    (one,) = pick(COLLIDING)
    found = prearchive.details(one)
    assert [(scan.id, scan.series_description, scan.files, scan.bytes) for scan in found.scans] == [
        ("1", "AAHead_Scout", 3, 42324),
        ("2", "t1_mprage_sag_p2_iso", 10, 141460),
        ("3", "t2_tse_tra", 6, 84684),
    ]
    assert found.log[-1].startswith("CONFLICT: Session SUB-002_MR1 already exists")
    assert [(problem.type, problem.code) for problem in found.problems] == [
        ("warning", "11"),
        ("conflict", "18"),
    ]
    assert Difference("scans/3", "files", "6", "8") in found.differences
    assert Difference("scans/4", "exists", "no", "yes") in found.differences
    assert not [one for one in found.differences if one.path in ("scans/1", "scans/2")]
    assert found.archived == "CENTRAL_E00003"
    assert found.unreadable == {}


def test_details_of_a_session_that_is_not_built_say_what_can_be_read(
    prearchive: Prearchive, pick: Pick
) -> None:
    (one,) = pick(BROKEN)
    found = prearchive.details(one)
    assert [(scan.id, scan.uid, scan.files) for scan in found.scans] == [("1", "", 1)]
    assert found.problems[0].message == "Unable to identify subject and session label."
    assert found.unreadable == {}


def test_a_part_that_cannot_be_read_does_not_hide_the_rest(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    (one,) = pick(READY)
    demo.faults.add(r"/logs\b", ErrorPage(500, "disk gone"))
    found = prearchive.details(one)
    assert len(found.scans) == 3
    assert "disk gone" in found.unreadable["log"].message


def test_archiving_verifies_the_session_and_touches_nothing_else(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    before = {one.name: one.status for one in demo.site.prearchive}
    (change,) = prearchive.plan_archive(pick(READY))
    assert (change.refusal, change.note) == ("", "Creates subject SUB-013.")
    note = prearchive.do(change)
    assert note.startswith("archived as BRAINS/SUB-013/SUB-013_MR1 (CENTRAL_E")
    assert {one.name for one in demo.site.prearchive} == set(before) - {"SUB-013_MR1"}
    (sent,) = [one for one in demo.requests if one.path == "/data/services/archive"]
    assert "auto-archive=false" in sent.query
    assert "overwrite" not in sent.query


def test_labels_come_from_a_template_over_the_header(prearchive: Prearchive, pick: Pick) -> None:
    labels = Labels.parse("{PatientID}/{PatientID}_{StudyDate}T{StudyTime}_{Modality}")
    changes = prearchive.plan_archive(pick(READY, OTHER), labels)
    assert [change.after["name"] for change in changes] == [
        "SUB-013_20240405T101500_MR",
        "SUB-014_20240405T101500_MR",
    ]
    assert [result.error for result in apply(changes, prearchive.do)] == [None, None]


def test_derived_labels_are_cleaned_visibly_and_given_ones_refused(
    prearchive: Prearchive, pick: Pick
) -> None:
    (derived,) = prearchive.plan_archive(pick(READY), Labels.parse("/{PatientName}"))
    assert derived.after["name"] == "SUB013_Incoming"
    assert "'SUB013^Incoming' from the header becomes SUB013_Incoming." in derived.note
    (given,) = prearchive.plan_archive(pick(READY), Labels.parse("A b/C.1"))
    assert given.refusal == "The subject label 'A b' holds ' '; XNAT would store A_b."
    (missing,) = prearchive.plan_archive(pick(READY), Labels.parse("/{StudyComments}"))
    assert missing.refusal == "The DICOM header has no StudyComments."


def test_two_sessions_never_become_one_unasked(prearchive: Prearchive, pick: Pick) -> None:
    changes = prearchive.plan_archive(pick(READY, OTHER), Labels.parse("/{Modality}"))
    assert [change.refusal for change in changes] == ["Several of these sessions would be called MR."] * 2
    with pytest.raises(UsageError, match="cannot all be called"):
        prearchive.plan_archive(pick(READY, OTHER), Labels.parse("S/E"))


@pytest.mark.parametrize("text", ["S", "S/E/X", "/", "{/x", "{}/x", "a}/x"])
def test_labels_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Labels.parse(text)


def test_what_is_worked_on_or_belongs_nowhere_is_refused(
    open_workspace: Callable[[str], Workspace], prearchive: Prearchive, pick: Pick
) -> None:
    for planned in (
        prearchive.plan_archive(pick("lab:BRAINS/SUB-018")),
        prearchive.plan_delete(pick("lab:BRAINS/SUB-018")),
        prearchive.plan_move(pick("lab:BRAINS/SUB-018"), "LEGACY"),
        prearchive.plan_rebuild(pick("lab:BRAINS/SUB-018")),
    ):
        assert "_ARCHIVING" in planned[0].refusal
        assert not planned[0].destroys
    admin = Prearchive(open_workspace("admin").connection("lab"), "lab")
    nowhere = admin.sessions(Selection(locate(open_workspace("admin"), "lab:Unassigned")[1]))
    assert admin.plan_archive(nowhere)[0].refusal == "It belongs to no project: move it to one first."
    (broken,) = prearchive.plan_archive(pick(BROKEN))
    assert broken.refusal == "It has no subject label: give one with --as SUBJECT/SESSION."


def test_an_archived_session_is_merged_into_only_when_asked(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    (refused,) = prearchive.plan_archive(pick(COLLIDING))
    assert refused.refusal.startswith("SUB-002_MR1 exists in the archive.")
    (change,) = prearchive.plan_archive(pick(COLLIDING), overwrite="append")
    assert not change.destroys
    assert change.note.startswith("Merges into the archived SUB-002_MR1.")
    assert "check, conflict: Session processing in progress: xnat_tools/AutoRun.xml" in change.note
    prearchive.do(change)
    assert demo.requests.count("POST", "/data/services/archive") == 1


def test_a_session_under_another_subject_is_not_merged(prearchive: Prearchive, pick: Pick) -> None:
    (change,) = prearchive.plan_archive(pick(READY), Labels("SUB-013", "SUB-002_MR1"), "append")
    assert change.refusal == "SUB-002_MR1 exists in the archive, under subject SUB-002."


def test_a_subject_that_matches_but_for_case_is_said(prearchive: Prearchive, pick: Pick) -> None:
    (change,) = prearchive.plan_archive(pick(READY), Labels("sub-001", "NEW_MR"))
    assert change.note == "XNAT puts it into the existing subject SUB-001."
    assert "archived as BRAINS/SUB-001/NEW_MR" in prearchive.do(change)


def test_a_subject_that_matches_several_but_for_case_is_refused(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    demo.site.add_subject(demo.site.projects["BRAINS"], "Sub-001")
    (change,) = prearchive.plan_archive(pick(READY), Labels("sub-001", "NEW_MR"))
    assert change.refusal == "sub-001 could be SUB-001 or Sub-001: XNAT ignores case. Give one of them."


def test_a_session_archived_since_the_plan_is_never_merged_into(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    """XNAT 1.8 merges a single session even where no overwriting was asked for."""
    (change,) = prearchive.plan_archive(pick(READY))
    subject = demo.site.add_subject(demo.site.projects["BRAINS"], "SUB-013")
    demo.site.add_experiment(subject, "SUB-013_MR1")
    with pytest.raises(Conflict, match="was not there when this was planned"):
        prearchive.do(change)
    assert demo.requests.count("POST", "/data/services/archive") == 0


def test_a_table_gives_each_session_labels_of_its_own(
    prearchive: Prearchive, pick: Pick, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        "\ufeffsession;timestamp;new_subject;new_label\n"
        "SUB-013_MR1;;0013;0013_MR\n"
        "SUB-014_MR1;20240408_093200124;;{PatientID}_{StudyDate}\n"
        "SUB-099_MR1;;;\n"
    )
    read = tables.read(table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=TABLE_KEY)
    changes = prearchive.plan_archive_table(pick("lab:BRAINS"), read)
    first, second, third = changes
    assert first.after == {"subject": "0013", "name": "0013_MR"}
    assert second.after == {"subject": "SUB-014", "name": "SUB-014_20240405"}
    assert (third.location, third.refusal) == (
        "lab:SUB-099_MR1",
        "line 4: there is no such session here.",
    )
    results = list(apply(changes, prearchive.do))
    assert [result.note.partition(" (")[0] for result in results] == [
        "archived as BRAINS/0013/0013_MR",
        "archived as BRAINS/SUB-014/SUB-014_20240405",
    ]


def test_a_table_never_picks_one_of_several_sessions(
    demo: DemoServer, prearchive: Prearchive, pick: Pick, row: Callable, tmp_path: Path
) -> None:
    row("SUB-014_MR1").name = "SUB-013_MR1"
    table = tmp_path / "labels.csv"
    table.write_text("session,new_label\nSUB-013_MR1,X\n")
    read = tables.read(table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=TABLE_KEY)
    (change,) = prearchive.plan_archive_table(pick("lab:BRAINS"), read)
    assert change.refusal == "line 2: 2 sessions are called so: give the timestamp, too."
    table.write_text("session,new_label\nSUB-013_MR1,a/b\n")
    read = tables.read(table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=TABLE_KEY)
    with pytest.raises(UsageError, match="line 2, column new_label"):
        prearchive.plan_archive_table(pick("lab:BRAINS"), read)


def test_a_server_that_merges_instead_of_replacing_is_told(prearchive: Prearchive, pick: Pick) -> None:
    (change,) = prearchive.plan_archive(pick(COLLIDING), overwrite="delete")
    assert change.destroys
    assert change.project == "BRAINS"
    with pytest.raises(BadAnswer, match="merged it: older data remain in scans 3, 4, 5, 6, 8, 99"):
        prearchive.do(change)


def test_a_time_out_of_the_server_is_no_failure(demo: DemoServer, prearchive: Prearchive, pick: Pick) -> None:
    demo.site.settings.archive_timeout_seconds = 0
    (change,) = prearchive.plan_archive(pick(READY))
    assert "archived as BRAINS/SUB-013/SUB-013_MR1" in prearchive.do(change)
    assert demo.requests.count("POST", "/data/services/archive") == 1


def test_a_lost_answer_is_looked_up_and_never_sent_again(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    (change,) = prearchive.plan_archive(pick(READY))
    fault = demo.faults.add("POST /data/services/archive", WriteThenDrop(), times=1)
    assert "archived as" in prearchive.do(change)
    assert (fault.fired, fault.seen) == (1, 1)


def test_a_proxy_time_out_before_anything_was_begun_stays_unclear(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    (change,) = prearchive.plan_archive(pick(READY))
    demo.faults.add("POST /data/services/archive", ErrorPage(504))
    with pytest.raises(Unclear):
        prearchive.do(change)


def test_a_200_that_did_nothing_is_no_success(demo: DemoServer, prearchive: Prearchive, pick: Pick) -> None:
    (change,) = prearchive.plan_archive(pick(READY))
    lie = "/data/archive/projects/BRAINS/subjects/SUB-013/experiments/SUB-013_MR1\r\n"
    demo.faults.add("POST /data/services/archive", Answer(lie, media_type="text/uri-list"))
    with pytest.raises(BadAnswer, match="still there"):
        prearchive.do(change)


def test_a_failure_brings_the_reason_of_the_log(demo: DemoServer, prearchive: Prearchive, pick: Pick) -> None:
    (change,) = prearchive.plan_archive(pick(BROKEN), Labels("SUB-050", "SUB-050_MR1"))
    with pytest.raises(ServerError, match="Session document could not be read"):
        prearchive.do(change)


def test_a_watch_goes_on_when_the_list_cannot_be_read_for_a_while(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    demo.site.settings.archive_timeout_seconds = 0
    (change,) = prearchive.plan_archive(pick(READY))
    demo.faults.add("GET /data/prearchive/projects", Answer("", 200), times=3, after=1)
    assert "archived as BRAINS/SUB-013/SUB-013_MR1" in prearchive.do(change)


def test_a_list_that_stays_unreadable_leaves_it_open_what_became_of_the_work(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    demo.site.settings.archive_timeout_seconds = 0
    (change,) = prearchive.plan_archive(pick(READY))
    demo.faults.add("GET /data/prearchive/projects", Answer("", 200), after=1)
    with pytest.raises(Unclear, match="the server may still be at it"):
        prearchive.do(change)


def test_a_watch_ends_when_it_takes_too_long(
    demo: DemoServer, prearchive: Prearchive, pick: Pick, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.site.settings.archive_timeout_seconds = 0
    monkeypatch.setattr(prearchive_work, "WATCH_SECONDS", 0.0)
    (change,) = prearchive.plan_archive(pick(READY))
    with pytest.raises(Unclear, match="still"):
        prearchive.do(change)


def test_a_watch_ends_when_it_is_stopped(demo: DemoServer, workspace: Workspace, pick: Pick) -> None:
    demo.site.settings.archive_timeout_seconds = 0
    stop = threading.Event()
    stop.set()
    stopped = Prearchive(workspace.connection("lab"), "lab", stop=stop)
    (change,) = stopped.plan_archive(pick(READY))
    with pytest.raises(Interrupted, match="the server goes on"):
        stopped.do(change)


def test_what_changed_since_the_plan_is_not_sent(
    demo: DemoServer, prearchive: Prearchive, pick: Pick, row: Callable
) -> None:
    first, second = prearchive.plan_delete(pick(READY, OTHER))
    row("SUB-013_MR1").status = "_ARCHIVING"
    demo.site.prearchive.remove(row("SUB-014_MR1"))
    with pytest.raises(Conflict, match="_ARCHIVING"):
        prearchive.do(first)
    with pytest.raises(NotFound):
        prearchive.do(second)
    assert demo.requests.count("DELETE", "/data/prearchive") == 0


def test_moving_reads_the_new_address_and_looks_for_it(
    demo: DemoServer, prearchive: Prearchive, pick: Pick, row: Callable
) -> None:
    (change,) = prearchive.plan_move(pick(READY), "LEGACY")
    assert prearchive.do(change) == "now lab:LEGACY/20240408_091500123/SUB-013_MR1"
    assert row("SUB-013_MR1").project == "LEGACY"
    (again,) = prearchive.plan_move(pick("lab:LEGACY/SUB-013"), "LEGACY")
    assert again.refusal == "It is in this project."
    (nowhere,) = prearchive.plan_move(pick(OTHER), "NOWHERE")
    assert nowhere.refusal == "demo sees no project NOWHERE."


def test_rebuilding_and_its_failure(prearchive: Prearchive, pick: Pick) -> None:
    (good,) = prearchive.plan_rebuild(pick(READY))
    assert prearchive.do(good) == "rebuilt"
    (bad,) = prearchive.plan_rebuild(pick(BROKEN))
    with pytest.raises(Conflict, match="no DICOM file could be read"):
        prearchive.do(bad)


def test_deleting_asks_for_its_project_and_removes_one_row(
    demo: DemoServer, prearchive: Prearchive, pick: Pick
) -> None:
    (change,) = prearchive.plan_delete(pick(READY))
    assert (change.destroys, change.project) == (True, "BRAINS")
    count = len(demo.site.prearchive)
    prearchive.do(change)
    assert len(demo.site.prearchive) == count - 1


@pytest.mark.parametrize(("status", "kind"), [(409, Conflict), (403, Forbidden), (500, ServerError)])
def test_a_failure_in_the_middle_leaves_the_others_done(
    demo: DemoServer, prearchive: Prearchive, pick: Pick, row: Callable, status: int, kind: type
) -> None:
    changes = prearchive.plan_delete(pick(READY, OTHER, COLLIDING))
    demo.faults.add("DELETE /data/prearchive/.*SUB-014", ErrorPage(status, "No."))
    results = list(apply(changes, prearchive.do))
    assert [type(result.error) for result in results] == [type(None), kind, type(None)]
    assert results[1].change.location.endswith("SUB-014_MR1")
    assert row("SUB-013_MR1") is None
    assert row("SUB-002_MR1") is None
    assert row("SUB-014_MR1") is not None


def test_a_collaborator_may_look_but_not_touch(
    demo: DemoServer, open_workspace: Callable[[str], Workspace], workspace: Workspace
) -> None:
    reader = Prearchive(open_workspace("reader").connection("lab"), "lab")
    assert reader.sessions(Selection()) == []
    chosen = reader.sessions(Selection(locate(workspace, READY)[1]))
    (change,) = reader.plan_delete(chosen)
    with pytest.raises(Forbidden):
        reader.do(change)


def test_a_project_that_may_not_be_read_is_no_empty_list(pick: Pick) -> None:
    with pytest.raises(Forbidden):
        pick("lab:VAULT")
