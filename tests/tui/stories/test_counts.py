"""What a key press costs: requests, lines drawn, bytes to the terminal."""

from __future__ import annotations

import pytest

from tests.tui.driver import Story, story
from tests.tui.stories.conftest import World

OPENED = [
    pytest.param("lab:", "BRAINS", 1, id="project"),
    pytest.param("lab:BRAINS", "SUB-002", 1, id="subject"),
    pytest.param("lab:BRAINS/SUB-002", "SUB-002_MR1", 2, id="session"),
    pytest.param("lab:BRAINS/SUB-002/SUB-002_MR1", "scans", 0, id="scans"),
    pytest.param("lab:BRAINS/SUB-002/SUB-002_MR1", "assessors", 0, id="assessors"),
    pytest.param("lab:BRAINS/SUB-002/SUB-002_MR1/scans/3", "DICOM", 1, id="files"),
]


async def go_to_row(told: Story, key: str) -> None:
    tree = told.source.pair_tree
    tree.goto(next(index for index, row in enumerate(told.rows) if row.pair.key == key))
    await told.settle()


@pytest.mark.parametrize(("root", "key", "most"), OPENED)
async def test_opening_a_node_asks_this_often_whatever_it_holds(
    world: World, root: str, key: str, most: int
) -> None:
    async with story(root, None) as told:
        await go_to_row(told, key)
        before = len(world.lab.requests)
        await told.press("l")
        assert told.main.panes.cursor is not None
        assert told.source.rows.row_of(told.main.panes.cursor).visible
        assert len(world.lab.requests) - before <= most


async def test_signing_in_and_showing_the_projects_takes_six_requests(world: World) -> None:
    async with story("lab:", None) as told:
        told.has("BRAINS")
        assert len(world.lab.requests) <= 6


async def test_a_cursor_move_draws_two_lines(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        tree = told.source.pair_tree
        before = tree.lines_rendered
        await told.press("j")
        assert tree.lines_rendered - before <= 2
        assert told.destination.pair_tree.lines_rendered


async def test_marking_draws_the_marked_row_and_the_cursors(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        tree = told.source.pair_tree
        before = tree.lines_rendered
        await told.press("space")
        assert tree.lines_rendered - before <= 3


async def test_nothing_ticks_while_nothing_runs(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("S", "escape", "t", "escape", "i", "escape")
        timers = (*told.main._timers, *told.app._timers)
        ticking = [timer for timer in timers if timer._repeat is None and not _stopped(timer)]
        assert [timer for timer in ticking if timer.name != "screen_update"] == []


async def test_looking_for_what_others_write_draws_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.tui.transfers.queue._RESTING_SECONDS", 0.02)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        looks, drawn = [], []
        told.main.queue.watchers.append(lambda: looks.append(1))
        await told.settle()
        before = told.source.pair_tree.lines_rendered
        monkeypatch.setattr("textual.widgets.Static.update", lambda *told, **how: drawn.append(told))
        seen = len(looks)
        await told.until(lambda: len(looks) > seen + 3)
        assert drawn == []
        assert told.source.pair_tree.lines_rendered == before


def _stopped(timer: object) -> bool:
    task = getattr(timer, "_task", None)
    return task is None or task.done()
