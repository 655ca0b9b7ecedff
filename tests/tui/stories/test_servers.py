"""The Servers panel, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.driver import Story, story
from tests.tui.stories.conftest import World
from xnat_tui import config, credentials
from xnat_tui.config import Server
from xnat_tui.demo.process import PASSWORD, USER
from xnat_tui.tui.context import DEMO_WANTED


async def fill(told: Story, *texts: str) -> None:
    """Type into one field after the other, from the name on."""
    for text in texts:
        if text:
            await told.press("home", "ctrl+k")
            await told.type(text)
        await told.press("tab")


@pytest.fixture
def unsaved(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Servers that run, and of which the explorer knows nothing."""
    world.forget_servers()
    for name in ("LAB", "QC"):
        monkeypatch.delenv(f"XNAT_TUI_PASSWORD_{name}")
    return world


async def test_a_first_start_offers_the_demo(empty_world: Path) -> None:
    async with story(None, None) as told:
        told.shows("first_start_80x24")
        await told.press("enter")
    assert told.app.return_value == DEMO_WANTED


async def test_a_server_is_added_tested_signed_in_to_and_opened(unsaved: World) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", unsaved.lab.url, USER, PASSWORD)
        await told.press("ctrl+t")
        told.has("signed in as demo", "projects readable")
        told.shows("server_tested_80x24")
        await told.press("ctrl+s", "enter")
        assert str(told.source.root.location) == "lab:"
        told.has("BRAINS")
    assert config.load().servers["lab"].url == unsaved.lab.url
    assert PASSWORD not in config.config_file().read_text().replace(USER, "", 1)


async def test_the_right_pane_is_chosen_in_the_form(world: World) -> None:
    async with story("lab:", None) as told:
        await told.press("ctrl+o")
        told.app.screen.query_one("#right").focus()
        await told.press("space")
        told.app.screen.query_one("#servers").focus()
        await told.press("enter")
        assert str(told.destination.root.location) == "lab:"
        assert str(told.source.root.location) == "lab:"
        await told.find("BRAINS")
        await told.press("l")
        told.lacks("R retries")


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        pytest.param(USER, "wrong", "refused", id="wrong-password"),
        pytest.param("expired", "expired", "expired", id="expired-password"),
        pytest.param("disabled", "disabled", "refused", id="disabled"),
    ],
)
async def test_a_refused_sign_in_is_told_in_place(
    unsaved: World, user: str, password: str, words: str
) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", unsaved.lab.url, user, password)
        await told.press("ctrl+t")
        told.has(f"! {words}", "! ")
        if words == "expired":
            told.has("password")
        assert told.app.screen.query_one("#password", Input).value == ""
        await fill(told, "", "", "", "")
        assert told.app.is_running


async def test_no_route_a_bad_address_and_a_bad_name_are_told_in_place(empty_world: Path) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", "127.0.0.1")
        await told.press("ctrl+t")
        told.has("is no http or https address", "Write it as https://xnat.example.org/")
        assert not config.load().servers
        told.app.screen.query_one("#name").focus()
        await fill(told, "lab", "http://127.0.0.1:9")
        await told.press("ctrl+t")
        told.has("nothing answers at this address", "! unreachable")
        told.shows("server_unreachable_80x24")
        told.app.screen.query_one("#name").focus()
        await fill(told, "my lab")
        await told.press("ctrl+s")
        told.has("cannot name a server")


async def test_a_ca_file_that_is_not_there_is_told(empty_world: Path) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", "https://127.0.0.1:9", "", "", "/nowhere/ca.pem")
        await told.press("ctrl+t")
        told.has("There is no CA file /nowhere/ca.pem.")


async def test_tls_that_cannot_be_verified_is_told(unsaved: World) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", unsaved.lab.url.replace("http:", "https:"))
        await told.press("ctrl+t")
        told.has("! Asking lab")


async def test_a_password_is_exchanged_for_a_token(unsaved: World) -> None:
    async with story(None, None) as told:
        await told.press("ctrl+n")
        await fill(told, "lab", unsaved.lab.url, USER, PASSWORD)
        told.app.screen.query_one("#token").focus()
        await told.press("space", "ctrl+t")
        told.has("Token saved")
    saved = credentials.find(config.load().servers["lab"], None)
    assert saved is not None
    assert saved.is_token


async def test_a_server_is_forgotten_after_a_question(world: World) -> None:
    async with story("lab:", "qc:") as told:
        await told.press("ctrl+o", "ctrl+d")
        told.has("Forget lab, and its saved token?")
        await told.press("enter")
        assert "lab" in config.load().servers, "Cancel has the focus"
        await told.press("ctrl+d", "tab")
        told.app.screen.query_one("#yes").focus()
        await told.press("enter")
        told.has("Forgot lab.")
        assert "lab" not in config.load().servers


async def test_a_password_is_asked_for_where_none_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_TUI_PASSWORD_LAB")
    async with story(None, "qc:") as told:
        await told.pilot.press("o")
        await told.settle()
        await told.type("lab")
        await told.pilot.press("enter")
        await told.until_shown("Sign in")
        for character in PASSWORD:
            await told.pilot.press(character)
        assert told.app.screen.query_one(Input).password
        await told.press("enter")
        await told.type("all projects")
        await told.press("enter")
        assert str(told.source.root.location) == "lab:"


async def test_read_only_servers_refuse_a_copy_with_the_reason(world: World) -> None:
    config.save_server(Server("qc", world.qc.url, USER, read_only=True))
    async with story("lab:BRAINS", "qc:BRAINS") as told:
        await told.press("c")
        told.has("Copy: qc is marked read-only here")
        await told.press("x")
        told.has("not now: qc is marked read-only here")
