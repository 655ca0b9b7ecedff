"""A server marked read-only: panels can be looked at, their writing keys are greyed with the reason."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story

KEYS = {
    "p": ("a Archive, relabel…", "m Move…", "b Rebuild", "d Delete…"),
    "w": ("d Dismiss…", "D All open AutoRuns…"),
    "E": ("ctrl+s Review", "ctrl+r From DICOM…"),
    "s": ("a Share into…", "e Relabel…", "u Unshare…", "t Table…", "T Give away…"),
    "U": ("a Add…", "e Role…", "d Remove…", "o Accessibility…"),
    "Z": ("enter Undo…",),
    "F": ("n New…", "u Upload…", "R Replace…", "d Delete…"),
}


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def test_panels_grey_their_writing_keys_with_the_reason(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        for key, greyed in KEYS.items():
            await told.press(key)
            usable, reason, below = told.screen.partition("not now: lab is marked read-only here.")
            assert reason, key
            assert "esc Back" in usable, key
            for entry in greyed:
                assert entry in below, key
                assert entry not in usable, key
            await told.press("escape")
        assert told.app.screen is told.main


async def test_the_panels_own_help_says_why(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("p", "question_mark")
        told.has("Archive, under other labels if wanted…", "not now: lab is marked read-only here.")
        await told.press("escape", "escape")


async def test_a_server_that_may_be_written_to_greys_nothing(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("p")
        told.lacks("not now")
        told.has("a Archive, relabel…")
