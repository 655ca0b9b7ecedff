"""`prearchive`, by what it prints, does and ends with."""

from __future__ import annotations

import json

from xnat_tui.demo.faults import ErrorPage

READY = "lab:BRAINS/20240408_091500123/SUB-013_MR1"
OTHER = "lab:BRAINS/20240408_093200124/SUB-014_MR1"
LIST = """\
PROJECT  SUBJECT  SESSION      STATUS  ARRIVED              TIMESTAMP
BRAINS   SUB-013  SUB-013_MR1  READY   2024-04-08 09:15:00  20240408_091500123
BRAINS   SUB-014  SUB-014_MR1  READY   2024-04-08 09:32:00  20240408_093200124
"""
SHOW = """\
lab:BRAINS/20240408_094900125/SUB-002_MR1
  subject  SUB-002
  session  SUB-002_MR1
  status   CONFLICT
  scanned  2024-02-28 10:15:00
  scan 1  AAHead_Scout  xnat:mrScanData  3 files  42k
  scan 2  t1_mprage_sag_p2_iso  xnat:mrScanData  10 files  141k
  scan 3  t2_tse_tra  xnat:mrScanData  6 files  84k
  warning: Session already exists; data will be merged.
  conflict: Session processing in progress: xnat_tools/AutoRun.xml
  archived as CENTRAL_E00003, 7 differences
    * scans/3 series_description: t2_tse_tra here, t2_space_dark-fluid in the archive
    * scans/3 files: 6 here, 8 in the archive
    * scans/4 exists: no here, yes in the archive
    * scans/5 exists: no here, yes in the archive
    * scans/6 exists: no here, yes in the archive
    * scans/8 exists: no here, yes in the archive
    * scans/99 exists: no here, yes in the archive
  log: Session built from received files.
  log: CONFLICT: Session SUB-002_MR1 already exists; scan 3 differs from the archived scan 3.
"""


EVERYWHERE = """\
SERVER  PROJECT  SUBJECT  SESSION      STATUS    ARRIVED              TIMESTAMP
lab     BRAINS   SUB-002  SUB-002_MR1  CONFLICT  2024-04-08 09:49:00  20240408_094900125
"""


def test_without_a_location_every_saved_server_is_listed(program, demo, monkeypatch):
    assert program("prearchive", "list", "--status", "CONFLICT").stdout.startswith("PROJECT  SUBJECT")
    program.configure(
        program.config_file.read_text() + "[servers.gone]\nurl = 'http://127.0.0.1:1'\nuser = 'demo'\n"
    )
    shown = program("prearchive", "list", "--status", "CONFLICT")
    assert (shown.exit_code, shown.stdout) == (6, EVERYWHERE)
    assert shown.stderr == (
        "! gone: No password or token was found for demo at gone. "
        "hint: Run: xnat-tui server login gone, or set XNAT_TUI_PASSWORD_GONE.\n"
        "1 session on 1 server.\n"
    )
    document = json.loads(program("prearchive", "list", "--status", "CONFLICT", "--json").stdout)
    assert [(one["server"], one["name"]) for one in document["items"]] == [("lab", "SUB-002_MR1")]
    assert [one["server"] for one in document["failed"]] == ["gone"]


def test_list_by_status(program, demo):
    result = program("prearchive", "list", "lab:BRAINS", "--status", "ready")
    assert (result.exit_code, result.stdout) == (0, LIST)
    assert result.stderr == "2 sessions, as seen by demo.\n"


def test_list_by_size(program, demo):
    result = program(
        "prearchive", "list", "lab:BRAINS", "--status", "ready", "--status", "error", "--sort", "size"
    )
    assert result.stdout == (
        "PROJECT  SUBJECT  SESSION        STATUS  ARRIVED              TIMESTAMP           FILES  SIZE\n"
        "BRAINS   SUB-013  SUB-013_MR1    READY   2024-04-08 09:15:00  20240408_091500123     19  268k\n"
        "BRAINS   SUB-014  SUB-014_MR1    READY   2024-04-08 09:32:00  20240408_093200124      9  127k\n"
        "BRAINS            20240228_1102  ERROR   2024-04-08 10:06:00  20240408_100600126      1   400\n"
    )


def test_list_without_a_location_takes_the_only_server(program, demo):
    assert program("prearchive", "list").stderr == "18 sessions, as seen by demo.\n"
    program.configure("")
    missing = program("prearchive", "list")
    assert (missing.exit_code, missing.stdout) == (2, "")


