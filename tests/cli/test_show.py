"""`show`: globs anywhere in a location, counts in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site


@pytest.fixture
def lab(program, monkeypatch) -> Iterator[DemoServer]:
    with DemoServer(source_site()) as server:
        monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
        assert program("server", "add", "lab", server.url, "--user", "demo").exit_code == 0
        yield server


def paths(result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [item["path"] for item in json.loads(result.stdout)["items"] if item["kind"] == "resource"]


def test_a_glob_passes_over_places_that_lack_what_is_named_below_them(program, lab):
    found = paths(program("show", "lab:BRAINS/SUB-001/SUB-001_MR1/scans/*/resources/NIFTI", "--json"))
    assert found == [f"scans/{scan}/resources/NIFTI" for scan in (2, 3, 4)]
    assert program("show", "lab:[BE]*/SUB-001").exit_code == 0


def test_a_name_that_no_place_of_a_glob_has_is_not_found(program, lab):
    result = program("show", "lab:BRAINS/*/*/scans/*/resources/NOPE")
    assert result.exit_code == 5
    assert result.stderr.startswith("Nothing matches lab:BRAINS/*/*/scans/*/resources/NOPE.\n")


def test_one_file_is_no_plural(program, lab):
    told = program("show", "lab:BRAINS/SUB-001/SUB-001_MR1", "--depth", "scans").stdout
    assert "  5  BOLD_REST  1 file  155k\n" in told
    assert "  1  LOCALIZER  3 files  42k\n" in told
