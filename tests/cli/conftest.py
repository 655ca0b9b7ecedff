from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from xnat_tui.cli.root import cli
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site


def stand_in(name: str, **held: object) -> ModuleType:
    """A module of that name with nothing else in it."""
    module = ModuleType(name)
    vars(module).update(held)
    return module


@dataclass
class Program:
    """The command line in this process, with its own configuration and state."""

    config_file: Path
    state: Path

    def __call__(self, *arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=input)

    def configure(self, text: str) -> None:
        self.config_file.parent.mkdir(exist_ok=True)
        self.config_file.write_text(text)


@pytest.fixture
def program(tmp_path, monkeypatch):
    for name in ("XNAT_HOST", "XNAT_USER", "XNAT_PASS", "NO_COLOR", "FORCE_COLOR", "XNAT_TUI_PASSWORD_LAB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    return Program(tmp_path / "config" / "config.toml", tmp_path / "state")


@pytest.fixture
def terminal(monkeypatch):
    """Somebody sits there and can be asked."""
    monkeypatch.setattr("xnat_tui.cli.state.has_terminal", lambda: True)


@pytest.fixture
def lab(program, monkeypatch) -> Iterator[DemoServer]:
    """A demo server with the study, saved as lab."""
    with DemoServer(source_site()) as server:
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        assert program("server", "add", "lab", server.url, "--user", "demo").exit_code == 0
        yield server
