"""Finding on a whole site, at 80x24: as one list, with the project of each, gone to and marked from there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import Story, story
from xnat_tui.demo.faults import ErrorPage, Hang
from xnat_tui.tui.panels.find import FindPanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def find(told: Story, text: str) -> FindPanel:
    await told.press("ctrl+f")
    await told.type(text)
    await told.press("enter")
    return told.panel(FindPanel)


async def test_what_every_project_has_is_one_list_in_three_questions(servers):
    async with story("lab:", "qc:BRAINS") as told:
        before = servers.lab.requests.count("GET")
        panel = await find(told, "sub-00")
        assert servers.lab.requests.count("GET") - before <= 3
        told.shows("find_80x24")
        assert len({row.id for row in panel.rows}) == len(panel.rows), "shared items stand there once"
        told.has(f"{len(panel.rows)} found · as seen by demo", "shared into TEACHING")


async def test_a_row_is_gone_to_in_its_project_and_marks_go_along(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        panel = await find(told, "SUB-00")
        wanted = [str(row.address) for row in panel.rows[1:3]]
        await told.press("down", "space", "space", "enter")
        assert [str(place.location) for place in told.main.panes.chosen()] == wanted
        assert told.main.panes.here is not None
        assert str(told.main.panes.here.location) == str(panel.rows[3].address)


async def test_from_another_project_the_row_s_own_is_opened(servers):
    async with story("lab:TEACHING", "qc:BRAINS") as told:
        await find(told, "SUB-007")
        await told.press("enter")
        assert told.source.root is not None
        assert str(told.source.root.location) == "lab:BRAINS"
        assert told.main.panes.here is not None
        assert str(told.main.panes.here.location) == "lab:BRAINS/SUB-007"


async def test_nothing_found_says_where_was_looked_and_by_whom(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await find(told, "nobody")
        told.has("lab has nothing that is called 'nobody'.", "as seen by demo")
        servers.lab.faults.add("GET /data/subjects", ErrorPage(403))
        await told.press("n", "ctrl+u")
        await told.type("nobodyelse")
        await told.press("enter")
        told.has("! subjects could not be searched:", "Nothing found in what could be searched.")
        told.lacks("has nothing that is called")


async def test_asking_is_stopped_and_asked_again(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        hang = servers.lab.faults.add("GET /data/subjects", Hang(), times=1)
        await told.press("ctrl+f")
        told.burst("SUB-001", "enter")
        await told.until_hit(hang)
        await told.pilot.press("escape")
        servers.lab.faults.stopping = True
        await told.settle()
        servers.lab.faults.stopping = False
        told.has("Stopped. r asks again.")
        await told.press("r")
        told.has("as seen by demo")
        told.lacks("Stopped.")
