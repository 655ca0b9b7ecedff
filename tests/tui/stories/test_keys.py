"""Keys and what they say of themselves: help, menus, rebinding, leaving."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.driver import Story, story
from tests.tui.stories.conftest import World
from xnat_tui import config
from xnat_tui.tui.actions import ACTIONS
from xnat_tui.tui.explorer.opening import panel_class
from xnat_tui.tui.panels.panel import Panel


def rebind(**keys: str) -> None:
    text = "[keys]\n" + "".join(f'"{name.replace("_", ".", 1)}" = "{key}"\n' for name, key in keys.items())
    with config.config_file().open("a", encoding="utf-8") as file:
        file.write(text)


async def test_help_names_every_action_with_its_id(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("question_mark")
        told.shows("help_80x24")
        shown = str(told.app.screen.query_one("#keys").render())
        for action in ACTIONS:
            assert action.id in shown
        await told.type("difference")
        told.has("compare.next")
        told.lacks("pane.zoom")


async def test_the_footer_keeps_help_whatever_its_room_and_is_empty_below_a_panel(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.pilot.resize_terminal(40, 10)
        await told.settle()
        assert told.lines[-1].split() == ["space", "Mark", "tab", "Pane", "/", "Filter", "?", "Help"]
        await told.press("t")
        await told.pilot.resize_terminal(80, 24)
        told.main.situation_changed()
        await told.settle()
        assert "Filter" not in told.lines[-1]
        await told.press("escape")
        assert "x Actions" in told.lines[-1]


async def test_every_action_has_something_that_does_it(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        for action in ACTIONS:
            assert bool(action.does) != bool(action.opens), (
                f"{action.id} is done by a piece, or opens a panel"
            )
            if action.opens is not None:
                assert issubclass(panel_class(action.opens), Panel)
            else:
                piece, _, method = action.does.partition(".")
                assert callable(getattr(told.main.pieces[piece], method)), action.id
        done = [action.does for action in ACTIONS if action.does]
        assert len(done) == len(set(done)), "each is answered by a method of its own"


async def test_a_key_that_was_bound_anew_works_and_is_shown(world: World) -> None:
    rebind(view_filter="ctrl+f", tree_mark="insert")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        assert "ctrl+f Filter" in told.lines[-1]
        assert "insert Mark" in told.lines[-1]
        await told.press("ctrl+f")
        await told.type("004")
        assert len(told.rows) == 1
        await told.press("escape", "insert")
        assert len(told.rows.marks) == 1


async def test_an_unknown_action_in_the_configuration_is_told(world: World) -> None:
    rebind(view_filtr="ctrl+f")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        told.has("'view.filtr' is no action.", "Did you mean 'view.filter'?")
        await told.press("slash")
        assert told.app.focused is not None
        assert told.app.focused.id == "filter"


async def test_an_action_that_cannot_be_done_says_why(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("f")
        told.has("Show: only while comparing (= starts)")
        await told.press("x")
        await told.type("depth")
        told.has("not now: only while comparing")
        await told.press("enter")
        told.has("Depth: only while comparing")


async def test_the_palette_finds_a_command_by_its_words(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("colon")
        await told.type("pane zoom")
        await told.press("enter")
        assert told.main.panes.zoomed


async def test_with_nothing_open_keys_still_work(empty_world: object) -> None:
    async with story(None, None) as told:
        await told.press("escape", "q")
    assert told.app.return_value == 0


async def test_quitting_with_a_running_transfer_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        monkeypatch.setattr(told.main.queue, "running", lambda: 1)
        await told.press("q")
        told.has("1 transfer is running", "Stay", "Stop them and leave")
        told.shows("quit_80x24")
        await told.press("enter")
        assert told.app.is_running
        await told.press("q")
        await told.type("own process")
        await told.press("enter")
    assert told.app.return_value == 0


async def test_panels_list_their_own_keys(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("S", "question_mark")
        told.has("Keys of Compare", "Write report")


async def test_the_ascii_screen_has_ascii_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config.load()
    monkeypatch.setattr(config, "load", lambda: replace(settings, ui=replace(settings.ui, ascii=True)))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("l", "space", "z")
        assert told.screen.isascii(), told.screen


def underlined(told: Story) -> str:
    """What stands out in a list on a terminal without colours: Textual's lists know no reverse."""
    strips = told.app.screen._compositor.render_strips()
    return "".join(
        segment.text for strip in strips for segment in strip if segment.style and segment.style.underline
    )


async def test_without_colour_the_focus_is_told_by_a_heavy_border(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        assert told.lines[1].startswith("┏")
        await told.press("comma", "down")
        assert "as listed" in underlined(told)
        assert "size" not in underlined(told)
        await told.press("escape", "tab")
        assert told.lines[1].startswith("╭")
        assert told.lines[1].endswith("┓")
