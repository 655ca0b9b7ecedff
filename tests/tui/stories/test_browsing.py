"""Going through an archive: opening, filtering, finding, going back."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.tui.driver import LARGE, SMALL, Size, story
from tests.tui.stories.conftest import World
from xnat_tui import config
from xnat_tui.demo.faults import ErrorPage, Hang
from xnat_tui.model.place import Place
from xnat_tui.services.last_places import last_places, last_places_file
from xnat_tui.tui.app import remember_places

SIZES = [pytest.param(SMALL, "80x24", id="80x24"), pytest.param(LARGE, "140x40", id="140x40")]


@pytest.mark.parametrize(("size", "name"), SIZES)
async def test_a_session_is_opened_down_to_its_files(world: World, size: Size, name: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await told.find("SUB-002")
        await told.press("l", "l", "l", "l", "l")
        await told.press("j", "j", "l", "l", "l", "l")
        told.shows(f"browse_{name}")


async def test_filtering_keeps_what_holds_a_match_and_esc_drops_it(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("slash")
        await told.type("00")
        told.has("filter: 00")
        await told.type("4")
        assert [row.pair.key for row in told.rows] == ["SUB-004"]
        await told.press("enter")
        told.shows("filtered_80x24")
        await told.press("escape")
        assert len(told.rows) > 5


async def test_an_inverse_filter_and_one_by_type(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("slash")
        await told.type("!sub")
        assert {row.pair.key for row in told.rows if row.pair.group is None} == {"0010"}
        await told.press("escape")
        await told.find("SUB-002")
        await told.press("l", "slash")
        await told.type("type:PET")
        assert "SUB-002_PT1" in {row.pair.key for row in told.rows}
        assert "SUB-002_MR1" not in {row.pair.key for row in told.rows}


async def test_going_to_a_browser_address_a_rest_path_an_id_and_a_label(world: World) -> None:
    async with story("lab:", "qc:") as told:
        for text in (
            f"{world.lab.url}/data/projects/BRAINS/subjects/SUB-002",
            "/data/projects/BRAINS/subjects/SUB-002",
            "lab:BRAINS/SUB-002",
            "BRAINS/SUB-002",
        ):
            await told.press("g")
            await told.type(text)
            await told.press("enter")
            assert str(told.source.root.location) == "lab:BRAINS", text
            assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-002", text
            await told.press("left_square_bracket")
            assert str(told.source.root.location) == "lab:", text
        session = next(row.pair for row in told.rows if row.pair.key == "BRAINS")
        await told.find("bra")
        assert told.main.panes.cursor is session


async def test_going_to_an_accession_id_puts_the_cursor_on_the_session(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l")
        found = next(pair for pair in told.rows.root.walk() if pair.key == "SUB-002_MR1")
        await told.press("g")
        await told.type(found.source.id)
        await told.press("enter")
        assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-002/SUB-002_MR1"


async def test_a_label_that_nobody_has_is_said_where_it_was_typed_to_be_mended(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("g")
        await told.type("BRAINS/SUB-0022")
        await told.press("enter")
        told.has("lab:BRAINS has no subject 'SUB-0022'.", "Did you mean SUB-002?")
        told.shows("not_found_80x24")
        await told.press("backspace")
        told.lacks("has no subject")
        await told.press("enter")
        assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-002"
        await told.press("left_square_bracket")
        told.has("There is nothing before this.")


async def test_a_label_of_the_project_that_is_not_loaded_is_found(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("g")
        await told.type("SUB-002_PT1")
        await told.press("enter")
        assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-002/SUB-002_PT1"
        await told.press("g")
        await told.type("SUB-099")
        await told.press("enter")
        told.has("lab has nothing that is called 'SUB-099'.", "Looked for in all projects, subjects")


async def test_a_whole_site_is_searched_and_what_is_found_is_a_list_to_choose_from(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("g")
        await told.type("007_M")
        await told.press("enter")
        told.has("session in LEGACY")
        told.shows("site_search_80x24")
        await told.press("enter")
        assert str(told.main.panes.here.location) == "lab:LEGACY/007/007_MR"
        await told.press("left_square_bracket")
        assert str(told.source.root.location) == "lab:BRAINS"


async def test_what_could_not_be_searched_is_said_and_nothing_is_not_claimed(world: World) -> None:
    world.lab.faults.add(r"GET /data/experiments(\?|$)", ErrorPage(403, "no"))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("g")
        await told.type("nowhere")
        await told.press("enter")
        told.has("! sessions could not be searched", "Nothing found in what could be searched.")


async def test_each_pane_keeps_its_own_filter_and_says_so(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("slash")
        assert "enter Keep" in told.lines[-1]
        await told.type("004")
        await told.press("tab", "slash")
        await told.type("003")
        await told.press("enter")
        told.has("filter: 003")
        await told.press("tab")
        told.has("filter: 004")
        await told.press("slash")
        assert told.main.query_one("#filter", Input).value == "004"
        await told.press("escape", "tab")
        assert [row.pair.key for row in told.rows][:2] == ["0010", "SUB-001"]
        assert [row.pair.key for row in told.destination.rows] == ["SUB-003"]


async def test_what_the_footer_names_can_be_clicked(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.pilot.click("#keys", offset=(1, 0))
        await told.settle()
        assert [pair.key for pair in told.rows.marks] == ["0010"]
        await told.press("slash")
        await told.type("SUB-00")
        await told.pilot.click("#keys", offset=(1, 0))
        await told.settle()
        told.has("filter: SUB-00", "space Mark")


async def test_back_and_forward_bring_the_cursor_and_what_was_open_back(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l", "j")
        held = told.main.panes.cursor
        await told.press("g")
        await told.type("lab:LEGACY")
        await told.press("enter")
        assert told.source.root.location.name == "LEGACY"
        await told.press("left_square_bracket")
        assert told.main.panes.cursor is held
        await told.press("right_square_bracket")
        assert told.source.root.location.name == "LEGACY"


async def test_swapping_panes_keeps_what_was_open(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l", "u")
        assert str(told.source.root.location) == "qc:BRAINS"
        assert str(told.destination.root.location) == "lab:BRAINS"
        assert "SUB-002_MR1" in {row.pair.key for row in told.destination.rows}
        await told.press("tab")
        assert told.main.panes.cursor.key == "SUB-002"


async def test_opening_the_cursors_place_in_the_other_pane(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("O")
        assert str(told.destination.root.location) == "lab:BRAINS/SUB-002"


async def test_choosing_a_server_and_a_project_by_keyboard(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("tab", "o")
        told.has("Open in the destination (right) pane")
        await told.type("qc")
        await told.press("enter")
        await told.type("LEGACY")
        await told.press("enter")
        assert str(told.destination.root.location) == "qc:LEGACY"


async def test_a_slow_server_is_asked_for_its_projects_in_the_panel_that_shows_them(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        told.app.context.workspace.reader("lab").forget(Place("lab"))
        world.lab.faults.add("GET /data/projects", Hang(), times=1)
        await told.press("o")
        await told.pilot.press("enter")
        await told.until_shown("asking for its projects")
        await told.pilot.press("L", "E", "G")
        world.lab.faults.stopping = True
        await told.settle()
        world.lab.faults.stopping = False
        told.has("LEGACY")
        await told.press("enter")
        assert str(told.source.root.location) == "lab:LEGACY"


async def test_bookmarks_are_saved_and_opened(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("b")
        told.has("No bookmark is saved yet")
        await told.find("SUB-002")
        await told.press("B", "enter")
        assert config.load().bookmarks == {"SUB-002": "lab:BRAINS/SUB-002"}
        await told.press("tab", "b", "enter")
        assert str(told.destination.root.location) == "lab:BRAINS/SUB-002"


async def test_reloading_keeps_opened_rows_and_shows_what_is_new(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l")
        site = world.lab.site
        site.add_subject(site.projects["BRAINS"], "SUB-999")
        await told.press("R")
        labels = [row.pair.key for row in told.rows]
        assert "SUB-999" in labels
        assert "SUB-002_MR1" in labels
        assert told.main.panes.cursor.key == "SUB-002"


async def test_collapsing_to_a_level_and_sorting(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l", "l", "l", "1")
        assert {str(row.pair.group or row.pair.kind) for row in told.rows} == {"subject", "resource"}
        await told.press("comma")
        await told.type("size")
        await told.press("enter")
        told.has("sort: size")


async def test_zoom_shows_one_pane_and_esc_gives_the_other_back(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("z")
        told.lacks("Destination: qc")
        await told.press("escape")
        told.has("Destination: qc")


async def test_a_tiny_terminal_shows_one_pane_and_tab_flips(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", (40, 10)) as told:
        told.shows("tiny_source_40x10")
        await told.press("tab")
        told.shows("tiny_destination_40x10")
        await told.press("x")
        told.shows("tiny_actions_40x10")
        await told.press("escape", "question_mark")
        told.shows("tiny_help_40x10")


@pytest.mark.parametrize(("size", "name"), SIZES)
async def test_details_tell_every_field_as_xnat_names_it(world: World, size: Size, name: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await told.find("SUB-002")
        await told.press("l", "j", "i")
        told.has("acquisition_site")
        told.shows(f"details_session_{name}")


async def test_details_can_be_filtered(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("i", "slash")
        await told.type("gender")
        told.has("gender")
        told.lacks("handedness")


async def test_a_marked_subject_shows_no_mark_once_a_session_of_it_is_unmarked(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l", "space")
        await told.find("SUB-002_MR1")
        assert "✓" in told.line_with("▾ SUB-002 ")[:5]
        await told.press("space")
        told.has("2 marked")
        assert "✓" not in told.line_with("▾ SUB-002 ")[:5]
        assert "✓" in told.line_with("▸ SUB-002_PT1")[:5]


@pytest.mark.parametrize("key", ["backspace", "left"])
async def test_every_place_has_a_way_up_to_the_server(world: World, key: str) -> None:
    async with story("lab:BRAINS/SUB-002", "qc:BRAINS") as told:
        await told.press(key)
        assert str(told.source.root.location) == "lab:BRAINS"
        assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-002"
        await told.press(key)
        assert str(told.source.root.location) == "lab:"
        assert str(told.main.panes.here.location) == "lab:BRAINS"
        await told.press(key)
        told.has("This is the whole server")


async def test_what_was_shown_last_is_opened_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("tab", "backspace")
        remember_places(told.app.context)
    assert last_places_file().stat().st_mode & 0o777 == 0o600
    assert last_places(config.load()) == ("lab:BRAINS", "qc:")
    config.remove_server("qc")
    assert last_places(config.load()) == ("lab:BRAINS", None)
    last_places_file().write_text('["lab:BRAINS"', encoding="utf-8")
    assert last_places(config.load()) == (None, None)
