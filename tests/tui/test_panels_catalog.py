"""The catalog panel, through the screen at 80×24, and what the server holds afterwards."""

from collections.abc import Iterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import OptionList

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import Story, story
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.tui.explorer.screen import MainScreen
from xnat_tui.tui.panels.catalog import CatalogPanel
from xnat_tui.tui.panels.changes import ChangesPanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


@asynccontextmanager
async def panel(location: str, *keys: str):
    """What the keys lead to in a location, and the panel on it."""
    async with story(location, "qc:BRAINS") as told:
        await told.press(*keys, "K")
        assert isinstance(told.app.screen, CatalogPanel)
        yield told


async def choose(told: Story, task: str) -> None:
    """Put the cursor of the upper list on a task."""
    work = told.app.screen.query_one("#work", OptionList)
    work.highlighted = work.get_option_index(task)
    await told.settle()


def dicom(servers: DemoPair):
    """The catalog of the demo that lacks a file, and has one too many and one wrong."""
    site = servers.lab.site
    (session,) = (one for one in site.experiments.values() if one.label == "-a--b_C-_MR")
    (resource,) = (one for one in session.scans["2"].resources if one.label == "DICOM")
    return resource


async def test_options_are_explained_and_delete_is_off(servers):
    async with panel("lab:BRAINS/SUB-001") as told:
        assert told.line_with("[x] append         add files on disk that are missing from the catalog")
        assert told.line_with("[x] checksum       compute missing digests")
        assert told.line_with("[ ] delete         drop entries whose file is gone  !")
        assert told.line_with("[x] populateStats  count files and bytes anew")


async def test_resources_show_entries_bytes_and_digests(servers):
    async with panel("lab:BRAINS/SUB-001") as told:
        row = told.line_with("SUB-001_MR1 / 1 / DICOM")
        assert row.split()[-6:] == ["3", "42k", "3", "of", "3", "││"]


async def test_a_refresh_without_delete_adds_and_keeps(servers):
    resource = dicom(servers)
    assert resource.stray
    gone = [path for path, entry in resource.files.items() if entry.missing_on_disk]
    async with panel("lab:LEGACY/-a--b_C-") as told:
        await told.press("enter")
        assert "nothing written yet" in told.screen
        assert "options: append,checksum,populateStats" in told.screen
        await told.press("enter")
        assert "1 done" in told.screen
    assert not resource.stray
    assert set(gone) <= set(resource.files)


async def test_a_refresh_with_delete_wants_the_projects_id_typed(servers):
    resource = dicom(servers)
    gone = [path for path, entry in resource.files.items() if entry.missing_on_disk]
    async with panel("lab:LEGACY/-a--b_C-") as told:
        await told.press("up", "up", "space")
        assert told.line_with("[x] delete")
        await told.press("enter", "enter")
        assert told.line_with("Type LEGACY to go on:")
        assert set(gone) <= set(resource.files)
        await told.type("LEGACY")
        await told.press("enter")
        assert "1 done" in told.screen
    assert gone
    assert not set(gone) & set(resource.files)


async def test_without_any_option_nothing_is_planned(servers):
    async with panel("lab:BRAINS/SUB-001") as told:
        await told.press("home", "space", "down", "space", "down", "down", "space", "enter")
        assert "[x]" not in told.screen
        assert "Tick an option first: without any, XNAT would do them all" in told.screen
        assert isinstance(told.app.screen, CatalogPanel)


async def test_a_projects_sessions_are_done_one_after_the_other_and_one_may_fail(servers):
    full = ErrorPage(500, "no space left")
    async with story("lab:", "qc:BRAINS") as told:
        await told.press("g")
        await told.type("BRAINS")
        await told.press("enter")
        assert told.main.panes.cursor is not None
        assert told.main.panes.cursor.key == "BRAINS"
        await told.press("K", "enter")
        assert isinstance(told.app.screen, ChangesPanel)
        count = told.app.screen.query_one("#rows", OptionList).option_count
        servers.lab.faults.add("POST /data/services/refresh/catalog", full, times=1, after=1)
        await told.press("enter")
        assert f"{count - 1} done, 1 failed" in told.screen
        assert "no space left" in told.screen


