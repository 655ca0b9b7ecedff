"""Whatever is written, here or in another process, nothing that is shown or remembered stays stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.driver import Story, story
from tests.tui.stories.conftest import World
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.services.browsing.trees import Side, Tree
from xnat_tui.services.reading.reader import Reader
from xnat_tui.tui.explorer.pane import Pane


async def rename(told: Story, label: str) -> None:
    """What is under the cursor gets another label; the panel is left when that is done."""
    await told.press("M", "ctrl+u")
    await told.type(label)
    await told.press("enter", "enter")
    told.has("1 done")
    await told.press("enter")
    assert told.app.screen is told.main


def elsewhere(*words: str) -> None:
    """A verb, run by another process of the same user."""
    done = subprocess.run([sys.executable, "-m", "xnat_tui", *words, "-y"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def go(told: Story, text: str) -> None:
    await told.press("g")
    await told.type(text)
    await told.press("enter")


async def ended(told: Story) -> None:
    """Until the transfers have ended, and what they wrote is shown."""
    queue = told.main.queue
    await told.until(lambda: bool(queue.views) and queue.running() == 0)


async def test_back_shows_what_was_renamed_since(world: World) -> None:
    async with story("lab:BRAINS", "lab:BRAINS") as told:
        await told.find("SUB-004")
        await go(told, "lab:TEACHING")
        await told.press("tab")
        await told.find("SUB-004")
        await rename(told, "SUB-004_NEW")
        await told.press("tab", "left_square_bracket")
        assert str(told.source.root.location) == "lab:BRAINS"
        assert "SUB-004_NEW" in {row.pair.key for row in told.source.rows}
        assert "SUB-004" not in {row.pair.key for row in told.source.rows}


async def test_a_visit_whose_own_place_was_renamed_is_called_so_when_one_is_back(world: World) -> None:
    async with story("lab:BRAINS/SUB-004", "qc:BRAINS") as told:
        await go(told, "lab:BRAINS")
        await told.find("SUB-004")
        await rename(told, "NEW-004")
        await told.press("left_square_bracket")
        assert str(told.source.root.location) == "lab:BRAINS/NEW-004"
        told.has("NEW-004", "SUB-004_CT1")


async def test_the_pane_that_shows_a_renamed_subject_by_itself_says_its_label(world: World) -> None:
    async with story("lab:BRAINS", "lab:BRAINS/SUB-004") as told:
        await told.find("SUB-004")
        await rename(told, "NEW-004")
        assert str(told.destination.root.location) == "lab:BRAINS/NEW-004"
        assert "NEW-004" in str(told.destination.border_title)


async def test_what_was_renamed_in_a_comparison_is_so_in_it_and_after_it(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-002")
        await told.press("equals_sign")
        await told.compared()
        await told.find("SUB-004")
        await rename(told, "NEW-004")
        await told.compared()
        told.has("NEW-004")
        told.lacks("SUB-004")
        await told.press("equals_sign")
        assert not told.main.comparison.on
        told.has("NEW-004")
        told.lacks("SUB-004")


async def test_a_resource_that_an_upload_made_stands_in_the_open_tree_and_panel(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("seen")
    async with story("lab:BRAINS/SUB-004/SUB-004_CT1", "qc:BRAINS") as told:
        told.lacks("NOTES")
        await told.press("F", "u")
        await told.type("NOTES")
        await told.press("enter")
        await told.type(str(tmp_path / "notes.txt"))
        await told.press("enter", "enter")
        await ended(told)
        told.has("Resources · ", "NOTES")
        await told.press("escape")
        await told.press("end", "right")
        told.has("resources", "NOTES")


async def test_a_copy_that_ends_while_comparing_is_compared_and_stays_after_it(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("equals_sign")
        await told.compared()
        await told.find("SUB-004")
        assert told.main.panes.cursor.destination is None
        await told.press("c", "enter")
        await ended(told)
        await told.compared()
        await told.find("SUB-004")
        assert told.main.panes.cursor.both
        assert told.main.panes.cursor.key == "SUB-004"
        await told.press("equals_sign")
        assert "SUB-004" in {pair.key for pair in told.destination.rows.root.children}


async def test_what_another_process_writes_is_seen_though_no_transfer_runs(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-005")
        elsewhere("rename", "lab:BRAINS/SUB-004", "NEW-004")
        await told.until_shown("NEW-004")
        await told.settle()
        told.lacks("SUB-004")
        assert told.main.panes.cursor.key == "SUB-005"


async def test_one_server_under_two_names_is_stale_under_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.save_server(Server("twin", world.lab.url, "demo"))
    monkeypatch.setenv("XNAT_TUI_PASSWORD_TWIN", "demo")
    async with story("lab:BRAINS", "twin:BRAINS") as told:
        await told.find("SUB-004")
        await rename(told, "NEW-004")
        for pane in (told.source, told.destination):
            labels = {pair.key for pair in pane.rows.root.children}
            assert "NEW-004" in labels
            assert "SUB-004" not in labels


@pytest.fixture
def reader_of_lab(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "reader")
    config.save_server(Server("lab", world.lab.url, "reader"))
    config.save_server(Server("boss", world.lab.url, "demo"))
    monkeypatch.setenv("XNAT_TUI_PASSWORD_BOSS", "demo")
    return world


async def test_a_refusal_is_forgotten_when_somebodys_role_has_changed(reader_of_lab: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.find("SUB-004")
        await told.press("x", "escape", "M")
        told.has("Rename: You are one of the Collaborators of BRAINS")
        elsewhere("users", "add", "boss:BRAINS", "reader", "--role", "owner")
        rights = told.app.context.rights
        project = told.source.root.items[0].id
        await told.until(lambda: not rights.refusal("lab", project))
        await told.press("x", "escape", "M")
        told.has("New label of subject SUB-004")


async def test_panels_that_stand_open_show_what_others_write(world: World) -> None:
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("U")
        told.has("private")
        elsewhere("users", "accessibility", "lab:BRAINS", "public")
        await told.until_shown("· public")
        await told.press("escape")
        await told.find("SUB-002")
        await told.press("w")
        told.has("1 open")
        elsewhere("autorun", "dismiss", "lab:BRAINS/SUB-002")
        await told.until_shown("0 open")


SESSION = "lab:BRAINS/SUB-004/SUB-004_CT1"
WRITES = {
    "rename": ["rename", SESSION, "SUB-004_NEW"],
    "demographics": ["demographics", "set", "lab:BRAINS/SUB-004", "dob=1990-01-17"],
    "share": ["share", "add", SESSION, "--into", "EMPTY"],
    "resources": ["resources", "create", f"{SESSION}/resources/NOTES"],
    "deleting": ["resources", "delete", f"{SESSION}/scans/2/resources/DICOM", "--confirm", "BRAINS"],
    "upload": ["upload", "FILE", "lab:BRAINS/SUB-004/resources/NOTES"],
    "copy": ["copy", "lab:BRAINS/SUB-004", "lab:EMPTY"],
    "prearchive": ["prearchive", "archive", "lab:BRAINS/SUB-013/SUB-013_MR1"],
}


def lines(model: Tree | None) -> list[str]:
    """Everything that is loaded in a tree, with what is known of it."""
    said = []
    assert model is not None
    for pair in model.root.walk():
        item, way = pair.item, [one.key for one in (pair, *pair.ancestors())]
        assert item is not None
        said.append(f"{way} {item.id} {dict(item.fields)} {item.files} {item.bytes} {pair.children is None}")
    return said


def read_anew(pane: Pane) -> list[str]:
    """The same levels, asked for by somebody who remembers nothing."""
    shown = pane.model
    assert shown is not None
    side = shown.source or shown.destination
    assert side is not None
    fresh = Side(Reader(side.reader.connection), side.root)
    model = Tree(None, fresh) if pane.right else Tree(fresh, None)
    opened = {
        (pair.kind, pair.group, pair.item.id) for pair in shown.root.walk() if pair.item and pair.children
    }
    waiting = [model.root]
    while waiting:
        pair = waiting.pop()
        if pair is model.root or (pair.item and (pair.kind, pair.group, pair.item.id) in opened):
            model.fill(pair)
            waiting += pair.children or ()
    return lines(model)


@pytest.mark.parametrize("name", WRITES)
async def test_nothing_that_a_verb_writes_elsewhere_is_stale_in_the_trees(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("xnat_tui.tui.transfers.queue._RESTING_SECONDS", 0.1)
    (tmp_path / "notes.txt").write_text("seen")
    async with story("lab:BRAINS", "lab:EMPTY") as told:
        await told.find("SUB-004")
        await told.press("right", "right", "right", "right")
        before = [lines(pane.model) for pane in told.main.panes]
        assert before == [read_anew(pane) for pane in told.main.panes]
        elsewhere(*(str(tmp_path / "notes.txt") if word == "FILE" else word for word in WRITES[name]))
        now = [read_anew(pane) for pane in told.main.panes]
        assert now != before
        await told.until(lambda: [lines(pane.model) for pane in told.main.panes] == now)
