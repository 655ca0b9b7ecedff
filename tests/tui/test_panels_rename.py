"""Renaming by pattern at 80x24: the table of old and new is the plan; merging is asked for by name."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.study.brains import subject


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def test_marked_subjects_get_labels_by_a_pattern(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        for label in ("SUB-008", "SUB-009"):
            await told.find(label)
            await told.press("space")
        await told.press("M")
        told.has("Rename · 2 items", "Of what is marked, those whose whole label the pattern matches.")
        await told.type("SUB-00(")
        await told.press("enter")
        await told.type("P{1}")
        await told.press("enter")
        told.has("is no regular expression")
        await told.press("shift+tab", "end")
        await told.type(".)")
        await told.press("enter", "enter")
        told.has("SUB-008 → P8", "SUB-009 → P9", "2 to do. Nothing is deleted.")
        await told.press("enter")
        assert subject(servers.lab.site, "P9").label == "P9"
        await told.press("enter")
        assert told.app.screen is told.main
        told.has("P8", "P9")


async def test_subjects_of_a_project_are_merged_only_where_that_is_ticked(servers):
    site = servers.lab.site
    for old, new in (("SUB-008", "S_visit1"), ("SUB-009", "S_visit2")):
        site.rename(subject(site, old), new)
    async with story("lab:", "qc:BRAINS") as told:
        await told.find("BRAINS")
        await told.press("M")
        told.has("Rename · lab:BRAINS", "Of the project's subjects")
        told.shows("rename_pattern_80x24")
        await told.type(r"(.+)_visit(\d)")
        await told.press("enter")
        await told.type("{1}")
        await told.press("enter")
        told.has("S_visit1 and S_visit2 would all be S", '"merge" in the form moves the sessions', "0 to do")
        await told.press("escape", "tab", "tab", "space", "ctrl+s")
        told.has("3 to do", "S_visit2/SUB-009_MR2")
        assert subject(site, "S_visit2").experiments
        await told.press("enter")
        told.has("3 done")
        assert len(subject(site, "S").experiments) == 3