async def test_o_widens_it_to_the_whole_project(servers):
    async with panel("lab:BRAINS") as told:
        assert told.line_with("Catalog maintenance · lab:BRAINS/0010")
        await told.press("o")
        assert told.line_with("Catalog maintenance · lab:BRAINS ─")
        assert told.line_with("BRAINS / protocol")
        await choose(told, "recount")
        await told.press("enter")
        assert told.line_with("21 to do.")
        await told.press("escape", "o")
        assert told.line_with("Catalog maintenance · lab:BRAINS/0010")


async def test_recounting_is_a_refresh_of_the_figures_alone(servers):
    async with panel("lab:BRAINS/SUB-001") as told:
        await choose(told, "recount")
        await told.press("enter")
        assert "options: populateStats" in told.screen
        assert told.line_with("$ xnat-tui catalog recount lab:BRAINS/SUB-001/SUB-001_MR1")


async def test_what_was_counted_anew_stands_in_the_tree(servers):
    resource = dicom(servers)
    resource.file_count = 500
    async with story("lab:LEGACY/-a--b_C-/-a--b_C-_MR/scans/2", "qc:BRAINS") as told:
        assert "500" in told.screen
        await told.press("K")
        await choose(told, "recount")
        await told.press("enter", "enter", "escape", "escape")
        assert told.app.screen is told.main
        assert "500" not in told.screen


async def test_only_marked_resources_are_refreshed(servers):
    async with panel("lab:BRAINS/SUB-002") as told:
        await told.press("tab", "space", "enter", "enter")
        assert "1 done" in told.screen
    asked = [one.query for one in servers.lab.requests if one.path == "/data/services/refresh/catalog"]
    assert len(asked) == 1
    assert "resources" in asked[0]


async def test_scan_types_are_fixed(servers):
    async with panel("lab:BRAINS/SUB-012") as told:
        await choose(told, "fix-scan-types")
        await told.press("enter")
        assert "nothing written yet" in told.screen
        await told.press("enter")
        assert "fields changed" in told.screen


async def test_what_is_forbidden_is_greyed_with_the_reason(servers):
    servers.sign_in_as("reader")
    async with panel("lab:BRAINS/SUB-001") as told:
        assert told.screen.count("not now:") == 6
        await told.press("enter")
        assert "may not write there." in told.screen
        assert isinstance(told.app.screen, CatalogPanel)


async def test_a_missing_plugin_and_an_administrators_task_are_greyed(servers):
    async with panel("lab:BRAINS/SUB-001") as told:
        await choose(told, "ohif")
        await told.press("enter")
        assert "has no OHIF viewer plugin" in told.screen
        await choose(told, "clear-caches")
        await told.press("enter")
        assert told.line_with("! Clear caches: only a site administrator may.")


async def test_viewer_data_are_rebuilt_where_the_plugin_is(servers):
    site = servers.lab.site
    site.settings.plugins["ohifViewerPlugin"] = {}
    async with panel("lab:BRAINS/SUB-001") as told:
        await choose(told, "ohif")
        await told.press("enter")
        assert told.line_with("$ xnat-tui ohif rebuild lab:BRAINS/SUB-001/SUB-001_MR1")
        await told.press("enter")
        assert "1 done" in told.screen
    assert {site.experiments[one].label for one in site.viewer_metadata} == {"SUB-001_MR1"}


async def test_an_administrator_clears_the_caches(servers):
    servers.lab.site.users["demo"].admin = True
    async with panel("lab:BRAINS/SUB-001") as told:
        await choose(told, "clear-caches")
        await told.press("enter", "enter")
        assert "1 done" in told.screen
    assert servers.lab.requests.count("GET", "/monitoring") == 1


async def test_a_read_only_server_greys_the_panel(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("K")
        assert isinstance(told.app.screen, MainScreen)
        assert "marked read-only here" in told.screen


async def test_r_counts_anew(servers):
    async with panel("lab:BRAINS/SUB-002") as told:
        before = servers.lab.requests.count("GET")
        await told.press("tab", "r")
        assert servers.lab.requests.count("GET") > before
