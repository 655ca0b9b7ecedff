"""Keys that come faster than the screen: they reach what they were meant for, in order, or nothing."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from tests.tui.driver import SMALL, Story, story
from tests.tui.stories.conftest import World
from xnat_tui import config
from xnat_tui.demo.faults import Hang
from xnat_tui.tui.app import Explorer
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.demographics import DemographicsPanel
from xnat_tui.tui.panels.go import GoPanel
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.panels.rename import RenamePanel
from xnat_tui.tui.panels.servers import ServersPanel

NEW_SERVER = ("ctrl+o", "ctrl+n", "mine", "tab", "http://127.0.0.1:9", "tab", "me", "tab", "secret")


def typed(told: Story) -> list[str]:
    return [line.value for line in told.app.screen.query(Input)]


@pytest.fixture(params=["at once", "late"])
def late(request, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event | None:
    """Panels that are composed only when this is set, however long ago they were asked for."""
    if request.param == "at once":
        return None
    gate, compose = asyncio.Event(), Panel._compose

    async def composed(self: Panel) -> None:
        await gate.wait()
        await compose(self)

    monkeypatch.setattr(Panel, "_compose", composed)
    return gate


async def burst(told: Story, late: asyncio.Event | None, *keys: str) -> None:
    told.burst(*keys)
    if late is not None:
        for _ in range(50):  # all keys have come by then
            await asyncio.sleep(0)
        late.set()
    await told.settle()


async def test_a_server_s_form_is_typed_in_one_burst(world: World, late) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await burst(told, late, *NEW_SERVER)
        assert typed(told)[:4] == ["mine", "http://127.0.0.1:9", "me", "secret"]
        told.lacks("secret")


async def test_questions_and_forms_take_what_was_typed_after_their_key(world: World, late) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await burst(told, late, "g", "SUB-002", "enter", "M", "SUB-022")
        assert isinstance(told.app.screen, RenamePanel)
        assert typed(told) == ["SUB-022"]
        await burst(told, late, "escape", "E", "down", "1961-04-09")
        assert isinstance(told.app.screen, DemographicsPanel)
        assert "1961-04-09" in typed(told)


async def test_a_question_over_a_panel_is_reached_in_one_burst(world: World, late) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await burst(told, late, "ctrl+o", "down", "ctrl+d")
        assert isinstance(told.app.screen, Confirm)
        told.has("Forget qc")


async def test_the_filter_takes_what_was_typed_after_its_key(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await burst(told, None, "/", "SUB-00", "enter", "tab", "/", "SUB-003", "enter")
        assert told.source.rows.narrowing.line == "SUB-00"
        assert told.destination.rows.narrowing.line == "SUB-003"


async def test_what_was_typed_for_a_panel_that_went_by_itself_reaches_no_other_screen(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("z")
        told.burst("g", "lab:BRAINS/SUB-002", "enter")
        await told.settle()
        assert not isinstance(told.app.screen, GoPanel)
        keys = told.app.keys_in_order
        with keys.by_itself():
            told.burst("q")
            keys.turned()
        await told.settle()
        assert told.app.return_value is None
        assert told.app.is_running


async def test_a_refused_password_is_typed_again_where_the_cursor_is(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("ctrl+o")
        told.panel(ServersPanel).query_one("#password", Input).focus()
        await told.type("wrong")
        await told.press("ctrl+t")
        told.has("! refused")
        assert told.app.focused is told.panel(ServersPanel).query_one("#password")
        assert typed(told)[3] == ""


async def test_a_server_that_does_not_answer_keeps_what_was_typed(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await burst(told, None, *NEW_SERVER)
        await told.press("ctrl+t")
        told.has("unreachable")
        assert typed(told)[:4] == ["mine", "http://127.0.0.1:9", "me", "secret"]
        told.lacks("secret")


async def test_a_dangerous_question_begins_at_cancel_and_arrows_move(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("ctrl+o", "ctrl+d")
        assert told.app.focused.id == "no"
        line = told.line_with("Cancel")
        assert line.index("Cancel") < line.index("Forget lab")
        stops = []
        for key in ("right", "left", "tab", "tab"):
            await told.press(key)
            stops.append(told.app.focused.id)
        assert stops == ["yes", "no", "yes", "no"]
        await told.press("enter")
        assert isinstance(told.app.screen, ServersPanel)
        assert "lab" in told.app.context.workspace.settings.servers


async def test_compare_begins_when_the_panes_have_opened(world: World) -> None:
    app = Explorer("lab:BRAINS", "qc:BRAINS", config.load(), driver=False)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        told = Story(app, pilot)
        told.burst("=")
        await told.settle()
        assert told.main.comparison.on
        await told.compared()
        told.has("linked", "SUB-002")


async def test_compare_is_given_up_before_what_still_opens(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("tab", "backspace")
        hang = world.qc.faults.add("GET /data/projects", Hang(), times=1)
        await told.pilot.press("R")
        await told.until_hit(hang)
        await told.pilot.press("=")
        told.has("Compare: begins when both panes have opened")
        await told.pilot.press("escape")
        told.has("Compare was given up.")
        world.qc.faults.stopping = True
        await told.settle()
        assert not told.main.comparison.on
