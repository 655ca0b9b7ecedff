"""Deleting from the trees at 80x24: counted, agreed to by typing, gone from both panes."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.study.brains import session, subject


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def labels(servers):
    return {one.label for one in servers.lab.site.projects["BRAINS"].subjects.values()}


async def test_a_subject_goes_when_its_project_was_typed_and_not_before(servers):
    async with story("lab:BRAINS", "lab:BRAINS") as told:
        await told.find("SUB-009")
        await told.press("f8")
        told.has(
            "Plan · delete lab:BRAINS/SUB-009",
            "goes with 2 sessions",
            "1 to do. Something is deleted or replaced.",
        )
        told.has("$ xnat-tui delete lab:BRAINS/SUB-009")
        await told.press("enter")
        told.has("Delete or replace", "BRAINS")
        await told.press("escape")
        assert "SUB-009" in labels(servers)
        await told.press("enter")
        await told.type("BRAINS")
        await told.press("enter")
        told.has("1 done")
        assert "SUB-009" not in labels(servers)
        await told.press("enter")
        assert told.app.screen is told.main
        told.lacks("SUB-009")


async def test_what_is_shared_in_leaves_the_project_and_stays_with_its_owner(servers):
    async with story("lab:TEACHING", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("f8")
        told.has("unshare", "2 to do. Nothing is deleted.")
        await told.press("enter")
        told.has("2 done")
        assert "TEACHING" not in subject(servers.lab.site, "SUB-002").shares
        assert session(servers.lab.site, "SUB-002_MR1").scans


async def test_projects_are_not_deleted_from_here(servers):
    async with story("lab:", "qc:BRAINS") as told:
        await told.press("f8")
        told.has("Delete: mark, or put the cursor on, subjects, sessions or what is in them")
