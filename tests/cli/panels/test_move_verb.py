"""Nothing is deleted that is not proved where it was moved to, whatever happens in between."""

import json
import signal
import subprocess
import sys

import pytest

from xnat_tui.demo.archive import FileEntry
from xnat_tui.demo.content import BytesContent
from xnat_tui.demo.faults import ErrorPage
from xnat_tui.demo.study.brains import session, subject
from xnat_tui.errors import BadAnswer
from xnat_tui.jobs.history import History
from xnat_tui.services.workspace import Workspace

KILLED = """
import os, signal, sys
from xnat_tui.cli.root import cli
from xnat_tui.services.administration.deleting import deletion

send = deletion.gateway.delete_item

def killed(*words):
    if sys.argv[1] == "after":
        send(*words)
    os.kill(os.getpid(), signal.SIGKILL)

deletion.gateway.delete_item = killed
cli(sys.argv[2:])
"""
AGREED = ("-y", "--confirm", "BRAINS")


def labels(xnat, project="BRAINS"):
    return {one.label for one in xnat.site.projects[project].subjects.values()}


def test_a_subject_is_copied_proved_and_only_then_deleted(run, xnat, writes):
    planned = run("move", "lab:BRAINS/SUB-009", "lab:EMPTY", "-n")
    assert planned.exit_code == 0, planned.stderr
    assert "- lab:BRAINS/SUB-009  delete  label: SUB-009, sessions: 2" in planned.stdout
    assert "accession IDs are given anew there" in planned.stderr
    assert run("move", "lab:BRAINS/SUB-009", "lab:EMPTY", "-y").exit_code == 2
    assert writes() == 0
    moved = run("move", "lab:BRAINS/SUB-009", "lab:EMPTY", *AGREED, "--json")
    assert moved.exit_code == 0, moved.stderr
    document = json.loads(moved.stdout)
    assert (document["state"], document["kept"]) == ("done", [])
    assert [one["location"] for one in document["deleted"]] == ["lab:BRAINS/SUB-009"]
    assert "86 files proved by digest" in document["deleted"][0]["note"]
    assert ("SUB-009" in labels(xnat), "SUB-009" in labels(xnat, "EMPTY")) == (False, True)
    with History() as history:
        assert history.entries()[0].after["moved to"] == "lab:EMPTY/SUB-009"


def test_what_is_otherwise_there_already_stays_here(run, xnat):
    assert run("copy", "lab:BRAINS/SUB-009", "lab:EMPTY", "-y").exit_code == 0
    held = xnat.site.experiment("SUB-009_MR1", "EMPTY").scans["1"].resources[0]
    name = next(iter(held.files))
    content = BytesContent(b"other bytes")
    held.files[name] = FileEntry(name, content, content.md5, content.size, "DICOM", "")
    moved = run("move", "lab:BRAINS/SUB-009", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED)
    assert moved.exit_code == 6
    assert "! lab:BRAINS/SUB-009 stays: It is not proved, and stays: of its items and files" in moved.stderr
    assert labels(xnat) >= {"SUB-009"}
    assert "SUB-008" not in labels(xnat)


def test_what_the_copy_could_not_send_stays(run, xnat):
    xnat.faults.add("^(PUT|POST) .*EMPTY.*/files", ErrorPage(500))
    moved = run("move", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED, "--json")
    assert moved.exit_code == 6
    document = json.loads(moved.stdout)
    assert document["failed"]
    assert [one["location"] for one in document["kept"]] == ["lab:BRAINS/SUB-008"]
    assert "SUB-008" in labels(xnat)


def test_a_stop_before_the_deletion_loses_nothing_and_the_same_call_goes_on(run, xnat, monkeypatch):
    deletion = "xnat_tui.services.administration.deleting.deletion.gateway.delete_item"
    with monkeypatch.context() as stopped:

        def killed(*_):
            raise KeyboardInterrupt

        stopped.setattr(deletion, killed)
        assert run("move", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED).exit_code == 130
    assert "SUB-008" in labels(xnat)
    again = run("move", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED)
    assert again.exit_code == 0, again.stderr
    assert "SUB-008" not in labels(xnat)


