"""The anonymisation scripts of both panes at 80x24: compared, taken over, switched, taken back."""

from collections.abc import Iterator

import pytest

from tests.tui.demo_pair import DemoPair, demo_pair
from tests.tui.driver import story

HERE = 'version "6.1"\n(0010,0010) := "Nobody"\n(0008,0080) := "[red]here[/red]"'
THERE = 'version "6.1"\n(0010,0010) := "Somebody"\n(0008,0080) := "[red]here[/red]"'


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[DemoPair]:
    with demo_pair(tmp_path, monkeypatch) as pair:
        for server, text in ((pair.lab, HERE), (pair.qc, THERE)):
            server.site.projects["BRAINS"].settings.update(anon_script=text, anon_enabled="true")
        yield pair


async def test_both_scripts_are_shown_and_one_is_taken_over_once_its_plan_is_agreed_to(servers):
    settings = servers.lab.site.projects["BRAINS"].settings
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("A")
        told.has("lab:BRAINS: in force, 3 lines", "qc:BRAINS: in force, 3 lines")
        told.has('< (0010,0010) := "Nobody"', '> (0010,0010) := "Somebody"', '  (0008,0080) := "[red]here')
        told.shows("anonymisation_80x24")
        await told.press("t")
        told.has("Plan · script of lab:BRAINS", '- (0010,0010) := "Nobody"', '+ (0010,0010) := "Somebody"')
        assert settings["anon_script"] == HERE
        await told.press("enter", "enter")
        told.has("The two texts are the same.")
        assert settings["anon_script"].strip() == THERE
        await told.press("s")
        told.has("enabled: true → false", "$ xnat-tui anon disable lab:BRAINS")
        await told.press("enter", "enter")
        told.has("lab:BRAINS: not in force, none, or not shown by the server")
        await told.press("escape", "Z", "o")
        told.has("2 changes", "disable", "3 lines → 3 li")
        await told.press("space", "space", "enter")
        told.has("1 to do, 1 refused")


async def test_the_sites_scripts_and_a_file(servers, tmp_path):
    file = tmp_path / "own.das"
    file.write_text("version 7\n")
    async with story("lab:BRAINS", None) as told:
        await told.press("A", "t")
        told.has("No script of another place is shown here.")
        await told.press("f")
        await told.type(str(tmp_path / "none"))
        await told.press("enter")
        told.has("cannot be read: No such file or directory.")
        await told.press("f")
        await told.type(str(file))
        await told.press("enter", "enter", "enter")
        assert servers.lab.site.projects["BRAINS"].settings["anon_script"] == "version 7\n"
        await told.press("o")
        told.has("Anonymisation · lab:", "(0010,0010) := subject")
        await told.press("s", "enter")
        told.has("not allowed")
        assert servers.lab.site.settings.anonymize


async def test_who_may_not_write_is_told_so(servers):
    servers.protect()
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("A", "s")
        told.has("! lab is marked read-only here.")
