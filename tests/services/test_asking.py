"""Tables: every item once, with what the server tells of it, and never a blank for what it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import source_site
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.filters import Filters
from xnat_tui.services.asking.table import Table
from xnat_tui.services.workspace import Workspace


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Iterator[DemoServer]:
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("XNAT_TUI_PASSWORD_LAB", "demo")
    with DemoServer(source_site()) as server:
        config.save_server(Server("lab", server.url, "demo"))
        yield server


@pytest.fixture
def workspace(lab) -> Iterator[Workspace]:
    with Workspace() as opened:
        yield opened


def scans_of(lab: DemoServer, project: str) -> int:
    return sum(len(one.scans) for one in lab.site.experiments.values() if one.project == project)


def test_a_project_s_scans_cost_what_one_side_of_a_comparison_costs(lab, workspace):
    table = workspace.table("scans", "lab:BRAINS")
    assert len(table.rows) == len({row["path"] for row in table.rows}) == scans_of(lab, "BRAINS")
    both, _ = workspace.compare("lab:BRAINS", "lab:BRAINS", depth="labels").requests
    assert table.requests["lab"] <= both / 2
    assert table.unreadable == ()
    assert table.seen_by == "demo"
    assert {"series_description", "quality", "parameters/te"} <= set(table.known)
    (row,) = [one for one in table.rows if one["path"] == "lab:BRAINS/SUB-001/SUB-001_MR1/scans/2"]
    told = [row[name] for name in ("subject", "session", "scan", "kind")]
    assert told == ["SUB-001", "SUB-001_MR1", "2", "scan"]


@pytest.mark.parametrize("kind", ["subjects", "sessions", "assessors", "resources", "files"])
def test_every_kind_has_its_rows_at_any_place(workspace, kind):
    whole = workspace.table(kind, "lab:BRAINS")
    one = workspace.table(kind, "lab:BRAINS/SUB-001")
    twice = workspace.table(kind, "lab:BRAINS/SUB-001", "lab:BRAINS/SUB-001")
    assert 0 < len(one.rows) < len(whole.rows)
    assert {row["path"] for row in one.rows} <= {row["path"] for row in whole.rows}
    assert [row["path"] for row in twice.rows] == [row["path"] for row in one.rows]


def test_filters_columns_and_order(workspace):
    table = workspace.table("scans", "lab:BRAINS", filters=Filters(scan_type=("T1*",)))
    chosen = table.chosen(["session", "frames"]).sorted(["-frames", "session"])
    assert chosen.columns == ("session", "frames", "path", "kind")
    frames = [int(str(row["frames"])) for row in chosen.rows]
    assert frames == sorted(frames, reverse=True)
    with pytest.raises(UsageError) as error:
        table.chosen(["sesion"])
    assert "session" in error.value.hint
    with pytest.raises(NotFound):
        workspace.table("scans", "lab:BRAINS", filters=Filters(scan_type=("NOPE",)))
    with pytest.raises(UsageError, match="no table of"):
        workspace.table("voxels", "lab:BRAINS")


def test_what_is_empty_and_what_is_not_answered_stand_at_the_end_and_are_told_apart():
    cells = {"a": None, "b": "", "c": "10", "d": "9"}
    rows = tuple({"path": path, "n": cell} for path, cell in cells.items())
    table = Table(("path", "n"), rows)
    assert [row["path"] for row in table.sorted(["n"]).rows] == ["d", "c", "a", "b"]
    assert [row["path"] for row in table.sorted(["-n"]).rows] == ["c", "d", "a", "b"]
    assert table.texts()[:2] == [["a", "!"], ["b", ""]]
    assert table.csv() == "path,n\na,!\nb,\nc,10\nd,9\n"
    assert table.document()["rows"][0] == {"path": "a", "n": None}


def test_what_cannot_be_read_is_told_and_the_rest_is_there(lab, workspace):
    session = next(one for one in lab.site.experiments.values() if one.label == "SUB-002_MR1")
    lab.faults.add(r"GET /data/(search|experiments\?).*", ErrorPage(403))
    lab.faults.add(rf"GET /data/experiments/{session.id}\?", ErrorPage(403))
    table = workspace.table("scans", "lab:BRAINS")
    lab.faults.clear()
    assert [one.path for one in table.unreadable] == ["lab:BRAINS/SUB-002/SUB-002_MR1"]
    assert len(table.rows) == scans_of(lab, "BRAINS") - len(session.scans)
