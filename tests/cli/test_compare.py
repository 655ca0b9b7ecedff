"""`compare` and `show` as a person and a script meet them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site

SCAN = ("src:BRAINS/SUB-002/SUB-002_MR1/scans/3", "dst:BRAINS/SUB-002/SUB-002_MR1/scans/3")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[DemoServer, DemoServer]]:
    with DemoServer(source_site()) as one, DemoServer(destination_site()) as other:
        yield one, other


@pytest.fixture
def run(program: Any, servers: tuple[DemoServer, DemoServer], monkeypatch: pytest.MonkeyPatch) -> Any:
    one, other = servers
    saved = (("src", one.url), ("dst", other.url))
    program.configure("".join(f'[servers.{name}]\nurl = "{url}"\nuser = "demo"\n' for name, url in saved))
    for name in ("SRC", "DST"):
        monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name}", "demo")
    return program


def test_differences_are_lines_with_a_glyph_and_end_with_one(run: Any) -> None:
    result = run("compare", *SCAN)
    assert result.exit_code == 1
    assert result.stdout == (
        "* scan 3: frames 8 ⇄ 6\n"
        "* resource resources/DICOM: file_count 8 ⇄ 6\n"
        "* resource resources/DICOM: file_size 113088 ⇄ 84816\n"
        "< resource resources/NIFTI\n"
    )
    assert "0 same, 2 differs, 1 only source, 0 only destination, 0 unreadable, 0 unverified" in result.stderr
    assert "As seen by demo on the source and demo on the destination." in result.stderr


def test_what_is_identical_ends_with_zero_and_says_nothing(run: Any) -> None:
    result = run("-q", "compare", "src:BRAINS/SUB-001", "dst:BRAINS/SUB-001", "--depth", "digests")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_all_lists_what_is_the_same_too(run: Any) -> None:
    result = run("compare", "--all", "src:BRAINS/SUB-001", "dst:BRAINS/SUB-001", "--depth", "labels")
    lines = result.stdout.splitlines()
    assert lines[0] == "= subject SUB-001"
    assert "= experiment experiments/SUB-001_MR1" in lines
    assert all(line.startswith("= ") for line in lines)


def test_json_is_the_promised_document(run: Any) -> None:
    result = run("--json", "compare", *SCAN, "--depth", "digests")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {name: found[name] for name in ("source", "destination", "depth")} == {
        "source": SCAN[0],
        "destination": SCAN[1],
        "depth": "digests",
    }
    assert set(found["summary"]) == {
        *("same", "differs", "only_source", "only_destination", "unreadable", "unverified")
    }
    assert found["items"][0] == {
        "path": "",
        "kind": "scan",
        "status": "differs",
        "fields": [{"name": "frames", "source": "8", "destination": "6"}],
    }
    assert {
        "path": "resources/DICOM/files/IM0007.dcm",
        "kind": "file",
        "status": "only_source",
        "fields": [],
    } in (found["items"])
    assert set(found["requests"]) == {"source", "destination"}
    assert found["seen_by"] == {"source": "demo", "destination": "demo"}
    assert "insert_date" in found["neutral_fields"]


def test_csv_has_a_row_for_each_differing_field(run: Any) -> None:
    result = run("compare", "--csv", *SCAN)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["glyph"], row["path"], row["field"]) for row in rows] == [
        ("*", "", "frames"),
        ("*", "resources/DICOM", "file_count"),
        ("*", "resources/DICOM", "file_size"),
        ("<", "resources/NIFTI", ""),
    ]


@pytest.mark.parametrize("ending", ["html", "md", "csv", "json"])
def test_reports_are_written_beside_the_output(run: Any, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"report.{ending}"
    assert run("compare", *SCAN, "--report", str(target)).exit_code == 1
    text = target.read_text(encoding="utf-8")
    assert "NIFTI" in text
    assert "frames" in text


def test_a_report_that_cannot_be_written_is_said(run: Any, tmp_path: Path) -> None:
    result = run("compare", *SCAN, "--report", str(tmp_path / "missing" / "x.html"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert run("compare", *SCAN, "--report", "x.pdf").exit_code == 2


def test_a_report_that_cannot_come_to_stand_is_refused_before_anything_is_asked(
    run: Any, servers: tuple[DemoServer, DemoServer], tmp_path: Path
) -> None:
    asked = len(servers[0].requests)
    result = run("compare", *SCAN, "--report", str(tmp_path / "missing" / "x.html"))
    assert result.stderr == (
        f"{tmp_path}/missing/x.html cannot be written: its folder is not there.\n\nhint: Name another file.\n"
    )
    assert len(servers[0].requests) == asked


def test_what_could_not_be_read_forbids_to_say_identical(run: Any) -> None:
    result = run("compare", "src:PHANTOMS", "src:PHANTOMS")
    assert result.exit_code == 6
    assert result.stdout.startswith("! project PHANTOMS ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("src:NOWHERE", "dst:BRAINS"), 5),
        (("src:BRAINS", "dst:BRAINS/SUB-001"), 2),
        (("nobody:P", "dst:BRAINS"), 2),
        (("src:BRAINS", "dst:BRAINS", "--hash-missing", "--depth", "sizes"), 2),
    ],
)
def test_what_cannot_be_compared_is_refused(run: Any, arguments: tuple[str, ...], code: int) -> None:
    assert run("compare", *arguments).exit_code == code


def test_missing_digests_are_named_and_can_be_made_up_for(run: Any) -> None:
    scan = "BRAINS/SUB-009/SUB-009_MR1/scans/3"
    plain = run("compare", f"src:{scan}", f"dst:{scan}", "--depth", "digests")
    assert plain.exit_code == 0
    assert "8 files are equal by name and size only" in plain.stderr
    proven = run("--json", "compare", f"src:{scan}", f"dst:{scan}", "--hash-missing")
    found = json.loads(proven.stdout)
    assert found["summary"]["unverified"] == 0
    assert found["hashed"]["files"] == 8
    assert found["depth"] == "digests"


def test_filters_narrow_a_comparison(run: Any) -> None:
    result = run("compare", "src:BRAINS", "dst:BRAINS", "--modality", "PET", "--exclude-subject", "SUB-011")
    assert "< experiment subjects/SUB-002/experiments/SUB-002_PT1\n" in result.stdout
    assert "SUB-004" not in result.stdout


def test_show_prints_a_tree_with_counts(run: Any) -> None:
    result = run("show", "src:BRAINS/SUB-002", "--depth", "sessions")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "SUB-002",
        "SUB-002_MR1",
        "SUB-002_PT1",
    ]


def test_show_tells_what_is_shared_in_and_what_files_there_are(run: Any) -> None:
    found = json.loads(run("--json", "show", "src:TEACHING", "--depth", "sessions").stdout)
    assert found["location"] == "src:TEACHING"
    shared = {item["label"]: item["shared_from"] for item in found["items"] if item["shared_from"]}
    assert shared == {"T-01": "BRAINS", "T-01_MR": "BRAINS", "SUB-002": "BRAINS", "SUB-002_MR1": "BRAINS"}
    session = json.loads(run("--json", "show", "src:TEACHING/T-01/T-01_MR", "--depth", "scans").stdout)
    assessors = {
        item["label"]: item["shared_from"] for item in session["items"] if item["kind"] == "assessor"
    }
    assert assessors == {"T-01_MR_FS": "BRAINS", "SUB-001_MR1_QC": "BRAINS"}
    files = json.loads(run("--json", "show", f"{SCAN[0]}/resources/DICOM", "--depth", "files").stdout)[
        "items"
    ]
    assert files[0]["files"] == len(files) - 1 == 8
    assert files[0]["bytes"] == sum(item["bytes"] for item in files[1:])


def test_show_filters_by_sessions_before_it_counts_subjects(run: Any) -> None:
    result = run(
        "--json", "show", "src:BRAINS", "--modality", "PET", "--limit-subjects", "2", "--depth", "subjects"
    )
    labels = [item["label"] for item in json.loads(result.stdout)["items"] if item["kind"] == "subject"]
    assert labels == ["SUB-002", "SUB-005"]


def test_show_says_what_it_could_not_read(run: Any) -> None:
    result = run("show", "src:PHANTOMS")
    assert result.exit_code == 6
    assert "! src:PHANTOMS" in result.stderr


def test_two_servers_are_compared_by_what_their_projects_own(run: Any) -> None:
    found = run("compare", "src:", "dst:", "--depth", "projects", "--json")
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    items = {item["path"]: item for item in document["items"]}
    assert document["depth"] == "projects"
    assert items["projects/TEACHING"]["status"] == "only_source"
    names = [field["name"] for field in items["projects/LEGACY"]["fields"]]
    assert names == ["subjects", "experiments"]
    assert "counted, not looked at" in found.stderr


@pytest.mark.parametrize(
    "words",
    [("src:BRAINS", "dst:BRAINS"), ("src:", "dst:", "--modality", "MR"), ("src:", "dst:", "--fields", "all")],
)
def test_only_whole_servers_are_compared_by_projects(run: Any, words: tuple[str, ...]) -> None:
    assert run("compare", *words, "--depth", "projects").exit_code == 2
