"""Signing in and out, as a user types it, against a demo server on a real port."""

import json
from collections.abc import Iterator

import pytest

from xnat_tui import config, credentials
from xnat_tui.demo.records import User
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.settings import Settings
from xnat_tui.demo.site import Site


@pytest.fixture
def xnat() -> Iterator[DemoServer]:
    site = Site(settings=Settings(context_path="/xnat"))
    site.add_user(User("olga", "s3cretive", "Olga", "Test", "olga@example.org", number=11))
    site.add_project("P1", users={"olga": "owner"})
    site.add_project("P2", users={"olga": "member"})
    site.add_project("HIDDEN")
    site.add_project("OPEN", accessibility="public")
    with DemoServer(site) as server:
        yield server


@pytest.fixture
def saved(program, xnat):
    assert program("server", "add", "lab", xnat.url + "/", "--user", "olga").exit_code == 0
    return config.load().server("lab")


def test_a_password_a_token_and_a_logout(program, xnat, saved, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "s3cretive")
    tested = program("server", "test", "lab")
    assert tested.exit_code == 0, tested.stderr
    assert tested.stdout == (
        f"server:       {xnat.url}\n"
        "version:      1.8.10\n"
        "signed in as: olga (with XNAT_TUI_PASSWORD_LAB)\n"
        "projects:     3 readable\n"
    )
    assert program("server", "login", "lab").exit_code == 0

    monkeypatch.delenv("XNAT_TUI_PASSWORD_LAB")
    (item,) = json.loads(program("server", "test", "lab", "--json").stdout)["items"]
    assert (item["signed_in_as"], item["credential"]) == ("olga", "the saved token")

    assert program("server", "logout", "lab").stderr == "Signed out of lab.\n"
    assert xnat.site.tokens == {}
    assert program("server", "test", "lab").exit_code == 4


def test_every_session_is_signed_out(program, xnat, saved, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "s3cretive")
    for verb in ("test", "login", "test", "logout"):
        assert program("server", verb, "lab").exit_code == 0
    assert xnat.site.sessions == {}


def test_a_wrong_password_is_said_and_kept_out_of_everything(program, xnat, saved, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "hunter2hunter2")
    result = program("-vv", "server", "test", "lab")
    assert result.exit_code == 4
    assert "hint: " in result.stderr
    assert "hunter2" not in result.output
    assert all(b"hunter2" not in file.read_bytes() for file in program.state.rglob("*") if file.is_file())


def test_a_token_taken_back_by_the_server_still_logs_out(program, xnat, saved, monkeypatch):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "s3cretive")
    program("server", "login", "lab")
    xnat.site.tokens.clear()
    result = program("server", "logout", "lab")
    assert (result.exit_code, result.stderr) == (
        0,
        "Signed out of lab; the server did not know the token any more.\n",
    )
    assert credentials.token(saved) is None


def test_a_guest_sees_what_is_public(program, xnat):
    xnat.site.settings.require_login = False
    program("server", "add", "open", xnat.url)
    result = program("server", "test", "open")
    assert result.exit_code == 0, result.stderr
    assert "signed in as: guest\nprojects:     1 readable\n" in result.stdout
