"""The command line with a demo server saved as `lab`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from xnat_tui.demo.images import Patient, Study
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site
from xnat_tui.demo.study.acquisitions import LOCALIZER, dicom


@pytest.fixture
def demo(program, monkeypatch) -> Iterator[DemoServer]:
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    monkeypatch.setattr("xnat_tui.services.administration.prearchive.work.POLL_SECONDS", 0.0)
    with DemoServer(source_site()) as server:
        program.configure(f'[servers.lab]\nurl = "{server.url}"\nuser = "demo"\n')
        yield server


@pytest.fixture
def incoming(tmp_path) -> Path:
    """A study of three files, one of them in a folder below."""
    folder = tmp_path / "incoming"
    (folder / "more").mkdir(parents=True)
    study = Study("N", Patient("NEW-1", "New^One", "F", "19800101", "044Y", "1.7", "60"), "20240501")
    for number, (name, content) in enumerate(dicom(study, LOCALIZER).items()):
        place = folder / "more" if number else folder
        (place / name).write_bytes(b"".join(content.chunks()))
    return folder
