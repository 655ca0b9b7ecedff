"""The demo archive behind HTTP, and what the services of the panels start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from xnat_tui.config import Server
from xnat_tui.credentials import Credential, Secret
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site
from xnat_tui.model.changes import Change, Result, apply
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.http.connection import Connection


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))


SignIn = Callable[[str], Reader]
Look = Callable[[str], Place]


@pytest.fixture
def xnat() -> Iterator[DemoServer]:
    with DemoServer(source_site()) as server:
        yield server


@pytest.fixture
def sign_in(xnat: DemoServer) -> Iterator[SignIn]:
    """Readers by user; passwords of the demo are the users' names."""
    with ExitStack() as opened:

        def sign_in_as(user: str) -> Reader:
            credential = Credential(user, Secret(user), "test")
            server = Server("lab", xnat.url, user)
            return Reader(opened.enter_context(Connection.open(server, credential)))

        yield sign_in_as


@pytest.fixture
def reader(sign_in: SignIn) -> Reader:
    return sign_in("demo")


@pytest.fixture
def look(reader: Reader) -> Look:
    """Places by short path: `BRAINS/SUB-001`."""
    return lambda path: find_one(reader, Location.parse(f"lab:{path}"))


@pytest.fixture
def carry_out() -> Callable[[list[Change], Callable[[Change], str]], list[Result]]:
    return lambda changes, do: list(apply(changes, do))
