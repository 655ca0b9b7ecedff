import json

from xnat_tui.demo.study.brains import session, subject


def labels(xnat):
    return {one.label for one in xnat.site.projects["BRAINS"].subjects.values()}


def test_the_plan_counts_what_hangs_on_it_and_nothing_is_sent(run, xnat, writes):
    planned = run("delete", "lab:BRAINS/SUB-002", "-n")
    assert planned.exit_code == 0, planned.stderr
    head, note = planned.stdout.splitlines()
    assert head.startswith("- lab:BRAINS/SUB-002  delete  label: SUB-002, sessions: 2, scans: 11, ")
    assert "shared into: TEACHING" in head
    assert note.startswith("    note: goes with 2 sessions, 11 scans, 2 assessors, ")
    assert note.endswith("; shared into TEACHING; AutoRun is Queued on SUB-002_MR1")
    assert writes() == 0


def test_the_project_has_to_be_typed(run, xnat, terminal, writes):
    assert run("delete", "lab:BRAINS/SUB-009", input="TEACHING\n").exit_code == 130
    assert writes() == 0
    done = run("delete", "lab:BRAINS/SUB-009", input="BRAINS\n")
    assert done.exit_code == 0, done.stderr
    assert "SUB-009" not in labels(xnat)


def test_without_a_terminal_yes_is_not_enough(run, xnat, writes):
    refused = run("delete", "lab:BRAINS/SUB-009", "-y")
    assert refused.exit_code == 2
    assert "--confirm BRAINS" in refused.stderr
    assert run("delete", "lab:BRAINS/SUB-009", "-y", "--confirm", "TEACHING").exit_code == 2
    assert writes() == 0
    done = run("delete", "lab:BRAINS/SUB-009", "-y", "--confirm", "BRAINS", "--json")
    document = json.loads(done.stdout)
    assert [(one["location"], one["verb"]) for one in document["changed"]] == [
        ("lab:BRAINS/SUB-009", "delete")
    ]
    assert document["failed"] == []
    assert run("show", "lab:BRAINS/SUB-009").exit_code == 5


def test_what_is_shared_in_is_unshared_without_typing_anything(run, xnat):
    done = run("delete", "lab:TEACHING/SUB-002", "-y")
    assert done.exit_code == 0, done.stderr
    assert "unshare" in done.stdout
    assert "TEACHING" not in subject(xnat.site, "SUB-002").shares
    assert session(xnat.site, "SUB-002_MR1").scans


def test_read_only_servers_and_members_are_refused(run, xnat):
    assert run("delete", "locked:BRAINS/SUB-009", "-y", "--confirm", "BRAINS").exit_code == 4
    assert "SUB-009" in labels(xnat)


def test_a_glob_has_to_be_meant(run, xnat, writes):
    assert run("delete", "lab:BRAINS/SUB-00*", "-n").exit_code == 2
    planned = run("delete", "lab:BRAINS/SUB-009/SUB-009_MR1/scans/*", "--glob", "-n")
    assert planned.exit_code == 0, planned.stderr
    assert planned.stdout.count("- lab:BRAINS/SUB-009/SUB-009_MR1/scans/") == len(
        session(xnat.site, "SUB-009_MR1").scans
    )


def test_a_deletion_is_in_the_history_and_stays(run, xnat):
    run("delete", "lab:BRAINS/SUB-009", "-y", "--confirm", "BRAINS")
    undone = run("history", "undo", "1", "-y")
    assert undone.exit_code == 5
    assert "refused: 1: XNAT keeps nothing of what was deleted." in undone.stdout
