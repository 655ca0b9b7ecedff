"""Paths of this machine are completed with tab, and the last ones come back with the arrows."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.driver import story
from tests.tui.stories.conftest import World
from xnat_tui.services.local_paths import completed, paths_of, recalled, remember
from xnat_tui.tui.panels.ask_path import AskPath


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some names to complete, as the home folder."""
    for name in ("study one", "study two", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "scan.nii").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / ".state"))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "longer", "left"),
    [
        ("~/sc", "~/scan.nii", []),
        ("~/st", "~/study ", ["study one/", "study two/"]),
        ("~/study o", "~/study one/", []),
        ("~/.h", "~/.hidden/", []),
        ("~/nothing", "~/nothing", []),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x", []),
    ],
)
def test_a_path_grows_as_far_as_the_names_agree(
    folder: Path, typed: str, longer: str, left: list[str]
) -> None:
    assert completed(typed) == (longer, left)


def test_among_several_paths_the_last_one_grows_and_is_quoted_where_it_must_be(folder: Path) -> None:
    line, _ = completed("~/scan.nii ~/sc", several=True)
    assert line == "~/scan.nii ~/scan.nii"
    (folder / "a b.csv").touch()
    line, _ = completed(f"~/scan.nii {folder}/a", several=True)
    assert paths_of(line) == [folder / "scan.nii", folder / "a b.csv"]


def test_one_path_with_blanks_needs_no_quotes(folder: Path) -> None:
    assert paths_of("~/study one") == [folder / "study one"]
    assert paths_of("a 'b c'") == [Path("a"), Path("b c")]
    assert paths_of("it's") == [Path("it's")]


def test_what_was_answered_is_kept_privately_the_newest_first(folder: Path) -> None:
    for number in range(12):
        remember(f"/data/{number}")
    remember("/data/5")
    assert recalled()[:2] == ["/data/5", "/data/11"]
    assert len(recalled()) == 10
    kept = folder / ".state" / "paths.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_text("nonsense")
    assert recalled() == []


async def test_the_folder_of_an_export_is_completed_and_recalled(world: World, folder: Path) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("e")
        told.has("Folder to download into:", "tab Complete")
        await told.press("ctrl+u")
        await told.type("~/st")
        await told.press("tab")
        told.has("study one/  study two/")
        await told.type("o")
        await told.press("tab", "enter")
        told.has("Layout of the folder")
        await told.press("escape")
        await told.press("e", "up")
        assert told.panel(AskPath).query_one(Input).value == "~/study one/"