@pytest.mark.parametrize(("moment", "left"), [("before", True), ("after", False)])
def test_killed_at_the_deletion_all_is_there_once_and_what_was_proved_is_kept(run, xnat, moment, left):
    words = ["move", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED]
    ended = subprocess.run([sys.executable, "-c", KILLED, moment, *words], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert "SUB-008" in labels(xnat, "EMPTY")
    assert ("SUB-008" in labels(xnat)) is left
    (entry,) = json.loads(run("history", "--json").stdout)["items"]
    assert (entry["state"], entry["after"]["moved to"]) == ("unclear", "lab:EMPTY/SUB-008")
    assert run(*words).exit_code == (0 if left else 5)
    assert "SUB-008" not in labels(xnat)


def test_what_is_shared_in_and_where_it_is_already_is_refused(run, xnat, writes):
    assert run("move", "lab:TEACHING/SUB-002", "lab:EMPTY", *AGREED).exit_code == 5
    same = run("move", "lab:BRAINS/SUB-008", "lab:BRAINS", *AGREED)
    assert same.exit_code == 5
    assert "it is there already" in same.stdout
    assert run("move", "lab:BRAINS/SUB-008", "lab:BRAINS/SUB-009", *AGREED).exit_code == 2
    assert run("move", "locked:BRAINS/SUB-008", "lab:EMPTY", *AGREED).exit_code == 4
    assert run("move", "lab:BRAINS/SUB-008", "locked:EMPTY", *AGREED).exit_code == 4
    assert writes() == 0


@pytest.mark.parametrize("path", ["SUB-008", "SUB-009/SUB-009_MR1", "SUB-009/SUB-009_MR1/scans/1"])
def test_a_server_under_another_address_does_not_prove_itself(run, xnat, monkeypatch, path):
    monkeypatch.setenv("XNAT_TUI_PASSWORD_ALIAS", "demo")
    alias = xnat.url.replace("127.0.0.1", "localhost")
    assert alias != xnat.url
    run.configure(f'{run.config_file.read_text()}\n[servers.alias]\nurl = "{alias}"\nuser = "demo"\n')
    before = run("show", "lab:BRAINS", "--depth", "scans").stdout
    assert run("move", f"lab:BRAINS/{path}", "root:BRAINS", *AGREED).exit_code == 2
    moved = run("move", f"lab:BRAINS/{path}", "alias:BRAINS", *AGREED)
    assert moved.exit_code == 6
    assert "may be this very item, under another name of its server" in moved.stderr
    assert run("show", "lab:BRAINS", "--depth", "scans").stdout == before


def test_a_file_without_a_digest_or_with_new_company_is_no_proof(run, xnat):
    assert run("copy", "lab:BRAINS/SUB-008", "lab:EMPTY", "-y").exit_code == 0
    with Workspace() as workspace:
        service = workspace.moving("lab", "lab:EMPTY")
        (change,) = service.plan([workspace.find_one("lab:BRAINS/SUB-008")]).changes
        person = subject(xnat.site, "SUB-008")
        one = next(iter(person.experiments.values()))
        late = xnat.site.add_scan(one, "77")
        with pytest.raises(BadAnswer, match="1 are only here"):
            service.do(change)
        one.scans.pop(late.id)
        entry = next(iter(next(iter(one.scans.values())).resources[0].files.values()))
        entry.digest = ""
        with pytest.raises(BadAnswer, match="1 have no digest on one side"):
            service.do(change)
    assert session(xnat.site, one.label)


def test_answers_of_custom_forms_that_stayed_behind_are_no_proof(run, xnat):
    assert run("copy", "lab:BRAINS/SUB-008", "lab:EMPTY", "-y").exit_code == 0
    subject(xnat.site, "SUB-008").custom_fields["smoking"] = "never"
    moved = run("move", "lab:BRAINS/SUB-008", "lab:EMPTY", *AGREED)
    assert moved.exit_code == 6
    assert "step of a copy would be left" in moved.stderr
