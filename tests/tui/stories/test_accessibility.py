"""For those who listen to the screen, or whose terminal can do little."""

from __future__ import annotations

import pytest

from tests.tui.driver import story
from tests.tui.stories.conftest import World
from xnat_tui import config


@pytest.mark.parametrize("variable", [("XNAT_TUI_A11Y", "1"), ("TERM", "dumb")], ids=["a11y", "dumb"])
async def test_rows_say_in_words_what_their_glyphs_say(
    world: World, variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("n", "n", "n", "space")
        told.shows("words_80x24")


async def test_marks_are_told_in_words_while_browsing_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_TUI_A11Y", "1")
    async with story("lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS") as told:
        told.has("+ assessors")
        await told.press("enter", "j", "space", "j")
        assert " marked + 1 LOCALIZER " in told.line_with("LOCALIZER")


async def test_without_the_switch_rows_are_as_drawn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_TUI_A11Y", "0")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        assert not told.app.context.plain
        told.has("▸ SUB-001")


async def test_with_plain_characters_nothing_else_is_drawn_anywhere(world: World) -> None:
    file = config.config_file()
    file.write_text(file.read_text() + "\n[ui]\nascii = true\n")
    async with story("lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS/SUB-001/SUB-001_MR1") as told:
        await told.press("equals_sign")
        await told.compared()
        for keys in (["enter", "j", "j"], ["i"], ["D"], ["I"], ["question_mark"], ["x"], ["S"], ["t"], ["g"]):
            await told.press(*keys)
            assert told.screen.isascii(), (keys, told.screen)
            if keys[0] != "enter":
                await told.press("escape")


async def test_a_panel_on_a_tiny_screen_leaves_room_for_what_it_shows(world: World) -> None:
    async with story("lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS", (40, 10)) as told:
        await told.press("enter", "j", "j", "D")
        assert sum("(0002,00" in line or "(0008,00" in line for line in told.lines) >= 3, told.screen
        told.has("File Meta Information Group Length: ")
        told.has("F1 Keys", "esc")
        await told.press("escape", "I")
        assert sum("▀" in line for line in told.lines) >= 5


async def test_the_summary_and_the_details_say_in_words_what_their_glyphs_say(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_TUI_A11Y", "1")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("S")
        told.shows("words_summary_80x24")
        await told.press("i")
        told.shows("words_details_80x24")


async def test_two_headers_side_by_side_say_in_words_what_differs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    async with story("lab:BRAINS/SUB-001/SUB-001_MR1", "qc:BRAINS/SUB-002/SUB-002_MR1") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("enter", "j", "D")
        told.shows("words_headers_80x24")
