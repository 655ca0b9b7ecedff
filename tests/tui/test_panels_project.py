"""A project's settings at 80x24: a form, its plan, and a new project from the same form."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def test_only_what_was_changed_is_planned_and_set(servers):
    project = servers.lab.site.projects["BRAINS"]
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("P")
        told.has("Project · lab:BRAINS", "Brains across the lifespan", "Lovelace")
        told.shows("project_80x24")
        await told.press("enter")
        told.has("That is so already.")
        await told.press("ctrl+u")
        await told.type("Brains")
        await told.press("enter")
        told.has("Plan · project lab:BRAINS", "title", "Brains across the lifespan → Brains", "1 to do")
        told.has("$ xnat-tui project set lab:BRAINS name=Brains")
        assert project.fields["name"] == "Brains across the lifespan"
        await told.press("enter", "enter")
        assert project.fields["name"] == "Brains"
        told.has("Project · lab:BRAINS")
        await told.press("escape")
        assert told.app.screen is told.main


async def test_a_project_is_made_from_the_same_form_and_stands_in_the_tree(servers):
    async with story("lab:", "qc:BRAINS") as told:
        await told.press("P", "ctrl+n")
        told.has("New project · lab:", "project ID")
        await told.press("ctrl+s")
        told.has("A new project needs an ID.")
        await told.type("PILOT")
        await told.press("tab")
        await told.type("Pilot study")
        await told.press("enter")
        told.has("create", "accessibility: private", "only its users see it")
        assert "PILOT" not in servers.lab.site.projects
        await told.press("enter", "enter")
        assert servers.lab.site.projects["PILOT"].fields["name"] == "Pilot study"
        assert told.app.screen is told.main
        told.has("PILOT")
