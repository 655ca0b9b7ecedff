"""Reports of labels that mean something to a spreadsheet, a browser or Markdown."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from xnat_tui.errors import UsageError
from xnat_tui.services.comparing import reports

LABEL = "<b>a|b*c_d`e\r\nf</b>"


def found(*values: str) -> dict[str, Any]:
    fields = [{"name": "note", "source": value, "destination": ""} for value in values]
    return {
        "source": f"lab:P/{LABEL}",
        "destination": "qc:P",
        "depth": "sizes",
        "summary": {"differs": 1},
        "items": [{"path": f"subjects/{LABEL}", "kind": "subject", "status": "differs", "fields": fields}],
        "seen_by": {"source": "demo", "destination": "demo"},
        "neutral_fields": ["xnat_*", "*_info"],
    }


@pytest.mark.parametrize("value", ["=1+1", "+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_runs_nothing(value):
    (row,) = csv.DictReader(io.StringIO(reports.as_csv(found(value))))
    assert row["source"] == f"'{value}"


@pytest.mark.parametrize("value", ["-2", "-0.5", "-1e-6", "-", "a=b", "=", "2024-01-01"])
def test_figures_and_words_stay_as_they_are(value):
    (row,) = csv.DictReader(io.StringIO(reports.as_csv(found(value))))
    assert row["source"] == value


def test_markdown_shows_labels_and_obeys_none():
    lines = reports.as_markdown(found("x")).splitlines()
    safe = "&lt;b&gt;a\\|b\\*c\\_d\\`e f&lt;/b&gt;"
    assert lines[0] == f"# lab:P/{safe} ⇄ qc:P"
    assert "- not counted as differences: xnat\\_\\*, \\*\\_info" in lines
    assert lines[-1] == f"| \\* | differs | subject | subjects/{safe} | note | x |  |  |"


def test_html_shows_labels_and_obeys_none():
    text = reports.as_html(found("<script>alert(1)</script>"))
    assert "<b>" not in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_where_a_report_cannot_stand_is_said_without_touching_anything(tmp_path):
    reports.check_file(tmp_path / "new.md")
    (tmp_path / "folder.md").mkdir()
    for name in ("missing/new.md", "folder.md"):
        with pytest.raises(UsageError, match="cannot be written: its folder is not there"):
            reports.check_file(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.md"]
