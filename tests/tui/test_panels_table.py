"""The table panel at 80x24: rows looked for, gone to, marked in the trees and written."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import Story, story
from xnat_tui.demo.faults import ErrorPage, Hang
from xnat_tui.tui.panels.table.columns import ColumnsPanel
from xnat_tui.tui.panels.table.panel import TablePanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def table_of(told: Story, kind: str, *, wider: bool = True) -> TablePanel:
    """The table of a kind in the whole project, whatever is under the cursor."""
    await told.press("T", *(["backspace"] if wider else []), "o")
    await told.type(kind)
    await told.press("enter")
    return told.panel(TablePanel)


async def narrow(told: Story, line: str) -> None:
    await told.press("slash")
    await told.type(line)
    await told.press("enter")


def texts(panel: TablePanel, name: str) -> list[object]:
    assert panel.shown is not None
    return [panel.shown.cell_of(name)(place) for place in panel.shown.entries]


async def test_scans_of_a_project_sorted_filtered_and_gone_to_in_the_tree(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        panel = await table_of(told, "scans")
        told.has("Table of scans · lab:BRAINS", "scans · as seen by demo", "enter Go there")
        await told.press("end", "home", *["right"] * 5, "s", "s")
        told.has("by files downwards")
        counts = texts(panel, "files")
        assert counts == sorted(counts, key=lambda count: -int(str(count)))
        await narrow(told, "type:t1 !session:0010")
        told.shows("table_80x24")
        assert {str(one)[:2] for one in texts(panel, "type")} == {"T1"}
        assert "0010_MR" not in texts(panel, "session")
        await told.press("down")
        place = panel.grid.current
        assert place is not None
        before = servers.lab.requests.count("GET")
        await told.press("enter")
        assert servers.lab.requests.count("GET") == before, (
            "the tree need not ask for what the table has read"
        )
        assert told.source.root is not None
        assert str(told.source.root.location) == "lab:BRAINS"
        assert told.main.panes.here is not None
        assert told.main.panes.here.location == place.location


async def test_marked_rows_are_marked_in_the_tree_and_copied_from_there(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        panel = await table_of(told, "sessions")
        await narrow(told, "PET")
        assert panel.shown is not None
        wanted = [place.location for place in panel.shown.entries]
        await told.press("a")
        told.has(f"{len(wanted)} marked")
        await told.press("m")
        assert [place.location for place in told.main.panes.chosen()] == wanted
        told.has(f"{len(wanted)} marked")
        assert told.main.panes.here is not None
        assert told.main.panes.here.location == wanted[0]
        await told.press("T")
        told.has("Table of sessions")
        assert [place.location for place in told.panel(TablePanel).shown_places()] == wanted


async def test_marks_stay_through_filters_and_go_along_to_a_row(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await table_of(told, "scans")
        await narrow(told, "subject:SUB-001 LOCALIZER")
        await told.press("space", "slash", "ctrl+u")
        await told.type("subject:SUB-002 LOCALIZER")
        await told.press("enter", "space", "enter")
        marked = [str(place.location) for place in told.main.panes.chosen()]
        assert [one.split("/")[1] for one in marked] == ["SUB-001", "SUB-002"]
        assert all("/scans/" in one for one in marked)


async def test_escape_undoes_one_thing_after_the_other(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        panel = await table_of(told, "scans")
        await narrow(told, "T1")
        await told.press("space", "escape")
        assert len(panel.shown or ()) == len(panel.all or ())
        assert len(panel.marks) == 1
        await told.press("escape")
        assert not panel.marks
        await told.press("escape")
        assert not told.main.panes.marks
        assert told.main.is_active


async def test_reading_is_stopped_and_begun_again(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        hang = servers.lab.faults.add("GET .*experiments", Hang(), times=1)
        await told.pilot.press("T")
        await told.until_hit(hang)
        told.has("Reading sessions", "esc stops it")
        await told.pilot.press("escape")
        servers.lab.faults.stopping = True
        await told.settle()
        servers.lab.faults.stopping = False
        told.has("Stopped. r reads again.", "Nothing was read.")
        await told.press("r")
        told.has("1 session · as seen by demo")
        told.lacks("Stopped.")


async def test_what_is_not_answered_is_told_and_never_blank(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        panel = await table_of(told, "scans")
        assert panel.all is not None
        await told.press("c")
        columns = told.panel(ColumnsPanel)
        await told.press("slash")
        await told.type("startTime")
        await told.press("enter", "space", "enter")
        assert "startTime" in panel.columns
        assert columns is not told.app.screen
        await told.press(*["right"] * len(panel.columns))
        told.has("startTime: ! not answered by the server")
        await told.press("f")
        await told.type("!")
        await told.press("enter")
        assert None in texts(panel, "startTime")
        assert set(texts(panel, "startTime")) == {None}


async def test_a_project_that_cannot_be_read_stands_above_the_keys(servers):
    servers.lab.faults.add("/data/projects/LEGACY/subjects", ErrorPage(403, "Not your project"))
    async with story("lab:", "qc:BRAINS") as told:
        await told.find("LEGACY")
        await told.press("T")
        told.has("! lab:LEGACY:", "0 sessions · as seen by demo", "No row is shown.")


async def test_what_is_shown_is_written_and_nothing_that_is_there_is_lost(servers, tmp_path):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await table_of(told, "scans")
        await narrow(told, "type:t1")
        shown = texts(told.panel(TablePanel), "session")
        for name in ("t1.csv", "t1.xlsx", "t1.parquet"):
            await told.press("w", "ctrl+u")
            await told.type(str(tmp_path / name))
            await told.press("enter")
            told.has(f"Wrote {len(shown)} rows to", "as seen by demo")
            assert (tmp_path / name).stat().st_mode & 0o077 == 0
        with (tmp_path / "t1.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["session"] for row in rows] == shown
        assert {"path", "kind", "project"} <= rows[0].keys()
        assert load_workbook(tmp_path / "t1.xlsx")["rows"].max_row == len(shown) + 1
        await told.press("w", "ctrl+u")
        await told.type(str(tmp_path / "t1.csv"))
        await told.press("enter")
        told.has("exists already.")
        await told.press("ctrl+u")
        await told.type(str(tmp_path / "t1.txt"))
        await told.press("enter")
        told.has("says no format.")


async def test_kinds_that_cannot_stand_there_are_greyed_with_the_reason(servers):
    async with story("lab:BRAINS/SUB-001", "qc:BRAINS") as told:
        await told.find("SUB-001_MR1")
        await told.press("T")
        told.has("Table of scans · lab:BRAINS/SUB-001/SUB-001_MR1")
        await told.press("o")
        await told.type("subjects")
        await told.press("enter")
        told.has("No subjects stand at or below lab:BRAINS/SUB-001/SUB-001_MR1.")
        await told.press("escape", *["backspace"] * 4)
        told.has("This is the whole server.", "Table of scans · lab:")


async def test_labels_of_a_server_are_data(servers):
    site = servers.lab.site
    site.add_subject(site.projects["EMPTY"], "PLAIN").label = "[red]\x1b]0;owned\x07"
    async with story("lab:EMPTY", "qc:") as told:
        panel = await table_of(told, "subjects", wider=False)
        assert "[red]␛]0;owned␇" in told.screen
        assert len(panel.shown or ()) == 1


async def test_where_the_panes_show_something_else_a_row_is_opened_and_marks_are_counted(servers):
    async with story("lab:BRAINS/SUB-001", "qc:BRAINS") as told:
        await told.press("T", "backspace", "backspace")
        panel = told.panel(TablePanel)
        await narrow(told, "subject:SUB-002")
        place = panel.grid.current
        assert place is not None
        await told.press("space", "home", "enter")
        assert told.source.root is not None
        assert told.source.root.location == place.location
        told.has("1 marked row not in this tree")
