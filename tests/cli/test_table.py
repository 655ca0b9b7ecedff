"""`table`: rows by address, columns by XNAT's names, in every form the same."""

from __future__ import annotations

import csv
import io
import json

import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from xnat_tui.demo.faults import ErrorPage
from xnat_tui.services.asking import writing


def test_rows_begin_with_the_address_that_other_verbs_take(program, lab):
    told = program("table", "scans", "lab:BRAINS/SUB-001/SUB-001_MR1", "--columns", "type,quality")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0].split() == ["LOCATION", "type", "quality"]
    assert lines[1].split() == ["lab:BRAINS/SUB-001/SUB-001_MR1/scans/1", "LOCALIZER", "usable"]
    assert program("show", lines[1].split()[0]).exit_code == 0
    assert told.stderr.endswith(" scans, as seen by demo.\n")


def test_the_document_has_path_kind_and_project_in_every_row(program, lab):
    told = program(
        "table", "sessions", "lab:BRAINS/SUB-001", "--columns", "date", "--sort", "-date", "--json"
    )
    document = json.loads(told.stdout)
    assert set(document) == {"columns", "rows", "unreadable", "as", "requests"}
    assert document["columns"] == ["date", "project", "kind", "path"]
    assert document["rows"][0] == {
        "date": "2025-03-07",
        "project": "BRAINS",
        "kind": "experiment",
        "path": "projects/BRAINS/subjects/SUB-001/experiments/SUB-001_MR2",
    }
    assert (document["as"], document["unreadable"]) == ("demo", [])
    assert document["requests"]["lab"] > 0


def test_what_is_not_told_is_an_exclamation_mark_null_and_exit_code_6(program, lab):
    arguments = ("table", "scans", "lab:BRAINS", "--columns", "startTime")
    text, document = program(*arguments), json.loads(program(*arguments, "--json").stdout)
    assert text.exit_code == 6
    assert text.stdout.splitlines()[1].split()[1] == "!"
    assert "! lab:BRAINS: startTime is not told of " in text.stderr
    assert document["rows"][0]["startTime"] is None
    assert document["unreadable"][0]["path"] == "projects/BRAINS"
    rows = list(csv.DictReader(io.StringIO(program(*arguments, "--csv").stdout)))
    assert [row["startTime"] for row in rows] == [row["startTime"] or "!" for row in document["rows"]]


def test_a_project_whose_sessions_are_refused_is_no_empty_table(program, lab):
    lab.faults.add("/data/projects/LEGACY/subjects", ErrorPage(403, "Not your project"))
    told = program("table", "subjects", "lab:LEGACY", "--columns", "gender", "--json")
    assert told.exit_code == 6
    document = json.loads(told.stdout)
    assert document["rows"] == []
    assert [one["path"] for one in document["unreadable"]] == ["projects/LEGACY"]


def test_columns_of_this_place_are_listed_and_others_are_refused_with_the_nearest(program, lab):
    listed = program("table", "scans", "lab:BRAINS", "--list-columns").stdout.splitlines()
    assert {"path", "type", "parameters/tr", "subject.fields/cohort", "session.date"} <= set(listed)
    told = program("table", "scans", "lab:BRAINS", "--columns", "qualty")
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == "There is no column 'qualty' here.\n\nhint: Did you mean quality?\n"
    assert program("table", "scans", "lab:BRAINS", "--sort", "-qualty").exit_code == 2


def test_files_hold_the_same_rows_with_who_saw_them(program, lab, tmp_path):
    columnar, book = tmp_path / "scans.parquet", tmp_path / "scans.xlsx"
    arguments = ("table", "scans", "lab:BRAINS", "--columns", "scan,startTime,files")
    told = program(*arguments, "--json", "--parquet", str(columnar), "--xlsx", str(book))
    document = json.loads(told.stdout)
    found = parquet.read_table(columnar)
    assert found.to_pylist() == document["rows"]
    about = json.loads(found.schema.metadata[b"xnat-tui"])
    assert (about["as"], about["unreadable"]) == ("demo", document["unreadable"])
    sheets = load_workbook(book)
    head, *rows = sheets["rows"].iter_rows(values_only=True)
    assert list(head) == document["columns"]
    assert [row[1] or "" for row in rows] == [
        "!" if row["startTime"] is None else row["startTime"] for row in document["rows"]
    ]
    assert next(sheets["about"].iter_rows(values_only=True)) == ("as seen by", "demo")
    assert columnar.stat().st_mode & 0o077 == 0
    again = program(*arguments, "--parquet", str(columnar))
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_no_cell_is_a_formula(program, lab, tmp_path):
    subject = lab.site.projects["BRAINS"].subjects
    next(iter(subject.values())).fields["group"] = "=1+1"
    book = tmp_path / "subjects.xlsx"
    arguments = ("table", "subjects", "lab:BRAINS", "--columns", "group")
    assert "\n'=1+1,BRAINS," in program(*arguments, "--csv").stdout
    assert "\n=1+1,BRAINS," in program(*arguments, "--raw").stdout
    program(*arguments, "--xlsx", str(book))
    cell = load_workbook(book)["rows"]["A2"]
    assert (cell.data_type, cell.value) == ("s", "'=1+1")


@pytest.mark.parametrize("format", ["parquet", "xlsx"])
def test_without_its_library_a_file_is_refused_before_a_server_is_asked(program, monkeypatch, format):
    monkeypatch.setattr(writing, "find_spec", lambda _: None)
    told = program("table", "scans", "lab:BRAINS", f"--{format}", f"scans.{format}")
    assert told.exit_code == 2
    assert told.stderr.endswith(f"hint: Install it with: pip install 'xnat-tui[{format}]'\n")


@pytest.mark.parametrize("options", [("--csv", "--json"), ("--readable",)])
def test_options_that_say_nothing_together_are_refused(program, options):
    assert program("table", "scans", "lab:BRAINS", *options).exit_code == 2
