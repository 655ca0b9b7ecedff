"""DICOM headers and images, through the screen at 80×24."""

import io
from collections.abc import Iterator

import pytest
from pydicom import dcmread
from textual.widgets import OptionList

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story
from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.tui.panels.header import HeaderPanel
from xnat_tui.tui.panels.image import ImagePanel

SESSION = "lab:BRAINS/SUB-001/SUB-001_MR1"


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


async def test_a_scans_header_is_shown_with_patient_fields_masked_until_asked_for(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "D")
        told.has("DICOM header · lab:BRAINS/SUB-001/SUB-001_MR1/scans/2", "file 1 of 10", "62 of 62 elements")
        await told.press("slash")
        await told.type("patient's")
        assert "•••" in told.line_with("Patient's Sex")
        await told.press("enter", "H")
        assert told.line_with("Patient's Sex").split()[-2] in ("F", "M")
        told.lacks("masked")
        await told.press("H", "escape")
        told.has("62 of 62 elements", "Patient fields are masked")
        await told.press("escape")
        assert told.app.screen is told.main


async def test_a_header_is_shown_before_and_after_a_de_identification(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "D", "b")
        await told.pilot.app.workers.wait_for_complete()
        await told.press("slash")
        told.has("before and after the basic profile", "change")
        await told.type("patient's name")
        assert "(by the key)" in told.line_with("Patient's Name")
        await told.press("enter", "escape", "b")
        told.has("62 of 62 elements")
        told.lacks("before and after")


async def test_next_and_previous_file(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "D", "right_square_bracket", "right_square_bracket")
        told.has("file 3 of 10 IM0003.dcm")
        await told.press("left_square_bracket")
        told.has("file 2 of 10 IM0002.dcm")


async def test_two_headers_stand_side_by_side_differences_first(servers):
    async with story("lab:BRAINS/SUB-005/SUB-005_PETMR1", "qc:BRAINS/SUB-005/SUB-005_PETMR1") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("enter", "j", "D")
        assert isinstance(told.app.screen, HeaderPanel)
        told.has("headers alike, pixels not compared")
        assert told.line_with("Series Date").count("20240") == 2


async def test_two_differing_headers_tell_first_what_differs(servers):
    """The destination's file was anonymised and rewritten by another program."""
    (session,) = [one for one in servers.qc.site.experiments.values() if one.label == "SUB-001_MR1"]
    (resource,) = [one for one in session.scans["2"].resources if one.label == "DICOM"]
    entry = resource.files["IM0001.dcm"]
    header = dcmread(io.BytesIO(b"".join(entry.data.chunks())))
    header.PatientName, header.EchoTime, header.SoftwareVersions = "Anonymous", "3.5", "XA30"
    header.Manufacturer = "東京\x1b[2J [bold]medical[/bold] and more than there is room for"
    del header.PatientSex
    written = io.BytesIO()
    header.save_as(written)
    entry.data = BytesContent(written.getvalue())
    place = "BRAINS/SUB-001/SUB-001_MR1"
    async with story(f"lab:{place}", f"qc:{place}") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.press("enter", "j", "j", "D")
        told.shows("headers_80x24")
        glyphs = [line[2] for line in told.lines[3:9]]
        assert glyphs == ["*", "*", "<", "*", ">", " "]

        await told.press("j", "j", "j", "j", "j", "j", "k", "N", "N")
        assert told.app.screen.query_one(OptionList).highlighted == 3
        await told.press("n", "n")
        told.has("No further difference")
        await told.press("H")
        assert "Anonymous" in told.line_with("Patient's Name")

        await told.press("slash")
        await told.type("echo t")
        assert told.line_with("Echo Time").split()[-3:-1] == ["2.98", "3.5"]
        told.has("1 of ")
        await told.press("escape", "right_square_bracket")
        told.has("file 2 of 10 IM0002.dcm", "headers alike, pixels not compared")


async def test_what_has_no_dicom_says_so_in_place(servers):
    async with story("lab:BRAINS/SUB-001", "qc:BRAINS") as told:
        await told.press("G", "D")
        told.has("DICOM header: put the cursor on a session, scan, resource or file")


async def test_a_header_that_cannot_be_read_is_not_still_being_read(servers):
    async with story("lab:BRAINS/SUB-009/SUB-009_MR1", "qc:BRAINS") as told:
        await told.press("G", "l", "l", "l", "l", "D")
        assert isinstance(told.app.screen, HeaderPanel)
        told.has("This is no DICOM file.")
        told.lacks("Reading …")


async def test_a_scan_is_drawn_and_paged_through(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I")
        assert isinstance(told.app.screen, ImagePanel)
        told.has("1 of 10 IM0001.dcm instance 1 80 × 80 at -50.2 mm window 450 / 900")
        drawn = told.screen.count("▀")
        assert drawn == 38 * 19
        await told.press("right", "right", "left")
        told.has("2 of 10 IM0002.dcm")
        await told.press("end")
        told.has("10 of 10 IM0010.dcm")
        await told.press("right")
        told.has("10 of 10 IM0010.dcm")


async def test_window_and_level_are_moved_and_set_back(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I", "up", "plus")
        told.has("window 360 / 750")
        await told.press("0")
        told.has("window 450 / 900")


async def test_slices_are_put_in_order_and_the_shown_one_stays(servers):
    (session,) = [one for one in servers.lab.site.experiments.values() if one.label == "SUB-001_MR1"]
    (resource,) = [one for one in session.scans["2"].resources if one.label == "DICOM"]
    entry = resource.files.pop("IM0001.dcm")
    resource.add(FileEntry("ZZ.dcm", entry.data, entry.data.md5, entry.data.size, "DICOM", ""))
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I")
        told.has("1 of 10 IM0002.dcm instance 2")
        await told.press("o")
        told.has("2 of 10 IM0002.dcm instance 2")
        await told.press("left")
        told.has("1 of 10 ZZ.dcm instance 1")


async def test_snapshots_stand_in_and_back(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I", "s")
        told.has("1 of 2 SUB-001_MR1_2_qc.gif 80 × 80")
        await told.press("s")
        told.has("1 of 10 IM0001.dcm")


async def test_keys_pressed_while_a_file_comes_fetch_only_the_last_one(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I")
        before = len(servers.lab.requests)
        for _ in range(5):
            await told.pilot.press("pagedown")
            await told.pilot.press("home")
        await told.pilot.press("end")
        await told.settle()
        told.has("10 of 10 IM0010.dcm")
        assert len(servers.lab.requests) - before <= 5


async def test_a_failed_slice_says_so_and_the_others_still_come(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I")
        servers.lab.faults.add(r"GET .*IM0002\.dcm", ErrorPage(500), times=1)
        await told.press("right")
        told.has("! ", "Simulated failure")
        await told.press("right")
        told.has("3 of 10 IM0003.dcm")


async def test_without_colours_brightness_is_told_by_characters(servers, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I", "right", "right", "right", "right")
        assert "▀" not in told.screen
        assert told.screen.count("▓") > 50
        assert told.screen.count("▒") > 20


async def test_the_header_of_the_slice_is_one_key_away(servers):
    async with story(SESSION, "qc:BRAINS") as told:
        await told.press("enter", "j", "j", "I", "right", "D")
        assert isinstance(told.app.screen, HeaderPanel)
        told.has("file 2 of 10 IM0002.dcm")
