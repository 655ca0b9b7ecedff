import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import stand_in
from xnat_tui import config, credentials
from xnat_tui.config import Server
from xnat_tui.credentials import Secret

ADDRESSES = SimpleNamespace(
    source="http://127.0.0.1:8101", destination="http://127.0.0.1:8102", user="demo", password="demo"
)


@pytest.fixture
def servers(monkeypatch):
    """The demo servers, started by nobody; what was called in which order."""
    called: list[object] = []
    pair = SimpleNamespace(
        addresses=ADDRESSES,
        start=lambda: called.append("start"),
        wait=lambda: called.append("wait"),
        stop=lambda: called.append("stop"),
    )

    def free_ports(port):
        called.append(("ports", port))
        return 8101, 8102

    process = stand_in(
        "xnat_tui.demo.process",
        called=called,
        pair=pair,
        DemoFailed=type("DemoFailed", (RuntimeError,), {}),
        free_ports=free_ports,
        DemoPair=lambda ports: pair,
        serve_pair=lambda port: called.append(("serve", port)),
    )
    monkeypatch.setitem(sys.modules, "xnat_tui.demo.process", process)
    monkeypatch.setattr("xnat_tui.demo.process", process, raising=False)
    return process


@pytest.fixture
def explorer(monkeypatch, servers, terminal):
    """Looks around as the explorer and its workers would."""
    seen = SimpleNamespace()

    def run_explorer(source, destination, settings, prepare):
        servers.called.append("paint")
        prepare()
        servers.called.append("explore")
        seen.places, seen.settings = (source, destination), settings
        seen.config, seen.state = os.environ["XNAT_TUI_CONFIG"], os.environ["XNAT_TUI_STATE"]
        seen.saved = config.load().servers
        seen.credentials = [credentials.find(server) for server in seen.saved.values()]
        return 0

    app = stand_in("xnat_tui.tui.app", run_explorer=run_explorer, DEMO_WANTED=75)
    monkeypatch.setitem(sys.modules, "xnat_tui.tui.app", app)
    return seen


def test_the_explorer_opens_on_both_servers_and_they_stop_afterwards(program, servers, explorer):
    result = program("demo", "--port", "8101")
    assert result.exit_code == 0, result.stderr
    assert servers.called == [("ports", 8101), "paint", "start", "wait", "explore", "stop"]
    assert explorer.places == ("lab:BRAINS", "qc:BRAINS")
    assert explorer.saved == {
        "lab": Server("lab", "http://127.0.0.1:8101", "demo"),
        "qc": Server("qc", "http://127.0.0.1:8102", "demo"),
    }
    assert explorer.settings.servers == explorer.saved
    assert [found.secret for found in explorer.credentials] == [Secret("demo")] * 2


def test_the_demo_leaves_a_users_own_world_alone(program, explorer):
    own = "[servers.lab]\nurl = 'https://real.example.org'\n[ui]\ntheme = 'nord'\n"
    program.configure(own)
    names = ("XNAT_TUI_CONFIG", "XNAT_TUI_STATE", "XNAT_TUI_PASSWORD_QC")
    before = {name: os.environ.get(name) for name in names}
    assert program("demo").exit_code == 0
    assert program.config_file.read_text() == own
    assert {name: os.environ.get(name) for name in before} == before
    assert explorer.config != str(program.config_file.parent)
    assert not Path(explorer.config).exists()
    assert not Path(explorer.state).exists()
    assert explorer.settings.ui.theme == "nord"


def test_servers_that_do_not_start_are_told_and_stopped(program, servers, explorer):
    def fail():
        raise servers.DemoFailed("The demo servers did not start: port taken")

    servers.pair.wait = fail
    result = program("demo")
    assert result.exit_code == 3
    assert result.stderr.startswith("The demo servers did not start: port taken\n\nhint: ")
    assert servers.called == [("ports", None), "paint", "start", "stop"]


def test_without_a_terminal_nothing_is_started(program, servers):
    result = program("demo")
    assert (result.exit_code, servers.called) == (2, [])


def test_only_serving_opens_nothing(program, servers, explorer):
    assert program("demo", "--serve", "--port", "8101").exit_code == 0
    assert servers.called == [("serve", 8101)]


def test_without_the_extra_it_says_how_to_install_it(program, servers, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = program("demo")
    assert result.exit_code == 2
    assert result.stderr == (
        "The demo servers need packages that are not installed: starlette.\n\n"
        "hint: Install them with: pip install 'xnat-tui[demo]', or in a clone: pip install '.[demo]'\n"
    )
    assert servers.called == []


def test_a_port_that_is_taken_is_named(program, servers):
    def taken(port):
        raise OSError(errno.EADDRINUSE, "Address already in use")

    servers.serve_pair = taken
    result = program("demo", "--serve", "--port", "8101")
    assert result.exit_code == 2
    assert result.stderr.startswith("Ports 8101 and 8102 cannot be served on: Address already in use.\n")
    assert "--port" in result.stderr
