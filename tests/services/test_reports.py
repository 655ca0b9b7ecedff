"""Reports of labels that mean something to a spreadsheet, a browser or Markdown."""

from __future__ import annotations

import csv
import io
import os
import stat
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


@pytest.mark.parametrize("value", ["=1+1", "+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)"])
def test_a_spreadsheet_runs_nothing(value):
    (row,) = csv.DictReader(io.StringIO(reports.as_csv(found(value))))
    assert row["source"] == f"'{value}"


@pytest.mark.parametrize("value", ["-2", "-0.5", "-1e-6", "-", "a=b", "=", "2024-01-01"])
def test_figures_and_words_stay_as_they_are(value):
    (row,) = csv.DictReader(io.StringIO(reports.as_csv(found(value))))
    assert row["source"] == value


def test_markdown_shows_labels_and_obeys_none():
    lines = reports.as_markdown(found("x")).splitlines()
    safe = "&lt;b&gt;a\\|b\\*c\\_d\\`e␍␊f&lt;/b&gt;"
    assert lines[0] == f"# lab:P/{safe} ⇄ qc:P"
    assert "- not counted as differences: xnat\\_\\*, \\*\\_info" in lines
    assert lines[-1] == f"| \\* | differs | subject | subjects/{safe} | note | x |  |  |"


def test_html_shows_labels_and_obeys_none():
    text = reports.as_html(found("<script>alert(1)</script>"))
    assert "<b>" not in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


HOSTILE = "a\x1b[31m\u202eb\u2028c\x85d\x07=HYPERLINK(1)"


@pytest.mark.parametrize("name", ["r.csv", "r.md", "r.html", "r.json"])
def test_no_report_holds_what_steers_a_terminal_or_turns_a_line_around(tmp_path, name):
    document = found(HOSTILE)
    document["source"] = document["destination"] = f"lab:{HOSTILE}"
    document["items"][0] |= {"path": HOSTILE, "note": HOSTILE}
    document["seen_by"]["source"] = HOSTILE
    reports.write_document(document, tmp_path / name)
    text = (tmp_path / name).read_text()
    assert not set(text) & set(HOSTILE) - {one for one in HOSTILE if one.isprintable()}
    assert not any(line.startswith("=") for line in text.splitlines())


def test_a_raw_table_has_the_text_itself():
    (row,) = csv.DictReader(io.StringIO(reports.as_csv(found("=1\x1b"), raw=True), newline=""))
    assert row["source"] == "=1\x1b"


@pytest.mark.parametrize("name", ["r.csv", "r.md", "r.html", "r.json"])
def test_only_its_user_reads_a_report_unless_others_are_to(tmp_path, name, monkeypatch):
    path = tmp_path / name
    assert not reports.write_document(found("x"), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not reports.write_document(found("x"), path, readable=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert reports.write_document(found("x"), path), "what others could read is told"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_report_is_private_before_anything_is_in_it(tmp_path, monkeypatch):
    modes: list[int] = []
    fsync = os.fsync

    def look(descriptor):
        modes.extend(stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    reports.write_document(found("x"), tmp_path / "r.csv")
    assert modes == [0o600]


def test_where_a_report_cannot_stand_is_said_without_touching_anything(tmp_path):
    reports.check_file(tmp_path / "new.md")
    (tmp_path / "folder.md").mkdir()
    for name in ("missing/new.md", "folder.md"):
        with pytest.raises(UsageError, match="cannot be written: its folder is not there"):
            reports.check_file(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.md"]
