"""Marks, plan, run, and what arrives: copy and export from the screen."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui.driver import LARGE, SMALL, Size, Story, story
from tests.tui.stories.conftest import World
from xnat_tui.demo.faults import Hang
from xnat_tui.jobs.job import Wish
from xnat_tui.jobs.journal import Journal
from xnat_tui.model.options import CopyOptions, Shared, UploadOptions
from xnat_tui.model.plan import Finding, LeftOut, Plan
from xnat_tui.model.transfer import State
from xnat_tui.services.transfers.running.following import Worker
from xnat_tui.tui.plans.panel import PlanPanel
from xnat_tui.tui.transfers import queue


async def run_to_its_end(told: Story) -> None:
    jobs = told.main.queue
    await told.until(lambda: bool(jobs.views) and jobs.running() == 0)


@contextmanager
def held(job: str) -> Iterator[None]:
    """Its worker stands still."""
    with Journal() as journal:
        worker = journal.job(job).pid
    assert worker is not None
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


@pytest.mark.parametrize(
    ("size", "name"), [pytest.param(SMALL, "80x24", id="80x24"), pytest.param(LARGE, "140x40", id="140x40")]
)
async def test_a_plan_tells_every_step_and_writes_nothing(world: World, size: Size, name: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await told.find("SUB-004")
        await told.press("space", "c")
        told.has("nothing written yet", "+ create   SUB-004", "Nothing is replaced.")
        told.shows(f"plan_{name}")
        await told.press("f")
        told.has("$ xnat-tui copy lab:BRAINS/SUB-004 qc:BRAINS")
        await told.press("f", "escape")
    assert "SUB-004" not in {subject.label for subject in world.qc.site.projects["BRAINS"].subjects.values()}


async def test_a_finished_transfer_reports_what_its_files_rest_on(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("t")
        told.has("No transfer yet")
        await told.press("escape")
        await told.find("SUB-004")
        await told.press("c", "enter")
        await run_to_its_end(told)
        await told.press("t", "enter")
        told.has("Report · ", "done · 14 files 185k", "by digest: 14   by size: 0   unverified: 0")
        await told.press("escape", "C")
        await told.until_shown("No transfer yet")


async def test_a_transfer_that_was_told_to_pause_says_so_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.tui.transfers.queue._STARTED_SOON", 10_000)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        hang = world.lab.faults.add("GET .*(zip|files)", Hang())
        await told.press("c")
        await told.pilot.press("enter")
        await told.until_shown("1 transfer")
        await told.pilot.press("t")
        await told.until_shown("running · ")
        await told.until_hit(hang)  # from here on no pause comes about before the request is let go
        await told.pilot.press("space")
        await told.until_shown("pausing … · ")
        (view,) = told.main.queue.views
        with Journal() as journal:
            while journal.job(view.id).wish is not Wish.PAUSE:
                await told.pilot.pause(0.02)
        world.lab.faults.stopping = True
        await told.until_shown("1 paused")
        world.lab.faults.clear()
        with held(view.id):
            await told.pilot.press("space")
            await told.until_shown("resuming … · ")
        await told.until_shown("1 done")


async def test_stopping_transfers_on_the_way_out_ends_their_workers(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        world.lab.faults.add("GET .*(zip|files)", Hang())
        await told.press("c")
        await told.pilot.press("enter")
        await told.until_shown("1 transfer")
        (job,) = (view.id for view in told.main.queue.views)
        await told.pilot.press("q")
        await told.until_shown("Stop them and leave")
        await told.pilot.press(*"stop", "enter")
    world.lab.faults.stopping = True
    assert Worker(job).wait().state is State.PAUSED


async def test_what_is_marked_arrives_in_the_other_tree(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("space")
        told.has("1 marked · files not counted yet")
        await told.press("c", "enter")
        await run_to_its_end(told)
        assert "SUB-004" in {row.pair.key for row in told.destination.rows}
        told.has("done")
        await told.press("t")
        told.has("Transfers · 1 done", "lab:BRAINS/SUB-004", "100%")


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_bell_rings_after_a_long_transfer_where_that_is_wanted(
    world: World, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(queue, "LONG_SECONDS", 0.0)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        monkeypatch.setattr(told.app, "bell", lambda: rung.append(True))
        settings = told.main.context.settings
        monkeypatch.setattr(
            told.main.context, "settings", replace(settings, ui=replace(settings.ui, bell=wanted))
        )
        await told.find("SUB-004")
        await told.press("c", "enter")
        await run_to_its_end(told)
        await told.until_shown("done, 14 files")
    assert rung == [True] * wanted


async def test_a_step_that_is_unticked_is_left_out(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("c")
        steps = len(told.panel(PlanPanel).trimmed.steps)
        await told.press("down", "space")
        assert len(told.panel(PlanPanel).trimmed.steps) < steps
        told.has("left out")


async def test_the_options_are_changed_in_the_plan(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("c")
        told.has("when it exists: skip")
        await told.press("o", "space", "down", "space", "enter")
        told.has("when it exists: update", "shared items: copy")
        told.lacks("changed since")
        options = told.panel(PlanPanel).trimmed.options
        assert isinstance(options, CopyOptions)
        assert options.shared is Shared.COPY


async def test_a_plan_that_replaces_says_so_and_asks_with_cancel_focused(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-009")
        await told.press("c")
        told.has("2 conflict", "Nothing to do")
        await told.press("o", "space", "enter")
        told.has("What differs is replaced.")
        await told.press("enter")
        told.has("Run 2 steps", "Cancel")
        await told.press("enter")
        told.has("Plan · copy to qc:BRAINS")
        assert told.main.queue.views == []


async def test_the_step_under_the_cursor_is_told_whole_with_what_becomes_of_what_is_there(
    world: World,
) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-009")
        await told.press("c")
        told.has(
            "subjects/SUB-009/experiments/SUB-009_MR1/scans/2/resources/DICOM/files/IM0003.dcm",
            'there with other content; "when it exists: update" (o) replaces it',
            "IM0003.dcm: MD5",
            "stays; here MD5",
        )
        told.lacks("--on-existing")
        await told.press("o", "space", "enter", "down")
        told.has("1 replaced", "notes.txt: 15 bytes → 60 bytes")


async def test_a_plan_that_is_being_made_cannot_be_run_and_keys_stay_in_its_panel(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        world.qc.faults.add("GET ", Hang(), times=1)
        await told.pilot.press("c")
        await told.until_shown("Planning …")
        await told.pilot.press("enter", "space", "o", "enter")
        told.has("Plan · copy to qc:BRAINS", "Planning …")
        told.lacks("Options of this copy")
        await told.pilot.press("escape")
        assert told.main.is_active
        world.qc.faults.stopping = True
        await told.settle()
        world.qc.faults.stopping = False
        assert told.main.is_active
        assert not len(told.source.rows.marks)
        assert told.main.queue.views == []


async def test_what_is_skipped_is_shown_when_asked_for(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("c")
        told.has("1 step not shown", "+ upload   SUB-004/SUB-004_CT1/scans/1/DICOM")
        told.lacks("project BRAINS")
        await told.press("a")
        told.has("= skip     project BRAINS (exists)")


async def test_what_is_only_shared_in_is_not_said_to_be_there_already(world: World) -> None:
    async with story("lab:TEACHING", "qc:BRAINS_QC") as told:
        await told.press("c")
        told.has(
            "! All that stands in lab:TEACHING/SUB-002 is shared in from elsewhere",
            '"shared items: copy" (o)',
        )
        told.has("o Options…", "esc Back")
        await told.press("o", "down", "space", "enter")
        told.has("shared items: copy", "+ create   SUB-002", "1 step not shown: what is there already")
        told.lacks("project TEACHING")


async def test_a_plan_is_filtered_and_enter_in_the_filter_runs_nothing(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("c", "slash")
        await told.type("upload secondary")
        told.has("1 step of 9 shown", "+ upload   SUB-004/SUB-004_CT1/scans/601/secondary")
        told.lacks("scans/1/DICOM")
        await told.press("enter")
        told.has("Plan · copy to qc:BRAINS")
        await told.press("space")
        assert len(told.panel(PlanPanel).trimmed.steps) == 8
        await told.press("escape")
        told.has("scans/1/DICOM", "left out")


async def test_a_plan_that_no_longer_holds_is_shown_anew_instead_of_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_tui.tui.plans.panel.FRESH_SECONDS", -1.0)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("c")
        subjects = world.lab.site.projects["BRAINS"].subjects
        (session,) = next(s for s in subjects.values() if s.label == "SUB-004").experiments.values()
        del session.scans["1"]
        await told.press("enter")
        told.has("The servers have changed since this was planned")
        assert told.main.queue.views == []
        await told.press("enter")
        await run_to_its_end(told)
        assert told.main.queue.views[0].state == "done"


async def test_an_export_asks_for_folder_and_layout_and_files_are_there(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("e", "home", "ctrl+k")
        await told.type(str(world.home / "out"))
        await told.press("enter")
        told.has("Layout of the folder")
        await told.press("enter")
        told.has("Plan · export to", "+ fetch    SUB-004/SUB-004_CT1/scans/1/DICOM", "2 create, 3 fetch")
        await told.press("enter")
        await run_to_its_end(told)
    files = list(Path(world.home / "out").rglob("*.dcm"))
    assert files


async def test_an_export_takes_a_table_of_bids_names_among_its_options(world: World) -> None:
    table = world.home / "map.csv"
    table.write_text("scan,suffix,entities\nNOTHING_LIKE_IT,,acq-x\n")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("e", "home", "ctrl+k")
        await told.type(str(world.home / "out"))
        await told.press("enter", "enter", "o")
        told.has("Options of this export", "names by table       none")
        await told.press("j", "space")
        told.has("CSV file with scan, suffix, entities")
        await told.type(str(table))
        await told.press("enter")
        told.has("Options of this export", "layout               bids", "names by table       map.csv")
        await told.press("enter")
        told.has("layout: bids · names by table: map.csv")
        told.has("NOTHING_LIKE_IT")
        await told.press("o", "space")
        told.has("names by table       none")
        told.lacks("layout               bids")


async def test_a_plan_that_is_refused_cannot_be_run(world: World) -> None:
    async with story("lab:BRAINS", "qc:ATLAS_2019") as told:
        await told.press("c")
        told.has("enter Cannot run", "may not write")
        await told.press("enter")
        told.has("This cannot be run.")
        assert told.main.queue.views == []


async def test_finished_jobs_are_there_when_the_explorer_is_opened_again(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("c", "enter")
        await run_to_its_end(told)
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("t")
        told.has("Transfers · 1 done")


@pytest.mark.parametrize(("size", "shown"), [(SMALL, 2), (LARGE, 4)], ids=["80x24", "140x40"])
async def test_a_plan_shows_its_notes_and_what_is_left_out(world: World, size: Size, shown: int) -> None:
    """As the plan's text does; what has no room is behind a key, and said to be there."""
    made = Plan(
        UploadOptions(),
        ("dicom",),
        "lab:BRAINS",
        (),
        findings=(Finding("info", "Scripts may rewrite it."), Finding("warning", "One file is left out.")),
        left_out=(LeftOut("notes.txt", "no DICOM"), LeftOut("7.dcm", "damaged DICOM")),
    )
    notes = (
        "* One file is left out.",
        "- Scripts may rewrite it.",
        "- left out notes.txt  (no DICOM)",
        "- left out 7.dcm  (damaged DICOM)",
    )
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await told.app.push_screen(PlanPanel(lambda _options: made, UploadOptions(), "upload"))
        await told.settle()
        told.has("2 left out · Nothing to do.", *notes[:shown], "4 notes to read: f")
        await told.press("f")
        told.has(*notes)
