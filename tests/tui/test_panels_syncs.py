"""Syncs through the screen at 80x24: what a run would do, running it, and what runs have told."""

from collections.abc import Iterator

import pytest

from tests.services.sync_sites import Pair, study, syncing
from tests.tui.driver import story
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.faults import Hang


@pytest.fixture
def pair(tmp_path, monkeypatch) -> Iterator[Pair]:
    with syncing(study(), study("QC"), monkeypatch, tmp_path) as opened:
        opened.run()
        yield opened


async def test_a_sync_is_planned_run_followed_and_told_of(pair):
    pair.subject("S1").fields["gender"] = "male"
    pair.subject("S2", there=True).fields["race"] = "other"
    async with story("lab:P", None) as told:
        await told.press("L")
        told.has("Syncs · 1 saved, 0 due", "nightly", "lab:P → qc:P", "done", "no schedule")
        before = pair.writes()
        await told.press("n")
        told.has("1 step, 1 told", "gender: female → male", "kept", "S2 race")
        told.lacks("enter Run")
        await told.press("enter", "escape", "enter")
        told.has("enter Run 1 step")
        told.shows("sync_plan_80x24")
        assert pair.writes() == before
        await told.press("enter")
        assert pair.subject("S1", there=True).fields["gender"] == "male"
        assert pair.subject("S2", there=True).fields["race"] == "other"
        told.has("2 changed; 1 verified, 1 kept")
        await told.press("h")
        told.has("Runs · nightly · 2 runs")
        await told.press("enter")
        told.has("subjects/S1 gender · subject · changed (source) · verified", "male / female")
        await told.press("enter")
        told.has("Log · nightly · subjects/S1", "first proved alike", "verified")
        await told.press("escape", "escape", "escape", "o")
        assert told.source.root.location == told.app.context.workspace.location("lab:P")
        assert told.destination.root.location == told.app.context.workspace.location("qc:P")


async def test_a_run_goes_on_when_its_panel_is_left_and_leaving_the_explorer_asks(pair):
    pair.subject("S1").fields["gender"] = "male"
    async with story("lab:P", None) as told:
        await told.press("L", "enter")
        hang = pair.target.faults.add("PUT ", Hang())
        await told.pilot.press("enter")
        await told.until_hit(hang)
        await told.until_shown("sending")
        await told.pilot.press("enter")
        await told.until_shown("nightly is being run: t shows what it sends.")
        await told.pilot.press("escape", "q")
        await told.until_shown("1 sync running: nightly")
        await told.pilot.press("escape")
        pair.target.faults.clear()
        pair.target.faults.stopping = True
        await told.until(lambda: not told.app.context.syncs.far)
        pair.target.faults.stopping = False
        await told.press("L")
        told.has("· paused ·")
        await told.press("enter", "enter")
        told.has("· done ·")  # what became of the first job may still be told over the rest
        last = told.app.context.workspace.syncing().runs("nightly")[0].document
        assert last["summary"]["verified"] == 1
        assert pair.subject("S1", there=True).fields["gender"] == "male"


async def test_a_conflict_is_settled_by_a_side_that_is_named_and_its_project_typed(pair):
    pair.subject("S1").fields["gender"] = "male"
    pair.subject("S1", there=True).fields["gender"] = "other"
    async with story("lab:P", None) as told:
        await told.press("L", "enter")
        told.has("conflict", "source: male", "destination: other", '"prefer: source" (o)')
        await told.press("o", "space", "enter")
        told.has("gender: other → male", "enter Run 1 step")
        await told.press("enter")
        told.has("Type P to go on")
        assert pair.subject("S1", there=True).fields["gender"] == "other"
        await told.type("P")
        await told.press("enter")
        assert pair.subject("S1", there=True).fields["gender"] == "male"
        told.has("1 changed; 1 verified")


async def test_a_sync_is_forgotten_once_that_is_confirmed(pair):
    async with story("lab:P", None) as told:
        await told.press("L", "f8", "enter")
        told.has("nightly")
        await told.press("f8", "right", "enter")
        told.has("No sync is saved.")
    assert pair.subject("S1", there=True)


async def test_what_cannot_be_planned_is_said_in_the_plan(pair):
    for label in ("S1", "S2"):
        pair.source.site.remove(pair.subject(label))
    async with story("lab:P", None) as told:
        await told.press("L", "enter")
        told.has("! The source lists 2 of 6", "xnat-tui sync adopt nightly")
        told.lacks("enter Run")


async def test_nothing_is_written_to_a_destination_that_is_marked_read_only(pair):
    pair.subject("S1").fields["gender"] = "male"
    config.save_server(Server("qc", pair.target.url, "admin", read_only=True))
    before = pair.writes()
    async with story("lab:P", None) as told:
        await told.press("L", "enter")
        told.has("not now: qc is marked read-only here.")
        await told.press("enter")
        told.has("This cannot be run: the rows marked ! say why.")
    assert pair.writes() == before