def test_list_as_json_has_the_servers_own_names(program, demo):
    result = program("prearchive", "list", "lab:BRAINS/SUB-013", "--sizes", "--json")
    document = json.loads(result.stdout)
    assert set(document) == {"items", "changed", "failed"}
    (item,) = document["items"]
    assert item | {"folderName": "SUB-013_MR1", "status": "READY", "files": 19, "bytes": 268456} == item
    assert item["url"] == "/prearchive/projects/BRAINS/20240408_091500123/SUB-013_MR1"


def test_show(program, demo):
    result = program("prearchive", "show", "lab:BRAINS/SUB-002/SUB-002_MR1")
    assert (result.exit_code, result.stdout, result.stderr) == (0, SHOW, "")
    (item,) = json.loads(program("prearchive", "show", "lab:BRAINS/SUB-002", "--json").stdout)["items"]
    assert item["scans"][2]["series_description"] == "t2_tse_tra"
    assert item["problems"][1]["type"] == "conflict"
    assert item["unreadable"] == {}


def test_show_files_and_header(program, demo):
    result = program("prearchive", "show", READY, "--files", "--header")
    lines = result.stdout.splitlines()
    assert "  file 1/DICOM/IM0001.dcm  14k" in lines
    assert "  (0010,0020)  LO  Patient ID  •••" in lines
    (item,) = json.loads(
        program("prearchive", "show", READY, "--files", "--header", "--show-patient", "--json").stdout
    )["items"]
    assert len(item["files"]) == 19
    assert [row["value"] for row in item["header"] if row["keyword"] == "PatientID"] == ["SUB-013"]


def test_show_says_what_could_not_be_read(program, demo):
    demo.faults.add(r"/logs\b", ErrorPage(500, "disk gone"))
    result = program("prearchive", "show", READY)
    assert result.exit_code == 6
    assert "disk gone" in result.stderr


def test_nothing_that_matches_is_not_found(program, demo):
    assert program("prearchive", "show", "lab:BRAINS/NOBODY").exit_code == 5
    assert program("prearchive", "archive", "lab:BRAINS/NOBODY", "-y").exit_code == 5


def test_archive_under_a_template(program, demo):
    template = "{PatientID}/{PatientID}_{StudyDate}T{StudyTime}_{Modality}"
    result = program("prearchive", "archive", READY, "--as", template, "-y")
    assert (result.exit_code, result.stdout) == (
        0,
        f"* {READY}  archive  subject: SUB-013, name: SUB-013_MR1 → SUB-013_20240405T101500_MR\n"
        "    note: Creates subject SUB-013.\n",
    )
    assert "archived as BRAINS/SUB-013/SUB-013_20240405T101500_MR (CENTRAL_E" in result.stderr
    assert result.stderr.endswith("1 done, 0 failed, 0 refused.\n")


