"""The prearchive panel, through the screen at 80×24, and what the server holds afterwards."""

import re
from collections.abc import Iterator
from contextlib import asynccontextmanager

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import Story, story
from xnat_tui.demo.faults import ErrorPage, WriteThenDrop
from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.services.administration.prearchive import work as prearchive_work
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.prearchive import panel as prearchive
from xnat_tui.tui.panels.prearchive.panel import PrearchivePanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    monkeypatch.setattr(prearchive_work, "POLL_SECONDS", 0.01)
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


@asynccontextmanager
async def panel(location="lab:BRAINS"):
    async with story(location, "qc:BRAINS") as told:
        await told.press("p")
        assert isinstance(told.app.screen, PrearchivePanel)
        yield told


def waiting(servers: DemoPair, name: str) -> list[PrearchiveSession]:
    return [row for row in servers.lab.site.prearchive if row.name == name]


async def only(told: Story, text: str) -> None:
    """Narrow the list down."""
    await told.press("slash")
    await told.type(text)
    await told.press("enter")


async def test_it_lists_the_sessions_of_the_cursors_project_with_their_figures(servers):
    async with panel() as told:
        assert told.line_with("Prearchive · lab BRAINS · 11 sessions seen by demo")
        ready = told.line_with("READY     SUB-013").split()
        assert ready[1:7] == ["READY", "SUB-013", "SUB-013_MR1", "3", "268k", "04-08"]
        assert "! CONFLICT  SUB-002" in told.screen
        assert "> BUILDING  SUB-017" in told.screen
        assert "LEGACY" not in told.screen


async def test_o_widens_the_list_to_all_projects(servers):
    async with panel() as told:
        await told.press("o")
        assert told.line_with("18 sessions seen by demo")
        assert told.line_with("READY     LEGACY    008")
        await told.press("o")
        assert "LEGACY" not in told.screen


async def test_sessions_are_sorted(servers):
    async with panel() as told:
        await told.press("end", "comma")
        await told.type("size")
        await told.press("enter")
        sizes = re.findall(r"(\S+) 04-08 ", told.screen)
        assert sizes == ["268k", "268k", "127k", "127k", "126k", "42k", "42k", "42k", "42k", "42k", "400"]
        await told.press("comma")
        await told.type("status")
        await told.press("enter")
        statuses = [line.split()[2] for line in told.screen.splitlines() if "04-08" in line][:3]
        assert statuses == ["_ARC…VING", "BUILDING", "CONFLICT"]


async def test_the_filter_knows_words_and_ages(servers):
    async with panel() as told:
        await only(told, "ready !014")
        assert told.line_with("READY     SUB-013")
        assert "SUB-014" not in told.screen
        await told.press("escape", "slash")
        await told.type("<1h")
        assert "The filter leaves nothing." in told.screen


async def test_details_say_what_differs_from_the_archived_session(servers):
    async with panel() as told:
        await only(told, "conflict")
        await told.press("enter")
        assert told.line_with("* scans/3 series_description: t2_tse_tra here")
        assert told.line_with("* scans/3 files: 6 here, 8 in the archive")
        assert told.line_with("conflict: Session processing in progress: xnat_tools/AutoRun.xml")
        await told.press("escape")
        assert "Archived already; differs in scans/3" in told.screen


async def test_the_header_masks_patient_fields_until_asked(servers):
    async with panel() as told:
        await told.press("enter", "h", "slash")
        await told.type("PatientName")
        assert "•••" in told.line_with("(0010,0010)")
        await told.press("enter", "H")
        assert "SUB013^Incoming" in told.line_with("(0010,0010)")
        await told.press("escape", "f")
        assert told.screen.count("IM0001.dcm") == 3


