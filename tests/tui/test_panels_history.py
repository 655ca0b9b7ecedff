"""What was changed from here, taken back through the screen at 80x24."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.study.brains import subject


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def test_a_rename_is_in_the_history_and_taken_back_from_there(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-006")
        await told.press("M", "ctrl+u")
        await told.type("NEW-006")
        await told.press("enter", "enter", "enter")
        assert subject(servers.lab.site, "NEW-006")
        await told.press("Z")
        told.has("History · lab:BRAINS/NEW-006 · 1 change", "rename", "SUB-006 → NEW-006", "enter Undo…")
        await told.press("enter")
        told.has("Plan · undo 1 change on lab", "$ xnat-tui history undo 1", "1 to do. Nothing is deleted.")
        assert subject(servers.lab.site, "NEW-006")
        await told.press("enter")
        told.has("1 done")
        assert subject(servers.lab.site, "SUB-006")
        await told.press("enter")
        told.has("undoes 1", "undone by 2")
        await told.press("escape")
        told.has("SUB-006")


async def test_what_is_not_so_any_more_is_refused_where_it_is_seen(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-006")
        await told.press("M", "ctrl+u")
        await told.type("NEW-006")
        await told.press("enter", "enter", "enter")
        servers.lab.site.rename(subject(servers.lab.site, "NEW-006"), "OTHER")
        await told.press("Z", "enter")
        told.has("label is OTHER now, and not NEW-006 as this left it.", "0 to do, 1 refused")