def test_archive_by_a_table(program, demo, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("session,new_subject,new_label\nSUB-014_MR1,0014,0014_MR\n")
    assert (
        program("prearchive", "archive", "lab:BRAINS", "--table", str(table), "--as", "A/B", "-n").exit_code
        == 2
    )
    result = program("prearchive", "archive", "lab:BRAINS", "--table", str(table), "--yes")
    assert result.stdout == (
        "* lab:BRAINS/20240408_093200124/SUB-014_MR1  archive  "
        "subject: SUB-014 → 0014, name: SUB-014_MR1 → 0014_MR\n"
        "    note: Creates subject 0014.\n"
    )
    assert "1 done, 0 failed, 0 refused." in result.stderr


def test_a_dry_run_writes_nothing(program, demo):
    before = [(one.name, one.status) for one in demo.site.prearchive]
    for verb, *options in (
        ("archive",),
        ("move", "--to", "LEGACY"),
        ("rebuild",),
        ("delete",),
        ("archive", "--overwrite", "delete"),
    ):
        result = program("prearchive", verb, READY, *options, "-n")
        assert (result.exit_code, result.stderr) == (0, "Nothing was written (--dry-run).\n")
    assert [(one.name, one.status) for one in demo.site.prearchive] == before
    assert not [one for one in demo.requests if one.method == "DELETE" and "JSESSION" not in one.path]


def test_a_project_is_archived_without_touching_another(program, demo):
    others = [one.name for one in demo.site.prearchive if one.project != "BRAINS"]
    result = program("prearchive", "archive", "lab:BRAINS", "--status", "READY", "-y", "--json")
    document = json.loads(result.stdout)
    assert [one["location"] for one in document["changed"]] == [READY, OTHER]
    assert [one.name for one in demo.site.prearchive if one.project != "BRAINS"] == others


def test_what_the_server_works_on_is_left_alone_in_a_whole_project(program, demo):
    result = program("prearchive", "rebuild", "lab:BRAINS", "-y")
    assert result.exit_code == 6
    assert "note: 7 sessions that the server works on are left alone.\n" in result.stderr
    assert "It cannot be built: ERROR: no DICOM file could be read" in result.stderr
    assert result.stderr.endswith("3 done, 1 failed, 0 refused.\n")


def test_refused_rows_say_why_and_end_with_their_code(program, demo):
    result = program("prearchive", "archive", "lab:BRAINS/SUB-002", "-y")
    assert result.exit_code == 5
    assert "    refused: SUB-002_MR1 exists in the archive. Use --overwrite append" in result.stdout
    busy = program("prearchive", "delete", "lab:BRAINS/SUB-018", "-y", "--json")
    assert json.loads(busy.stdout)["failed"][0]["error"].startswith("It is _ARCHIVING")


def test_nothing_is_done_to_a_whole_server(program, demo):
    for verb, *options in (("archive",), ("move", "--to", "X"), ("rebuild",), ("delete",)):
        result = program("prearchive", verb, "lab:", *options, "-y")
        assert result.exit_code == 2
        assert "never done to all of a server" in result.stderr


def test_deleting_asks_for_the_project(program, demo):
    refused = program("prearchive", "delete", READY, "-y")
    assert (refused.exit_code, "Add --confirm BRAINS" in refused.stderr) == (2, True)
    wrong = program("prearchive", "delete", READY, "-y", "--confirm", "LEGACY")
    assert wrong.exit_code == 2
    count = len(demo.site.prearchive)
    done = program("prearchive", "delete", READY, "-y", "--confirm", "BRAINS", "--json")
    assert (done.exit_code, len(demo.site.prearchive)) == (0, count - 1)
    assert json.loads(done.stdout) == {
        "items": [],
        "changed": [
            {
                "location": READY,
                "verb": "delete",
                "before": {"project": "BRAINS", "subject": "SUB-013", "name": "SUB-013_MR1"},
                "note": "deleted",
            }
        ],
        "failed": [],
    }


def test_replacing_asks_for_the_project_too(program, demo):
    result = program("prearchive", "archive", "lab:BRAINS/SUB-002", "--overwrite", "delete", "-y")
    assert (result.exit_code, "Add --confirm BRAINS" in result.stderr) == (2, True)


def test_a_failure_in_the_middle_is_named(program, demo):
    demo.faults.add("DELETE /data/prearchive/.*SUB-014", ErrorPage(409, "Session is locked."))
    several = ("prearchive", "delete", "lab:BRAINS/SUB-01[34]", "-y", "--confirm", "BRAINS", "--json")
    unasked = program(*several)
    assert (unasked.exit_code, "--glob" in unasked.stderr) == (2, True)
    result = program(*several, "--glob")
    document = json.loads(result.stdout)
    assert result.exit_code == 6
    assert [one["location"] for one in document["changed"]] == [READY]
    assert [(one["location"], "locked" in one["error"]) for one in document["failed"]] == [(OTHER, True)]


def test_move(program, demo):
    result = program("prearchive", "move", READY, "--to", "LEGACY", "-y")
    assert (result.exit_code, result.stdout) == (0, f"* {READY}  move  project: BRAINS → LEGACY\n")
    assert "now lab:LEGACY/20240408_091500123/SUB-013_MR1" in result.stderr


def test_a_read_only_server_refuses(program, demo):
    program.configure(f'[servers.lab]\nurl = "{demo.url}"\nuser = "demo"\nread_only = true\n')
    result = program("prearchive", "delete", READY, "-y", "--confirm", "BRAINS")
    assert (result.exit_code, "read-only" in result.stderr) == (4, True)


def test_nobody_to_ask_ends_with_usage(program, demo):
    assert program("prearchive", "archive", READY).exit_code == 2


def test_labels_without_a_slash_are_refused(program, demo):
    result = program("prearchive", "archive", READY, "--as", "SUB-013", "-y")
    assert (result.exit_code, "is not SUBJECT/SESSION" in result.stderr) == (2, True)
