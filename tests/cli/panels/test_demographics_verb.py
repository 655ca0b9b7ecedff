import csv
import io
import json
import stat

import pytest

from xnat_tui.demo.study.brains import subject


def test_show_of_one_subject(run):
    shown = run("demographics", "show", "lab:BRAINS/SUB-005")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == (
        "field          value\n"
        "gender         male\n"
        "dob            1955-06-23\n"
        'ethnicity      d\'Aubigné & "others"\n'
        "group          patient\n"
        "fields/cohort  B\n"
        "fields/site    leipzig\n"
    )


def test_show_of_several_is_a_table_and_json_has_every_field(run):
    shown = run("demographics", "show", "lab:BRAINS/SUB-00[67]")
    assert shown.stdout == "subject  gender  group\nSUB-006          infant\nSUB-007  male    infant\n"
    document = json.loads(run("demographics", "show", "lab:BRAINS/0010", "--json").stdout)
    assert document["changed"] == document["failed"] == []
    (row,) = document["items"]
    assert (row["subject"], row["project"], row["age"], row["fields/site"]) == (
        "0010",
        "BRAINS",
        "43",
        "0010",
    )
    assert row["dob"] == ""


def test_set_shows_its_plan_and_writes(run, xnat):
    done = run("demographics", "set", "lab:BRAINS/SUB-004", "dob=1990-01-17", "race=it's", "-y")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "* lab:BRAINS/SUB-004  set  dob: (none) → 1990-01-17, race: (none) → it's, yob: 1990 → (none)\n"
        "    note: yob gives way to dob\n"
    )
    assert done.stderr == "[1/1] lab:BRAINS/SUB-004: set done\n1 done, 0 failed, 0 refused.\n"
    assert subject(xnat.site, "SUB-004").fields["race"] == "it's"


def test_set_as_json(run):
    done = run("demographics", "set", "lab:BRAINS/SUB-001", "ses=2", "-y", "--json", "-q")
    assert json.loads(done.stdout) == {
        "items": [],
        "changed": [
            {"location": "lab:BRAINS/SUB-001", "verb": "set", "ses": "2", "before": {"ses": ""}, "note": ""}
        ],
        "failed": [],
    }
    assert done.stderr == ""


def test_a_dry_run_and_a_missing_consent_write_nothing(run, writes):
    dry = run("demographics", "set", "lab:BRAINS/SUB-004", "ses=2", "-n", "--json")
    assert dry.exit_code == 0
    (row,) = json.loads(dry.stdout)["items"]
    assert (row["location"], row["ses"]) == ("lab:BRAINS/SUB-004", "2")
    unasked = run("demographics", "set", "lab:BRAINS/SUB-004", "ses=2")
    assert unasked.exit_code == 2
    assert "no terminal to ask" in unasked.stderr
    locked = run("demographics", "set", "locked:BRAINS/SUB-004", "ses=2", "-y")
    assert locked.exit_code == 4
    assert writes() == 0


def test_a_no_on_the_terminal_writes_nothing(run, terminal, writes):
    refused = run("demographics", "set", "lab:BRAINS/SUB-004", "ses=2", input="n\n")
    assert refused.exit_code == 130
    assert writes() == 0


def test_nothing_to_change(run, writes):
    done = run("demographics", "set", "lab:BRAINS/SUB-004", "gender=male", "-y")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Nothing to change.\n")
    assert writes() == 0


def test_a_wrong_value_is_wrong_usage_before_anything_is_asked(run, xnat):
    wrong = run("demographics", "set", "lab:BRAINS/SUB-004", "gender=fem", "-y")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "gender: 'fem' is none of male, female, other, unknown, M, F.\n\n"
        "hint: See: xnat-tui demographics set --help\n"
    )
    assert len(xnat.requests) == 0


def test_import_reports_each_row(run, tmp_path):
    table = tmp_path / "people.csv"
    table.write_bytes("\ufeffsubject;handedness;fields/site\r\n0010;left;0042\r\nNOPE;left;\r\n".encode())
    done = run("demographics", "import", "lab:BRAINS", "--table", str(table), "-y")
    assert done.exit_code == 6
    assert done.stdout == (
        "* lab:BRAINS/0010  set  handedness: (none) → left, fields/site: 0010 → 0042\n"
        "! lab:BRAINS/NOPE  set  handedness: left\n"
        "    refused: line 3: there is no such subject.\n"
    )
    assert done.stderr == "[1/1] lab:BRAINS/0010: set done\n1 done, 0 failed, 1 refused.\n"


