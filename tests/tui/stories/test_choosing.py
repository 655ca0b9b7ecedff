"""What a panel is about: nothing chosen is never everything, and marks mean the same to all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.driver import Story, story
from tests.tui.stories.conftest import World
from xnat_tui.model.pairing import Pair
from xnat_tui.tui.explorer.screen import MainScreen
from xnat_tui.tui.panels.panel import Panel


def pair_of(told: Story, fits: Callable[[Pair], bool]) -> Pair:
    """The first pair of the source pane that fits."""
    rows = told.source.rows
    assert rows is not None
    return next(row.pair for row in rows if row.message is None and fits(row.pair))


async def put_cursor(told: Story, pair: Pair) -> None:
    tree, rows = told.source.pair_tree, told.source.rows
    assert tree is not None
    assert rows is not None
    tree.goto([row.pair for row in rows].index(pair))
    await told.settle()


@pytest.mark.parametrize("key", ["K", "E", "s", "c", "e"])
async def test_an_empty_heading_is_nothing_and_not_the_project(world: World, key: str) -> None:
    async with story("lab:BRAINS/SUB-002", "qc:BRAINS/SUB-002") as told:
        await told.press("full_stop", "right", "right")
        for children, words in (
            ([], "othing stands below this heading"),
            (None, "hat stands below this heading is not read yet: open it"),
        ):
            headings = [row.pair for row in told.rows if row.message is None and row.pair.group is not None]
            await put_cursor(told, next(pair for pair in headings if pair.children == children))
            await told.press(key)
            assert isinstance(told.app.screen, MainScreen)
            told.has(words)


@pytest.mark.parametrize("key", ["K", "E", "F", "w", "M"])
async def test_what_is_not_on_this_side_is_nothing_and_not_the_project(world: World, key: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await put_cursor(told, pair_of(told, lambda pair: pair.source is None))
        await told.press(key)
        assert isinstance(told.app.screen, MainScreen)
        told.has("no item of this side is under the cursor")


@pytest.mark.parametrize("key", ["F", "w"])
async def test_a_panel_about_one_item_takes_the_marked_one_and_refuses_two(world: World, key: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("space")
        await told.find("SUB-004")
        await told.press(key)
        assert isinstance(told.app.screen, Panel)
        assert any("· " in line and "SUB-001" in line for line in told.lines), told.screen
        await told.press("escape")
        await told.find("SUB-002")
        await told.press("space", key)
        assert isinstance(told.app.screen, MainScreen)
        told.has("it is about one item, and 2 are marked")


async def test_in_an_empty_place_the_place_itself_is_meant(world: World) -> None:
    async with story("lab:EMPTY", "qc:BRAINS") as told:
        await told.press("F")
        assert isinstance(told.app.screen, Panel)
        told.has("lab:EMPTY")
