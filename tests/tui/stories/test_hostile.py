"""Labels are data: whatever a server says, nothing of it moves the cursor, colours the screen or lies."""

from __future__ import annotations

import pytest

from tests.tui.driver import story
from tests.tui.stories.conftest import World

LABELS = [
    pytest.param("[red]boo[/red]", "[red]boo[/red]", id="markup"),
    pytest.param("[/]", "[/]", id="closing-markup"),
    pytest.param("\\[b]x", "\\[b]x", id="escaped-markup"),
    pytest.param("esc\x1b]0;owned\x07", "esc␛]0;owned␇", id="terminal-title"),
    pytest.param("two\nlines\r", "two␊lines␍", id="line-break"),
    pytest.param("abc\u202edcba", "abc<U+202E>dcba", id="direction"),
    pytest.param("東京スタディ", "東京スタディ", id="wide"),
]


@pytest.mark.parametrize(("label", "shown"), LABELS)
async def test_a_label_is_shown_as_itself_everywhere(world: World, label: str, shown: str) -> None:
    project = world.lab.site.projects["EMPTY"]
    subject = world.lab.site.add_subject(project, "PLAIN")
    subject.label = label
    async with story("lab:EMPTY", "qc:") as told:
        assert shown in told.screen.splitlines()[2], "the row"
        assert shown in told.lines[-3], "the summary line"
        assert f"─ {shown} ─" in told.screen or f" {shown} ─" in told.screen, "the pane's border"
        await told.press("i")
        told.has(shown)
        await told.press("escape", "x")
        told.has(f"Actions · {shown}")
        await told.press("escape", "B")
        told.has(shown)
        await told.press("escape", "y")
        told.has("Copied:")
        told.app.context.tell(label)
        await told.settle()
        await told.press("equals_sign", "g", "escape", "colon", "escape", "question_mark", "escape")
        for line in told.lines:
            assert not any(ord(character) < 32 for character in line)


async def test_columns_hold_with_wide_and_combining_characters(world: World) -> None:
    from rich.cells import cell_len

    project = world.lab.site.projects["EMPTY"]
    for number, label in enumerate(("東京スタディ", "Mu\u0308ller", "👩‍🔬 x", "plain")):
        world.lab.site.add_subject(project, f"S{number}").label = label
    async with story("lab:EMPTY", "qc:") as told:
        for line in told.lines[1:20]:
            assert cell_len(line) == 80
