"""The demo archive, saved as two servers: `lab` for the project's owner, `root` for the administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site
from xnat_tui.services.measuring.benchmark import Budget


@pytest.fixture
def xnat() -> Iterator[DemoServer]:
    with DemoServer(source_site()) as server:
        yield server


@pytest.fixture
def run(program, xnat, monkeypatch) -> Callable[..., Result]:
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    monkeypatch.setenv("XNAT_TUI_PASSWORD_ROOT", "admin")
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LOCKED", "demo")
    program.configure(
        f'[servers.lab]\nurl = "{xnat.url}"\nuser = "demo"\n'
        f'[servers.root]\nurl = "{xnat.url}"\nuser = "admin"\n'
        f'[servers.locked]\nurl = "{xnat.url}"\nuser = "demo"\nread_only = true\n'
    )
    return program


@pytest.fixture
def writes(xnat) -> Callable[[], int]:
    """How many requests could have changed something, searches and signing in left aside."""

    def count() -> int:
        return sum(
            one.method != "GET"
            and not one.path.startswith(("/data/JSESSION", "/data/services/auth", "/data/search"))
            for one in xnat.requests
        )

    return count


@pytest.fixture
def brief_bench(monkeypatch) -> Budget:
    """`bench` asks for each thing once, whatever the time."""
    least = Budget(
        seconds=600,
        reads=3,
        read_seconds=600,
        level_seconds=0,
        flow_seconds=0,
        cut_seconds=600,
        files=2,
        small=100,
        largest=1000,
    )
    monkeypatch.setattr("xnat_tui.services.measuring.benchmark.BUDGET", least)
    return least
