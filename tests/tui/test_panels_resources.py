"""Resources and files, through the screen at 80×24, and what the server holds afterwards."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.archive import Resource, Scan
from xnat_tui.tui.panels.resources import ResourcesPanel
from xnat_tui.tui.plans.panel import PlanPanel

SCANS = "lab:BRAINS/SUB-001/SUB-001_MR1"


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def scan(servers: DemoPair, number: str) -> Scan:
    subjects = servers.lab.site.projects["BRAINS"].subjects.values()
    person = next(one for one in subjects if one.label == "SUB-001")
    return next(one for one in person.experiments.values() if one.label == "SUB-001_MR1").scans[number]


def resource(servers: DemoPair, number: str, label: str) -> Resource | None:
    return next((one for one in scan(servers, number).resources if one.label == label), None)


async def test_a_resource_is_made_and_stands_in_the_tree(servers):
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "n")
        await told.type("PHYSIO")
        await told.press("enter")
        told.has("create", "PHYSIO", "nothing writt")
        assert resource(servers, "1", "PHYSIO") is None
        await told.press("enter")
        told.has("done")
        assert resource(servers, "1", "PHYSIO") is not None
        await told.press("enter")
        told.has("PHYSIO")


async def test_a_label_that_is_there_or_refused_is_said_before_anything_is_sent(servers):
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "n")
        await told.type("dicom")
        await told.press("enter")
        told.has("! create", "DICOM exists already.", "0 to do, 1 refused")
        await told.press("escape", "n")
        await told.type("12")
        await told.press("enter")
        told.has("is no label for a resource")
        assert not [one for one in servers.lab.requests if one.method == "PUT" and "/resources/" in one.path]


async def test_files_are_deleted_by_typed_project_and_only_these(servers):
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "enter")
        told.has("scans/1/resources/DICOM", "IM0003.dcm")
        await told.press("space", "space", "d")
        told.has("2 to do. Something is deleted or replaced.")
        await told.press("enter")
        told.has("Type BRAINS to go on:")
        await told.type("BRAINS")
        await told.press("enter")
        told.has("2 done")
        found = resource(servers, "1", "DICOM")
        assert found is not None
        assert list(found.files) == ["IM0003.dcm"]
        await told.press("enter")
        assert isinstance(told.app.screen, ResourcesPanel)
        told.lacks("IM0001.dcm")


async def test_a_whole_resource_is_deleted(servers):
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "d", "enter")
        await told.type("BRAINS")
        await told.press("enter")
        told.has("1 done")
        assert resource(servers, "1", "DICOM") is None


async def test_who_may_not_delete_is_told_so_and_nothing_is_gone(servers):
    servers.sign_in_as("member")
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "d", "enter")
        await told.type("BRAINS")
        await told.press("enter")
        told.has("1 failed")
        assert resource(servers, "1", "DICOM") is not None


async def test_an_upload_is_planned_run_and_arrives(servers, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a b.txt").write_text("one")
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "u")
        await told.type(str(tmp_path / "missing"))
        await told.press("enter")
        told.has("does not exist.")
        await told.press("ctrl+u")
        await told.type(str(tmp_path / "notes"))
        await told.press("enter")
        assert isinstance(told.app.screen, PlanPanel)
        told.has("+ upload", "Nothing is replaced.", "Run 1 step")
        await told.press("enter")
        transferring = told.main.queue
        await told.until(lambda: bool(transferring.views) and transferring.running() == 0)
        found = resource(servers, "1", "DICOM")
        assert found is not None
        assert found.files["a b.txt"].size == 3


async def test_a_read_only_server_refuses_every_write(servers):
    servers.protect()
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F")
        told.has("lab is marked read-only here.")
        await told.press("n", "d", "u", "R")
        assert isinstance(told.app.screen, ResourcesPanel)


async def test_the_filter_and_the_way_back(servers):
    async with story(SCANS, "qc:BRAINS") as told:
        await told.press("enter", "j", "F", "enter", "slash")
        await told.type("0002")
        await told.press("enter")
        told.has("IM0002.dcm")
        told.lacks("IM0001.dcm")
        await told.press("escape")
        told.has("IM0001.dcm")
        await told.press("escape")
        told.has("Resources · lab:BRAINS/SUB-001/SUB-001_MR1/scans/1", "format")
        await told.press("escape")
        assert told.app.screen is told.main
