import json

from xnat_tui.demo.study.brains import session, subject


def test_list(run):
    shown = run("share", "list", "lab:BRAINS/SUB-001/*")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == (
        "location                        ID        label        role\n"
        "lab:BRAINS/SUB-001/SUB-001_MR1  BRAINS    SUB-001_MR1  owner\n"
        "lab:BRAINS/SUB-001/SUB-001_MR1  TEACHING  T-01_MR      shared\n"
        "lab:BRAINS/SUB-001/SUB-001_MR2  BRAINS    SUB-001_MR2  owner\n"
    )
    (owner, shared) = json.loads(run("share", "list", "lab:BRAINS/SUB-001", "--json").stdout)["items"]
    assert (owner["ID"], shared["ID"], shared["label"]) == ("BRAINS", "TEACHING", "T-01")


def test_add_shares_the_subject_first(run, xnat):
    done = run("share", "add", "lab:BRAINS/SUB-008/SUB-008_MR1", "--into", "EMPTY", "--label", "X", "-y")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "* lab:BRAINS/SUB-008  share  project: EMPTY, label: SUB-008\n"
        "    note: comes first\n"
        "* lab:BRAINS/SUB-008/SUB-008_MR1  share  project: EMPTY, label: X\n"
    )
    assert session(xnat.site, "SUB-008_MR1").shares == {"EMPTY": "X"}


def test_add_by_table(run, tmp_path):
    table = tmp_path / "shares.csv"
    table.write_text("subject,source,destination\nSUB-008,BRAINS,EMPTY\nSUB-009,BRAINS,NOWHERE\n")
    done = run("share", "add", "lab:", "--table", str(table), "-y")
    assert done.exit_code == 6
    assert done.stdout == (
        "* lab:BRAINS/SUB-008  share  project: EMPTY, label: SUB-008\n"
        "! lab:BRAINS/SUB-009  share  project: NOWHERE, label: SUB-009\n"
        "    refused: demo sees no project NOWHERE.\n"
    )


def test_add_needs_one_way_to_say_where(run, tmp_path):
    assert run("share", "add", "lab:BRAINS/SUB-008", "-y").exit_code == 2
    assert run("share", "add", "lab:BRAINS/*", "--into", "EMPTY", "--label", "X", "-y").exit_code == 2
    assert run("share", "add", "lab:BRAINS/SUB-008", "--into", "EMPTY", "--label", "a b", "-y").exit_code == 2


def test_list_for_one_project_or_label(run):
    shown = run("share", "list", "lab:BRAINS", "--into", "TEACHING", "--label", "T-*")
    assert shown.stdout == (
        "location                        ID        label    role\n"
        "lab:BRAINS/SUB-001              TEACHING  T-01     shared\n"
        "lab:BRAINS/SUB-001/SUB-001_MR1  TEACHING  T-01_MR  shared\n"
    )


def test_shares_that_were_listed_as_a_table_are_removed_and_added_again_by_it(run, xnat, tmp_path):
    table = tmp_path / "shares.csv"
    listed = run("share", "list", "lab:BRAINS", "--label", "T-*", "--table", str(table))
    assert (listed.stdout, listed.stderr) == ("", f"2 shares written to {table}.\n")
    assert table.read_text() == (
        "subject,source,destination,session,label\n"
        "SUB-001,BRAINS,TEACHING,,T-01\n"
        "SUB-001,BRAINS,TEACHING,SUB-001_MR1,T-01_MR\n"
    )
    removed = run("share", "remove", "lab:", "--table", str(table), "-y")
    assert removed.stdout == (
        "* lab:BRAINS/SUB-001/SUB-001_MR1/assessors/SUB-001_MR1_FS  unshare  "
        "project: TEACHING, label: T-01_MR_FS\n"
        "* lab:BRAINS/SUB-001/SUB-001_MR1  unshare  project: TEACHING, label: T-01_MR\n"
        "* lab:BRAINS/SUB-001  unshare  project: TEACHING, label: T-01\n"
    )
    assert subject(xnat.site, "SUB-001").shares == session(xnat.site, "SUB-001_MR1").shares == {}
    assert run("share", "add", "lab:", "--table", str(table), "-y").exit_code == 0
    assert session(xnat.site, "SUB-001_MR1").shares == {"TEACHING": "T-01_MR"}


def test_remove_by_table_refuses_a_row_that_names_nothing(run, tmp_path, writes):
    table = tmp_path / "shares.csv"
    table.write_text("subject,source,destination\nNOPE,BRAINS,TEACHING\n")
    refused = run("share", "remove", "lab:", "--table", str(table), "-y")
    assert (refused.exit_code, writes()) == (5, 0)
    assert refused.stdout == (
        "! lab:BRAINS/NOPE  unshare  project: TEACHING\n"
        "    refused: line 2: lab:BRAINS has no subject 'NOPE'.\n"
    )
    assert run("share", "remove", "lab:BRAINS/SUB-001").exit_code == 2


def test_remove_refuses_what_would_delete(run, xnat, writes):
    refused = run("share", "remove", "lab:BRAINS/SUB-009", "--into", "BRAINS", "-y")
    assert refused.exit_code == 5
    assert refused.stdout == (
        "! lab:BRAINS/SUB-009  unshare  project: BRAINS\n"
        "    refused: BRAINS owns it: that would not unshare but delete.\n"
    )
    assert writes() == 0
    done = run("share", "remove", "lab:BRAINS/SUB-001", "--into", "TEACHING", "-y")
    assert done.exit_code == 0, done.stderr
    assert subject(xnat.site, "SUB-001").shares == {}


def test_transfer_wants_the_projects_id_typed(run, xnat, terminal, writes):
    assert run("share", "transfer", "lab:BRAINS/SUB-008", "--into", "EMPTY", input="EMPTY\n").exit_code == 130
    assert (
        run("share", "transfer", "lab:BRAINS/SUB-008", "--into", "EMPTY", "-y", input="\n").exit_code == 130
    )
    assert writes() == 0
    done = run("share", "transfer", "lab:BRAINS/SUB-008", "--into", "EMPTY", input="BRAINS\n")
    assert done.exit_code == 0, done.stderr
    assert xnat.site.subject("SUB-008", "EMPTY").project == "EMPTY"
    assert xnat.site.experiment("SUB-008_MR1", "EMPTY").project == "EMPTY"


def test_list_of_a_project_names_only_what_is_shared(run):
    shown = run("share", "list", "lab:BRAINS", "--json")
    assert shown.exit_code == 0, shown.stderr
    items = json.loads(shown.stdout)["items"]
    shared = {item["location"]: item["label"] for item in items if item["role"] == "shared"}
    assert shared["lab:BRAINS/SUB-001"] == "T-01"
    assert shared["lab:BRAINS/SUB-001/SUB-001_MR1"] == "T-01_MR"
    assert {item["location"] for item in items if item["role"] == "owner"} == set(shared)
    empty = run("share", "list", "lab:EMPTY")
    assert (empty.exit_code, empty.stdout) == (0, "")