def test_import_names_the_wrong_cell(run, tmp_path, writes):
    table = tmp_path / "people.csv"
    table.write_text("subject,dob\nSUB-004,31.01.1970\n")
    wrong = run("demographics", "import", "lab:BRAINS", "--table", str(table), "-y")
    assert wrong.exit_code == 2
    assert wrong.stderr == (
        "people.csv, line 2, column dob: '31.01.1970' is no date: write YYYY-MM-DD.\n\n"
        "hint: Correct that cell; nothing was sent.\n"
    )
    assert writes() == 0


def test_what_is_exported_is_imported_without_a_change(run, tmp_path):
    table = tmp_path / "all.csv"
    assert run("demographics", "export", "lab:BRAINS", "--table", str(table)).exit_code == 0
    again = run("demographics", "import", "lab:BRAINS", "--table", str(table), "-y")
    assert (again.exit_code, again.stderr) == (0, "Nothing to change.\n")
    assert run("demographics", "export", "lab:BRAINS", "--table", str(table)).exit_code == 2


def test_export_to_the_terminal(run):
    shown = run("demographics", "export", "lab:BRAINS/0010")
    assert shown.stdout == (
        "subject,ID,project,gender,age,group,fields/site\n0010,CENTRAL_S00009,BRAINS,female,43,control,0010\n"
    )


def test_from_dicom_fills_in_and_tells_what_it_leaves(run, writes):
    shown = run("demographics", "from-dicom", "lab:BRAINS/SUB-0*", "-n")
    assert shown.exit_code == 0, shown.stderr
    assert (
        "* lab:BRAINS/SUB-007  set  dob: (none) → 2022-09-05, height: (none) → 82, weight: (none) → 11.2\n"
        in (shown.stdout)
    )
    assert "note: lab:BRAINS/SUB-012: gender: M in SUB-012_MR1; F in SUB-012_OT1\n" in shown.stderr
    assert writes() == 0
    document = json.loads(run("demographics", "from-dicom", "lab:BRAINS/SUB-012", "-n", "--json").stdout)
    assert "lab:BRAINS/SUB-012: gender: M in SUB-012_MR1; F in SUB-012_OT1" in document["notes"]


def test_from_dicom_writes(run, xnat):
    assert run("demographics", "from-dicom", "lab:BRAINS/SUB-007", "-y").exit_code == 0
    assert subject(xnat.site, "SUB-007").fields["dob"] == "2022-09-05"


def test_a_variable_is_set_and_set_again(run, xnat):
    """The server writes its comment before the text: what is read back is what was sent."""
    for serializer in ("xalan", "jdk"):
        for concealed in (True, False):
            xnat.site.settings.xml_serializer = serializer
            xnat.site.settings.hidden_fields_concealed = concealed
            for text in ("1", "2", "it's <3> & more"):
                done = run("demographics", "set", "lab:BRAINS/SUB-001", f"fields/site={text}", "-y")
                assert (done.exit_code, done.stderr.splitlines()[-1]) == (
                    0,
                    "1 done, 0 failed, 0 refused.",
                ), done.stderr
            run("demographics", "set", "lab:BRAINS/SUB-001", "fields/site=0", "-y")


HOSTILE = {"group": '=HYPERLINK("http://x","y")', "race": "a\x1b[2J\u202eb\nc ", "src": " -1+1", "ses": "-1"}


@pytest.mark.parametrize("raw", [[], ["--raw"]])
def test_hostile_values_are_exported_safely_and_imported_without_a_change(run, xnat, tmp_path, raw):
    subject(xnat.site, "SUB-004").fields.update(HOSTILE)
    table = tmp_path / "table.csv"
    exported = run("demographics", "export", "lab:BRAINS", "--table", str(table), *raw)
    assert exported.exit_code == 0, exported.stderr
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    rows = csv.DictReader(io.StringIO(table.read_bytes().decode(), newline=""))
    row = next(row for row in rows if row["subject"] == "SUB-004")
    if raw:
        assert row["group"] == HOSTILE["group"]
    else:
        assert row["group"] == "'" + HOSTILE["group"]
        assert row["ses"] == "-1"
        assert all(one == "\n" or one.isprintable() for one in table.read_text())
    again = run("demographics", "import", "lab:BRAINS", "--table", str(table), "-n", *raw)
    assert (again.exit_code, again.stderr) == (0, "Nothing to change.\n")


def test_a_table_that_others_are_to_read_has_to_be_asked_for(run, tmp_path):
    table = tmp_path / "table.csv"
    run("demographics", "export", "lab:BRAINS", "--table", str(table), "--readable")
    assert stat.S_IMODE(table.stat().st_mode) == 0o644
