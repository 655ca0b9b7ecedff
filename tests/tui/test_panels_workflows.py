"""The workflows panel, through the screen at 80×24, and what the server holds afterwards."""

from collections.abc import Iterator
from contextlib import asynccontextmanager

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.workflows import WorkflowsPanel

DISMISSED = "Failed (Dismissed)"


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


@asynccontextmanager
async def panel(*keys: str):
    """The workflows of what the keys lead to."""
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press(*keys, "w")
        assert isinstance(told.app.screen, WorkflowsPanel)
        yield told


def autoruns(servers: DemoPair) -> dict[str, str]:
    """Statuses of the AutoRuns of BRAINS, by the session's label."""
    site = servers.lab.site
    return {
        site.experiments[one.item_id].label: one.status
        for one in site.workflows.values()
        if "AutoRun" in one.pipeline_name and one.item_id in site.experiments and one.external_id == "BRAINS"
    }


async def test_a_subjects_sessions_are_listed_with_status_and_start(servers):
    async with panel("j", "j") as told:
        assert told.line_with("Workflows · SUB-002 · AutoRun: 1, 1 open")
        assert told.line_with("> Queued             AutoRun        SUB-002_MR1")
        assert told.line_with("Open: it blocks renaming, and merging into, SUB-002_MR1.")


async def test_o_shows_the_project_and_a_every_pipeline(servers):
    async with panel("j", "j") as told:
        await told.press("o")
        assert told.line_with("> Queued             AutoRun        SUB-012_MR1")
        assert "dcm2niix" not in told.screen
        await told.press("a")
        assert "dcm2niix" in told.screen
        await told.press("a", "o")
        assert told.line_with("Workflows · SUB-002 · AutoRun")


async def test_the_one_under_the_cursor_is_dismissed(servers):
    async with panel("j", "j") as told:
        await told.press("d")
        assert told.line_with("status: Queued → Failed (Dismissed)")
        assert told.line_with("$ xnat-tui autorun dismiss lab:BRAINS/SUB-002 --id")
        assert autoruns(servers)["SUB-002_MR1"] == "Queued"
        await told.press("enter", "enter")
        assert autoruns(servers)["SUB-002_MR1"] == DISMISSED
        assert told.line_with("AutoRun: 1, 0 open")


async def test_somebody_elses_is_refused_with_the_reason(servers):
    async with panel("j", "j") as told:
        await told.press("o", "D")
        assert "1 to do, 1 refused" in told.screen
        await told.press("j")
        assert "! refused: Only its creator member or a site administrator may" in told.screen
        await told.press("enter")
        assert "1 done, 1 refused" in told.screen
        assert autoruns(servers)["SUB-002_MR1"] == DISMISSED
        assert autoruns(servers)["SUB-012_MR1"] == "Queued"


async def test_other_pipelines_are_never_dismissed_with_all_autoruns(servers):
    site = servers.lab.site
    running = [one for one in site.workflows.values() if one.open and "AutoRun" not in one.pipeline_name]
    async with panel("j", "j") as told:
        await told.press("o", "a", "D", "enter")
        assert isinstance(told.app.screen, ChangesPanel)
    assert running
    assert all(one.open for one in running)


async def test_what_is_over_cannot_be_dismissed(servers):
    async with panel("j", "j") as told:
        await told.press("d", "enter", "enter", "d")
        assert told.line_with("! Only workflows that are open (>) can be dismissed.")
        await told.press("D")
        assert told.line_with("No AutoRun is open here.")


async def test_a_project_that_may_not_be_searched_says_so(servers):
    servers.lab.faults.add("POST /data/search", ErrorPage(403, "Forbidden"))
    async with panel("j", "j") as told:
        await told.press("o")
        assert "r tries again" in told.screen
        servers.lab.faults.clear()
        await told.press("r")
        assert told.line_with("> Queued             AutoRun        SUB-012_MR1")


async def test_a_read_only_server_may_be_looked_at_only(servers):
    servers.protect()
    async with panel("j", "j") as told:
        await told.press("d")
        assert told.line_with("! lab is marked read-only here.")
        await told.press("D")
        assert isinstance(told.app.screen, WorkflowsPanel)
    assert autoruns(servers)["SUB-002_MR1"] == "Queued"
