"""The manual in the explorer."""

from __future__ import annotations

from tests.tui.driver import story
from tests.tui.stories.conftest import World
from xnat_tui.tui.panels.manual import ManualPanel


async def test_help_leads_to_the_manual_which_is_read_without_a_mouse(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("question_mark", "f1")
        told.shows("manual_80x24")
        await told.press("1")
        told.has("A first copy", "Say where the servers are")
        await told.press("end")
        told.has("The same in the explorer")
        await told.press("n")
        told.lacks("The same in the explorer")
        await told.press("left_square_bracket")
        told.has("Say where the servers are")
        await told.press("t", *["down"] * 4, "enter")
        told.has("The signs before each line")
        await told.press("7")
        told.shows("manual_topic_80x24")
        await told.press("c")
        told.has("1. A first copy")
        await told.press("escape", "escape")
        told.lacks("Manual")


async def test_a_link_leads_to_another_topic_and_nowhere_else(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("question_mark", "f1", "1")
        viewer = told.panel(ManualPanel).viewer
        await viewer.go("proofs.md")
        assert viewer.page == "proofs"
        for elsewhere in ("https://example.org/proofs.html", "/etc/passwd", "../README.md"):
            await viewer.go(elsewhere)
            assert viewer.page == "proofs"


async def test_opening_the_help_loads_no_markdown(world: World) -> None:
    import subprocess
    import sys

    code = "import sys, xnat_tui.tui.panels.help, xnat_tui.tui.app; print('markdown_it' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


async def test_the_keys_of_the_manual_lead_back_to_it_and_a_tiny_screen_has_room(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", (40, 10)) as told:
        await told.press("question_mark", "f1", *"pppp", "f1")
        told.has("Keys of Manual")
        await told.press("f1")
        told.has("What each sign and code rests on")
        await told.press("t")
        told.has("Signs of a comparison", "Exit codes")
        await told.press("end", "enter")
        told.has("everything was read")
        await told.press("escape", "escape")
        told.lacks("Exit codes")


async def test_the_manual_is_one_key_away_and_in_the_palette(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("f12")
        told.has("1. A first copy")
        await told.press("escape", "colon", *"manual", "enter")
        told.has("1. A first copy")
