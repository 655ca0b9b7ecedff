"""`table` as people and scripts read it."""

from __future__ import annotations

import csv
import io
import json

from xnat_tui.demo.faults import ErrorPage


def test_rows_for_people_scripts_and_spreadsheets(program, lab):
    told = program("table", "sessions", "lab:BRAINS", "--columns", "session,date", "--sort", "-date")
    lines = told.stdout.splitlines()
    assert told.exit_code == 0
    assert lines[0].split() == ["session", "date", "path", "kind"]
    assert "as seen by demo" in told.stderr
    document = json.loads(program("table", "sessions", "lab:BRAINS", "--json").stdout)
    assert {"path", "kind", "project", "session"} <= set(document["columns"])
    assert len(document["rows"]) == len(lines) - 1
    assert document["as"] == "demo"
    rows = list(csv.DictReader(io.StringIO(program("table", "sessions", "lab:BRAINS", "--csv").stdout)))
    assert [row["session"] for row in rows] == [row["session"] for row in document["rows"]]


def test_columns_that_there_are_and_one_that_there_is_not(program, lab):
    told = program("table", "subjects", "lab:BRAINS", "--list-columns")
    assert "gender" in told.stdout.splitlines()
    wrong = program("table", "subjects", "lab:BRAINS", "--columns", "gendr")
    assert wrong.exit_code == 2
    assert "gender" in wrong.stderr


def test_what_cannot_be_read_is_a_failure_that_is_named(program, lab):
    lab.faults.add(r"GET /data/.*scan", ErrorPage(403))
    lab.faults.add(r"GET /data/experiments/[A-Z]", ErrorPage(403))
    lab.faults.add(r"(GET|POST) /data/search", ErrorPage(403))
    told = program("table", "scans", "lab:BRAINS/SUB-001", "--json")
    assert told.exit_code == 6
    assert json.loads(told.stdout)["unreadable"]
