"""A demo server with a prearchive, and DICOM on disk that waits to be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.config import Server, Settings
from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.records import PrearchiveSession
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site
from xnat_tui.demo.study.acquisitions import LOCALIZER, T2, dicom
from xnat_tui.model.location import Location
from xnat_tui.model.prearchive import Received, Selection
from xnat_tui.services.administration.prearchive.sessions import Prearchive
from xnat_tui.services.workspace import Workspace


@pytest.fixture
def demo() -> Iterator[DemoServer]:
    with DemoServer(source_site()) as server:
        yield server


@pytest.fixture
def open_workspace(demo: DemoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Workspace]]:
    """Workspaces that know the server as `lab`, signed in as a user whose password is the name."""
    opened: list[Workspace] = []

    def workspace_of(user: str, **options: Any) -> Workspace:
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", user)
        server = Server("lab", demo.url, user, **options)
        opened.append(Workspace(Settings(servers={"lab": server})))
        return opened[-1]

    yield workspace_of
    for workspace in opened:
        workspace.close()


@pytest.fixture
def workspace(open_workspace: Callable[[str], Workspace], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("xnat_tui.services.administration.prearchive.work.POLL_SECONDS", 0.0)
    monkeypatch.setattr("xnat_tui.services.transfers.attempts.PAUSES", (0.0, 0.0))
    monkeypatch.setattr("xnat_tui.xnat.http.retry.FIRST_WAIT", 0.0)
    return open_workspace("demo")


@pytest.fixture
def prearchive(workspace: Workspace) -> Prearchive:
    return Prearchive(workspace.connection("lab"), "lab")


@pytest.fixture
def pick(prearchive: Prearchive) -> Callable[..., list[Received]]:
    """The sessions that a location selects, as of now."""

    def sessions(*locations: str) -> list[Received]:
        return [
            one
            for location in locations
            for one in prearchive.sessions(Selection(Location.parse(location).steps))
        ]

    return sessions


@pytest.fixture
def row(demo: DemoServer) -> Callable[[str], PrearchiveSession | None]:
    """What the server itself holds of a session label in its prearchive."""

    def held(label: str) -> PrearchiveSession | None:
        return next((one for one in demo.site.prearchive if one.name == label), None)

    return held


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """Two studies, nine files each, in folders of their own, and a file that is no DICOM."""
    folder = tmp_path / "incoming"
    for number, subject in enumerate(("NEW-1", "NEW-2")):
        patient = Patient(subject, f"{subject}^Secret", "F", "19800101", "044Y", "1.7", "60")
        study = Study(f"{subject}_MR1", patient, f"2024050{number + 1}", variant=number)
        for step in (LOCALIZER, T2):
            place = folder / subject / step.id
            place.mkdir(parents=True)
            for name, content in dicom(study, step).items():
                (place / name).write_bytes(b"".join(content.chunks()))
    (folder / "readme.txt").write_text("not an image")
    return folder
