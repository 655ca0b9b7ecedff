"""Two demo servers, with a configuration and state of the test's own that know them as lab and qc."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.process import PASSWORD, USER
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site


@dataclass
class World:
    """What the explorer finds: servers with their faults and request logs, and a home folder."""

    lab: DemoServer
    qc: DemoServer
    home: Path

    def forget_servers(self) -> None:
        """As on a machine where nothing was ever saved."""
        for name in ("lab", "qc"):
            config.remove_server(name)


@pytest.fixture
def empty_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No server, no state, no password anywhere; the home folder."""
    for name in ("NO_COLOR", "XNAT_TUI_A11Y", "XNAT_HOST", "XNAT_USER", "XNAT_PASS"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in (("CONFIG", "config"), ("STATE", "state")):
        monkeypatch.setenv(f"XNAT_TUI_{name}", str(tmp_path / folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("TERM", "xterm-256color")
    return tmp_path


@pytest.fixture
def world(empty_world: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with DemoServer(source_site()) as lab, DemoServer(destination_site()) as qc:
        for name, server in (("lab", lab), ("qc", qc)):
            config.save_server(Server(name, server.url, USER))
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name.upper()}", PASSWORD)
        yield World(lab, qc, empty_world)