async def test_one_session_is_archived_under_the_labels_that_were_typed(servers):
    async with panel() as told:
        await told.press("a", "end")
        await told.type("-A")
        await told.press("tab", "end")
        await told.type("x")
        await told.press("enter")
        assert "nothing written yet" in told.screen
        assert "--as SUB-013-A/SUB-013_MR1x" in " ".join(told.screen.split())
        assert servers.lab.site.experiment("SUB-013_MR1x", "BRAINS") is None
        await told.press("enter")
        assert "done: archived as BRAINS/SUB-013-A/SUB-013_MR1x" in told.screen
        stored = servers.lab.site.experiment("SUB-013_MR1x", "BRAINS")
        assert stored is not None
        assert stored.subject.label == "SUB-013-A"
        await told.press("enter")
        assert told.line_with("Prearchive · lab BRAINS · 10 sessions")
        assert "SUB-013" not in told.screen
        await told.press("escape")
        assert told.app.screen is told.main
        assert told.line_with("SUB-013-A")


async def test_many_sessions_get_labels_from_a_table(servers, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("session,new_subject,new_label\nSUB-013_MR1,0013,0013_MR\nSUB-014_MR1,,0014_MR\n")
    async with panel() as told:
        await told.press("asterisk", "a")
        told.has("XNAT changes these labels only as it archives a session.")
        await told.press("ctrl+t")
        await told.type(str(table))
        await told.press("enter")
        told.has("2 to do. Nothing is deleted.", "SUB-013 → 0013, SUB-013_MR1 → 0013_MR")
        await told.press("enter")
        assert "2 done" in told.screen
    stored = servers.lab.site.experiment("0013_MR", "BRAINS")
    assert stored is not None
    assert stored.subject.label == "0013"
    assert servers.lab.site.experiment("0014_MR", "BRAINS") is not None


async def test_marked_sessions_get_labels_from_a_template(servers):
    async with panel() as told:
        await told.press("space", "space", "a", "tab")
        await told.type("{PatientID}_{StudyDate}")
        await told.press("enter", "enter")
        assert "2 done" in told.screen
        labels = {one.label for one in servers.lab.site.experiments.values()}
        assert {"SUB-013_20240405", "SUB-014_20240405"} <= labels
        assert len(servers.lab.site.prearchive) == 18


async def test_a_label_that_xnat_would_change_is_refused_before_anything_is_sent(servers):
    async with panel() as told:
        await told.press("a", "tab", "end")
        await told.type(".1")
        await told.press("enter")
        assert "0 to do, 1 refused" in told.screen
        assert "SUB-013_MR1_1" in told.screen
        await told.press("enter")
        assert isinstance(told.app.screen, ChangesPanel)
        assert servers.lab.requests.count("POST", "/data/services/archive") == 0


async def test_replacing_asks_for_the_projects_id(servers):
    async with panel() as told:
        await only(told, "conflict")
        await told.press("a", "ctrl+y", "ctrl+y")
        assert told.line_with("If the archive has it: delete")
        await told.press("enter", "enter")
        assert told.line_with("Type BRAINS to go on:")
        await told.type("brains")
        await told.press("enter")
        assert told.line_with("That is not BRAINS.")
        assert servers.lab.requests.count("POST", "/data/services/archive") == 0
        await told.press("escape", "enter")
        await told.type("BRAINS")
        await told.press("enter")
        assert servers.lab.requests.count("POST", "/data/services/archive") == 1


async def test_one_failure_in_the_middle_leaves_the_others_done_and_can_be_tried_again(servers):
    fault = servers.lab.faults.add(
        "POST /data/services/archive.*SUB-014", ErrorPage(500, "disk is full"), times=1
    )
    async with panel() as told:
        await told.press("space", "space")
        await told.press("a", "enter", "enter")
        assert fault.fired == 1
        assert "1 done, 1 failed" in told.screen
        assert "disk is full" in told.screen
        assert not waiting(servers, "SUB-013_MR1")
        assert waiting(servers, "SUB-014_MR1")
        await told.press("r", "enter")
        assert "2 done" in told.screen
        assert not waiting(servers, "SUB-014_MR1")


async def test_a_lost_answer_is_no_failure_when_the_session_has_left(servers):
    servers.lab.faults.add("POST /data/services/archive", WriteThenDrop(), times=1)
    async with panel() as told:
        await told.press("a", "enter", "enter")
        assert "1 done" in told.screen
        assert servers.lab.site.experiment("SUB-013_MR1", "BRAINS") is not None


async def test_a_session_is_moved_to_another_project(servers):
    async with panel() as told:
        await told.press("m")
        await told.type("LEGACY")
        await told.press("enter", "enter")
        assert "1 done" in told.screen
        (moved,) = waiting(servers, "SUB-013_MR1")
        assert moved.project == "LEGACY"


async def test_a_move_that_the_server_refuses_says_why(servers):
    async with panel() as told:
        await told.press("m")
        await told.type("PHANTOMS")
        await told.press("enter", "enter")
        assert "0 done, 1 failed" in told.screen
        assert "Invalid permissions for new project." in told.screen
        assert waiting(servers, "SUB-013_MR1")[0].project == "BRAINS"


async def test_deleting_touches_what_was_marked_and_nothing_else(servers):
    before = len(servers.lab.site.prearchive)
    async with panel() as told:
        await told.press("space", "d", "enter")
        await told.type("BRAINS")
        await told.press("enter")
        assert "1 done" in told.screen
    assert not waiting(servers, "SUB-013_MR1")
    assert len(servers.lab.site.prearchive) == before - 1


async def test_a_session_is_rebuilt(servers):
    async with panel() as told:
        await told.press("b", "enter")
        assert "done: rebuilt" in told.screen


async def test_what_the_server_works_on_is_left_alone(servers):
    async with panel() as told:
        await only(told, "building sub-017")
        for key in ("a", "m", "b", "d"):
            await told.press(key)
            assert "Only READY, CONFLICT and ERROR sessions may be worked on." in told.screen


async def test_work_goes_on_when_its_panel_is_left(servers):
    async with panel() as told:
        await told.press("space", "space", "a", "enter")
        servers.lab.faults.latency = 0.05
        await told.pilot.press("enter", "escape")
        assert isinstance(told.app.screen, PrearchivePanel)
        await told.settle()
        assert not waiting(servers, "SUB-014_MR1")
        assert told.line_with("9 sessions seen by demo")
        assert [one.message for one in told.app._notifications] == ["archive 2 sessions: 2 done."]


async def test_rows_follow_what_the_server_does(servers, monkeypatch):
    monkeypatch.setattr(prearchive, "LOOK_AGAIN_SECONDS", 0.01)
    async with panel() as told:
        assert told.line_with("> BUILDING  SUB-017")
        waiting(servers, "SUB-017_MR1")[0].status = "READY"
        await told.until(lambda: "  READY     SUB-017" in told.screen)


async def test_x_stops_after_the_row_under_way_and_enter_goes_on(servers):
    async with panel() as told:
        await told.press("space", "space", "a", "enter")
        servers.lab.faults.latency = 0.1
        await told.pilot.press("enter", "x")
        await told.settle()
        assert "1 done, 1 not begun" in told.screen
        assert waiting(servers, "SUB-014_MR1")
        servers.lab.faults.latency = 0
        await told.press("enter")
        assert "2 done" in told.screen
        assert not waiting(servers, "SUB-014_MR1")


async def test_an_unticked_row_is_not_sent(servers):
    async with panel() as told:
        await told.press("space", "space", "a", "enter", "space", "enter")
        assert waiting(servers, "SUB-013_MR1")
        assert not waiting(servers, "SUB-014_MR1")


async def test_a_refused_list_says_why_and_r_tries_again(servers):
    servers.lab.faults.add("GET /data/prearchive", ErrorPage(403, "Forbidden"))
    async with panel() as told:
        assert "r tries again" in told.screen
        servers.lab.faults.clear()
        await told.press("r")
        assert told.line_with("READY     SUB-013")
        assert "r tries again" not in told.screen


async def test_a_read_only_server_may_be_looked_at_only(servers):
    servers.protect()
    async with panel() as told:
        for key in ("a", "m", "b", "d"):
            await told.press(key)
            assert "! lab is marked read-only here." in told.screen
    assert servers.lab.requests.count("POST", "/data") == 0


async def test_names_cannot_disturb_the_screen(servers):
    (row,) = waiting(servers, "SUB-013_MR1")
    row.name, row.subject = "a\x1b[2Jb\u202e[red]", "\x07[bold]"
    async with panel() as told:
        await told.press("space")
        assert "\x1b" not in told.screen
        assert "\u202e" not in told.screen
        assert "␇[bold]" in told.screen
        await told.press("enter", "escape", "a", "enter")
        assert "refused" in told.screen
