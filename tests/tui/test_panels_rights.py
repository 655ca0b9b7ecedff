"""What a collaborator may not do is greyed with the reason, as soon as the server has told it."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.faults import ErrorPage

DENIAL = "You are one of the Collaborators of BRAINS, who may not write there."


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        pair.sign_in_as("reader")
        yield pair


async def test_the_actions_menu_says_what_may_not_be_written(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("x")
        await told.type("rename")
        told.has("M Rename…", "not now: You are one of the Collaborators")
        await told.press("enter")
        told.has("Rename: You are one of the Collaborators of BRAINS")
        await told.press("escape", "M")
        told.has("Rename: You are one of the Collaborators of BRAINS")
        assert told.app.screen is told.main


async def test_panels_grey_their_writing_keys(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        for key, entry in (("F", "n New…"), ("E", "ctrl+s Review"), ("p", "m Move…")):
            await told.press(key)
            usable, reason, below = told.screen.partition("not now: You are one of the Collaborators")
            assert reason, key
            assert entry in below, key
            assert entry not in usable, key
            await told.press("escape")
        await told.press("F", "n")
        told.has(f"! {DENIAL}")
        await told.press("question_mark")
        told.has("not now: You are one of the Collaborators of BRAINS")


async def test_rights_are_asked_for_once_and_only_when_they_are_wanted(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        assert servers.lab.requests.count("GET", "/xapi/access/projects") == 0
        await told.press("x", "escape", "F", "escape", "colon", "escape")
        assert servers.lab.requests.count("GET", "/xapi/access/projects") == 1


async def test_rights_that_are_not_told_grey_nothing(servers):
    servers.lab.faults.add("GET /xapi/", ErrorPage(403))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("F")
        told.lacks("not now")
        told.has("n New…")
