"""Comparing two projects on the screen: what differs, by glyph, by step, in figures, in detail."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from textual.widgets import Input

from tests.tui.driver import LARGE, SMALL, Size, Story, story
from tests.tui.stories.conftest import World
from xnat_tui.demo.faults import ErrorPage, Hang
from xnat_tui.model.pairing import Depth, Status
from xnat_tui.tui.plans.panel import PlanPanel

SIZES = [pytest.param(SMALL, "80x24", id="80x24"), pytest.param(LARGE, "140x40", id="140x40")]


async def compare(told: Story) -> None:
    await told.press("equals_sign")
    await told.compared()


@pytest.mark.parametrize(("size", "name"), SIZES)
async def test_differences_are_told_by_glyphs_on_both_sides(world: World, size: Size, name: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await compare(told)
        told.shows(f"compare_{name}")
        await told.press("n", "n", "n")
        told.shows(f"compare_next_{name}")


async def test_two_projects_under_the_cursors_are_compared_from_the_servers(world: World) -> None:
    async with story("lab:", "qc:") as told:
        await told.find("BRAINS")
        await told.press("tab")
        await told.find("BRAINS")
        await told.press("tab")
        await compare(told)
        told.has("Source: lab › BRAINS", "Destination: qc › BRAINS", "linked")
        await told.press("equals_sign")
        assert told.source.root.items == ()
        assert told.main.panes.cursor.parent.key == "BRAINS"


async def test_the_project_itself_differs_where_its_custom_variables_do(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        told.has("project itself differs (S)")
        await told.press("S")
        told.shows("summary_80x24")
        await told.press("i")
        told.has("funding", "DFG")
        told.shows("details_project_80x24")


async def test_next_and_previous_difference_walk_the_same_way(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        seen = []
        for _ in range(4):
            await told.press("n")
            seen.append(told.main.panes.cursor)
        for pair in reversed(seen[:-1]):
            await told.press("N")
            assert told.main.panes.cursor is pair
        assert all(pair.glyph in "*<>!" for pair in seen)


async def test_only_differences_then_left_only_then_right_only(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("f")
        told.shows("only_differences_80x24")
        assert all(row.pair.glyph not in " ?" for row in told.source.rows)
        await told.press("f")
        told.has("show: left only")
        await told.press("f")
        told.has("show: right only")
        await told.press("f")
        told.has("show: all")


async def test_depth_goes_from_sizes_to_digests_to_labels(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        differing = told.main.comparison.shown.root.differing_below
        await told.press("d")
        await told.compared()
        told.has("compare: digests")
        assert told.main.comparison.shown.depth is Depth.DIGESTS
        assert told.main.comparison.shown.root.differing_below > differing
        await told.press("d")
        await told.compared()
        told.has("compare: labels")
        assert told.main.comparison.shown.root.differing_below < differing


@pytest.mark.parametrize(("size", "name"), SIZES)
async def test_details_of_a_differing_resource_list_the_files(world: World, size: Size, name: str) -> None:
    async with story("lab:BRAINS", "qc:BRAINS", size) as told:
        await compare(told)
        await told.press("n", "n", "i")
        told.has("< IM0007.dcm", "< IM0008.dcm", "113,088 bytes")
        told.shows(f"details_resource_{name}")


async def test_a_report_is_written_from_the_summary(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("S", "w", "home", "ctrl+k")
        await told.type(str(world.home / "report.md"))
        await told.press("enter")
        told.has("Wrote")
        assert "SUB-004" in (world.home / "report.md").read_text()


async def test_a_refused_report_name_says_so_in_the_question(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("S", "w", "home", "ctrl+k")
        await told.type("report.xyz")
        await told.press("enter")
        told.has(".html", ".json")
        assert told.app.screen.query_one(Input).value == "report.xyz"


async def test_what_one_server_refuses_is_unreadable_and_never_missing(world: World) -> None:
    world.qc.faults.add(r"GET /data/projects/BRAINS/subjects\b", ErrorPage(403, "no"))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        subjects = [row.pair for row in told.source.rows if row.message is None and row.pair.group is None]
        assert {pair.glyph for pair in subjects} == {"!"}
        told.lacks("< only on the left")
        told.has("compare: sizes   2 differences, 11 unreadable, ! the project too (S)")
        await told.press("S")
        told.has("! error")


async def test_esc_unwinds_filter_marks_and_comparison_one_by_one(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("space", "slash")
        await told.type("SUB")
        await told.press("enter")
        rows = told.source.rows
        await told.press("escape")
        assert rows.narrowing.needle is None
        assert len(rows.marks) == 1
        await told.press("escape")
        assert len(rows.marks) == 0
        assert told.main.comparison.on
        await told.press("escape")
        assert not told.main.comparison.on


async def test_reloading_while_it_still_compares_starts_anew_and_counts_right(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        hang = world.qc.faults.add("GET .*files", Hang(), times=1)
        await told.pilot.press("d")
        await told.until_hit(hang)
        with patch.object(told.app.context, "say", wraps=told.app.context.say) as said:
            await told.pilot.press("R")
        assert [call.args[0].partition(" as soon")[0] for call in said.mock_calls] == ["Reading it again"]
        world.qc.faults.stopping = True
        await told.compared()
        world.qc.faults.stopping = False
        told.has("compare: digests   26 differences")
        assert told.main.comparison.unread == 0


async def test_leaving_a_comparison_leaves_both_panes_where_it_stood(world: World) -> None:
    async with story("lab:", "qc:BRAINS") as told:
        await told.find("BRAINS")
        await compare(told)
        await told.find("SUB-002")
        await told.press("l", "j", "l", "j")
        here = told.main.panes.cursor
        assert here.key == "scans"
        await told.press("equals_sign")
        assert str(told.source.root.location) == "lab:"
        for pane in (told.source, told.destination):
            assert pane.rows.current.pair.key == "scans"
            assert pane.rows.current.pair is not here
        assert "SUB-002_MR1 › scans" in told.lines[-4]


async def test_what_only_one_side_has_shows_its_size_without_a_request(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        before = len(world.lab.requests), len(world.qc.requests)
        assert "185k" in told.line_with("SUB-004")
        await told.find("SUB-004")
        await told.press("l", "j", "l", "j", "l")
        assert (len(world.lab.requests), len(world.qc.requests)) == before


async def test_the_summary_never_counts_what_no_digest_proves_as_same(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("S", "d")
        await told.compared()
        await told.until_shown("no digest: 8 alike by name and size")
        told.has("(o) digests")
        assert told.line_with("files  ").split()[2:5] == ["409", "8", "3"]
        assert told.line_with("same").split()[1:3] == ["=", "same"]


async def test_going_back_to_a_lesser_depth_counts_what_that_depth_tells(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        told.has("compare: sizes   24 differences")
        for depth in ("digests   26", "labels", "sizes   24"):
            await told.press("d")
            await told.compared()
            told.has(f"compare: {depth}")


async def test_swapping_while_comparing_turns_the_glyphs_round(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("u")
        await told.compared()
        told.has("Source: qc › BRAINS", "Destination: lab › BRAINS")
        glyphs = {row.pair.key: row.pair.glyph for row in told.source.rows if row.message is None}
        assert glyphs["SUB-004"] == ">"
        assert glyphs["SUB-003"] == "<"


async def test_places_of_two_kinds_are_not_compared_and_it_is_said_why(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS/SUB-002") as told:
        await told.press("equals_sign")
        told.has("Compare needs two places of one kind")
        assert not told.main.comparison.on


async def test_reloading_while_comparing_shows_what_arrived_and_keeps_the_cursor(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.find("SUB-005")
        site = world.qc.site
        site.add_subject(site.projects["BRAINS"], "SUB-004")
        await told.press("R")
        await told.compared()
        assert told.main.panes.cursor.key == "SUB-005"
        pair = next(row.pair for row in told.source.rows if row.pair.key == "SUB-004")
        assert pair.both


async def test_what_is_missing_is_copied_without_what_differs_above_it(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        await told.press("m")
        plan = told.panel(PlanPanel).trimmed
        assert not [step for step in plan.steps if step.replaces]
        written = [step.path for step in plan.steps if step.writes]
        assert "subjects/SUB-004" in written
        assert "subjects/SUB-011" not in written
        told.has("Nothing is replaced.")


async def test_what_is_missing_is_not_known_before_all_is_compared(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        world.qc.faults.add("GET ", Hang(), times=1)
        await told.pilot.press("equals_sign")
        await told.until_shown("compare: sizes")
        await told.pilot.press("m")
        await told.until_shown("Not all is compared yet")
        world.qc.faults.stopping = True
        await told.settle()


async def test_verify_compares_by_digests_and_says_what_stands_against_a_proof(world: World) -> None:
    async with story("lab:BRAINS/SUB-009", "qc:BRAINS/SUB-009") as told:
        await compare(told)
        await told.press("V")
        await told.until_shown("Not proved: 2 differ, 1 only at the destination, 8 without a digest on one")
        told.has("(o) digests")
    async with story("lab:BRAINS/SUB-001", "qc:BRAINS/SUB-001") as told:
        await compare(told)
        await told.press("V")
        await told.until_shown("Proved: all that is listed is alike")


@pytest.mark.parametrize(("sign", "status"), [("<", Status.ONLY_SOURCE), ("*", Status.DIFFERS)])
async def test_marks_by_verdict_reach_what_is_not_open(world: World, sign: str, status: Status) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await compare(told)
        found = told.source.model.root.found(status)
        await told.press("plus")
        told.has("< > * ! mark all that is only left")
        await told.type(sign)
        await told.press("enter")
        assert {pair for pair in found if told.source.rows.marks.covers(pair)} == set(found)
        await told.press("0")
        assert not told.source.rows.marks
