"""The demographics panel, through the screen at 80×24, and what the server holds afterwards."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import Story, story
from xnat_tui.demo.archive import Subject
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.demographics import DemographicsPanel


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        yield pair


def stored(servers: DemoPair, label: str) -> Subject:
    project = servers.lab.site.projects["BRAINS"]
    return next(subject for subject in project.subjects.values() if subject.label == label)


async def to_field(told: Story, name: str) -> None:
    panel = told.app.screen
    assert isinstance(panel, DemographicsPanel)
    while panel.row is None or panel.row.field_name != name:
        await told.press("down")


async def test_fields_are_edited_reviewed_and_stored_to_the_letter(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("E")
        told.has("Demographics · lab:BRAINS/SUB-002 · 1 subject", "handedness", "right")
        told.has("It is shared into TEACHING and changes there too.")
        await told.type("female")
        await to_field(told, "dob")
        await told.type("1961-04-09")
        await to_field(told, "ethnicity")
        await told.type("Müller & Söhne")
        told.has("3 changes.")
        await told.press("ctrl+s")
        assert isinstance(told.app.screen, ChangesPanel)
        told.has("nothing written yet", "gender: unknown → female", "Run 1 row")
        assert stored(servers, "SUB-002").fields["gender"] == "unknown"
        await told.press("enter")
        told.has("done")
        fields = stored(servers, "SUB-002").fields
        assert (fields["gender"], fields["dob"], fields["ethnicity"]) == (
            "female",
            "1961-04-09",
            "Müller & Söhne",
        )
        await told.press("enter")
        told.has("0 changes.")
        assert told.line_with("ethnicity").count("Müller & Söhne") == 2


async def test_what_cannot_stand_is_said_while_it_is_typed_and_never_sent(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("E", "down")
        await told.type("1961-02-30")
        told.has("! date of birth", "1961-02-30 is not in the calendar.")
        await told.press("ctrl+s")
        assert isinstance(told.app.screen, DemographicsPanel)
        told.has("That cannot stand")
        await told.press("ctrl+z")
        told.has("0 changes.")
        assert "dob" not in {name for name, text in stored(servers, "SUB-002").fields.items() if text}


async def test_many_subjects_show_their_values_and_keep_what_was_not_touched(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        before = {label: dict(stored(servers, label).fields) for label in ("SUB-001", "SUB-002")}
        await told.find("SUB-001")
        await told.press("space", "space", "E")
        told.has("2 items · 2 subjects", "several values: they stay")
        await to_field(told, "race")
        await told.type("not asked")
        await told.press("ctrl+s")
        told.has("Run 2 rows")
        await told.press("enter")
        for label, fields in before.items():
            assert stored(servers, label).fields == {**fields, "race": "not asked"}


async def test_a_field_is_cleared_and_a_variable_is_added(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("E")
        await to_field(told, "group")
        await told.press("ctrl+x", "ctrl+n")
        await told.type("room")
        await told.press("enter")
        await told.type("north")
        await told.press("ctrl+s", "enter")
        told.has("done")
        subject = stored(servers, "SUB-002")
        assert (subject.fields.get("group", ""), subject.variables["room"]) == ("", "north")


async def test_headers_fill_in_only_what_they_agree_on_and_show_the_rest(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-012")
        await told.press("E", "ctrl+r")
        told.has("Fill in from DICOM headers")
        await told.press("enter")
        assert isinstance(told.app.screen, ChangesPanel)
        told.has("1 to do, 3 refused", "gender: M in SUB-012_MR1; F in SUB-012_OT1", "850 in SUB-012_OT1")
        await told.press("down", "down")
        told.has("! refused: weight: SUB-012_OT1: 850 is not plausible: 0.1 to 700 is.")
        assert not [one for one in servers.lab.requests if one.method == "PUT" and "/subjects/" in one.path]


async def test_a_table_is_exported_changed_and_imported(servers, tmp_path):
    file = tmp_path / "people.csv"
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("space", "space", "E", "ctrl+t")
        await told.type("export")
        await told.press("enter", "ctrl+u")
        await told.type(str(file))
        await told.press("enter")
        told.has("Wrote 2 subjects")
        assert file.read_text().startswith("subject,ID,project,gender")
        file.write_text("\ufeffsubject;race\nSUB-001;0123\nSUB-999;x\n", encoding="utf-8")
        await told.press("ctrl+t", "enter")
        await told.type(str(file))
        await told.press("enter")
        told.has("! set", "line 3: there is no such subject.", "1 to do, 1 refused")
        await told.press("enter")
        assert stored(servers, "SUB-001").fields["race"] == "0123"


async def test_a_bad_table_is_named_by_line_and_column(servers, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("subject,dob\nSUB-001,31.12.1999\n")
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("E", "ctrl+t", "enter")
        await told.type(str(file))
        await told.press("enter")
        told.has("bad.csv, line 2, column dob", "is no date: write YYYY-MM-DD.")


async def test_a_refused_row_does_not_stop_the_others(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-001")
        await told.press("space", "space", "E")
        await to_field(told, "race")
        await told.type("asked")
        await told.press("ctrl+s")
        servers.lab.faults.add("PUT .*subjects", ErrorPage(500), times=1)
        await told.press("enter")
        told.has("1 done, 1 failed")
        races = [stored(servers, label).fields.get("race") for label in ("SUB-001", "SUB-002")]
        assert races.count("asked") == 1


async def test_a_read_only_server_shows_and_says_why_nothing_can_be_written(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("E")
        told.has("lab is marked read-only here.", "handedness")
        await told.type("female")
        await told.press("ctrl+s", "ctrl+r")
        assert isinstance(told.app.screen, DemographicsPanel)
        told.has("0 changes.")


async def test_typed_changes_are_not_lost_by_one_escape(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("E")
        await told.type("male")
        await told.press("escape")
        told.has("Nothing was written", "Discard 1 change")
        await told.press("enter")
        told.has("1 change.")
        await told.press("escape", "down", "enter")
        assert told.app.screen is told.main


async def test_one_field_of_several_subjects_is_edited_a_value_for_each(servers):
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        for label in ("SUB-001", "SUB-002", "SUB-004"):
            await told.find(label)
            await told.press("space")
        await told.press("E")
        await to_field(told, "handedness")
        await told.press("f4")
        told.has("handedness · 3 subjects", "SUB-002", "SUB-004")
        before = stored(servers, "SUB-004").fields.get("handedness", "")
        await told.press("ctrl+u")
        await told.type("left")
        await told.press("down", "ctrl+u")
        await told.type("sideways")
        await told.press("ctrl+s")
        told.has("That cannot stand", "2 changes.")
        await told.press("ctrl+z", "ctrl+u")
        await told.type("ambidextrous")
        await told.press("ctrl+s")
        assert isinstance(told.app.screen, ChangesPanel)
        told.has("right → left", "right → ambidextrous", "2 to do")
        await told.press("enter")
        told.has("2 done")
        assert stored(servers, "SUB-001").fields["handedness"] == "left"
        assert stored(servers, "SUB-002").fields["handedness"] == "ambidextrous"
        assert stored(servers, "SUB-004").fields.get("handedness", "") == before
