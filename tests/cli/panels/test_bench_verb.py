import json
import signal

import pytest

from xnat_tui.demo.faults import DO_NOTHING, Answer, ErrorPage, WriteThenDrop
from xnat_tui.services.measuring.own_resource import PREFIX

pytestmark = pytest.mark.usefixtures("brief_bench")
LEVELS = 1 + 2 + 4 + 8
SIGNING_IN = 1
"""Questions for the session."""


def labels(xnat):
    return [one.label for one in xnat.site.projects["BRAINS"].resources]


def measured(document):
    return [
        (row["measure"], row.get("as", ""), row.get("in_flight") or row.get("streams") or 1)
        for row in document["items"]
    ]


READS = [("latency", "", 1), *(("reads", "", count) for count in (1, 2, 4, 8))]
DOWN = [("down", "zip", 1), ("down", "zip", 4), ("down", "files", 1)]
BOTH = [("up", "files", 1), ("up", "zip", 1), ("up", "file", 1), ("down", "zip", 1), ("down", "zip", 4)]


def test_a_server_is_measured_by_reads_alone(run, xnat, writes):
    result = run("bench", "lab", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, writes()) == (0, 0)
    assert set(document) == {
        *("location", "as", "version", "connections", "items", "changed", "failed", "advice", "notes"),
    }
    assert measured(document) == [*READS, *DOWN]
    assert (document["changed"], document["failed"]) == ([], [])
    assert document["advice"]["connections"] in (1, 2, 4, 8)
    sessions = [one for one in xnat.requests if (one.method, one.path) == ("GET", "/data/JSESSION")]
    assert len(sessions) == SIGNING_IN + 3 + LEVELS


def test_reads_in_a_project_are_of_a_list_and_never_more_at_once_than_is_allowed(run, xnat, program):
    program.configure(f'[servers.lab]\nurl = "{xnat.url}"\nuser = "demo"\nconnections = 2\n')
    document = json.loads(run("bench", "lab:BRAINS", "--reads-only", "--json").stdout)
    assert measured(document)[:3] == READS[:3]
    assert [row["streams"] for row in document["items"] if "streams" in row] == [1, 2, 1]
    assert {row["of"] for row in document["items"] if row["measure"] == "reads"} == {
        "the resources of lab:BRAINS"
    }


def test_the_figures_are_told_in_words(run):
    told = run("bench", "lab:BRAINS/SUB-001").stdout
    assert told.splitlines()[0].split() == ["measured", "at", "once", "figure", "of"]
    assert "What fits: connections = " in told
    assert "--workers" in told
    assert "A zip brings" in told


def test_the_plan_stands_before_anything_is_written(run, xnat, writes):
    plan = run("bench", "lab:BRAINS", "-n")
    assert (plan.exit_code, writes()) == (0, 0)
    assert plan.stdout.startswith(f"* lab:BRAINS/resources/{PREFIX}")
    assert "Nothing was written (--dry-run)." in plan.stderr
    assert sum(one.path == "/data/JSESSION" and one.method == "GET" for one in xnat.requests) == SIGNING_IN
    refused = run("bench", "lab:BRAINS")
    assert (refused.exit_code, writes()) == (2, 0)
    assert "--yes" in refused.stderr


def test_who_does_not_agree_has_reads_measured(program, run, terminal, writes):
    result = run("bench", "lab:BRAINS", input="n\n")
    assert (result.exit_code, writes()) == (0, 0)
    assert "reads alone are measured" in result.stderr


def test_nothing_is_written_where_nothing_may_be(run, xnat, writes):
    result = run("bench", "locked:BRAINS")
    assert (result.exit_code, writes()) == (0, 0)
    assert "Reads alone are measured: locked is marked read-only here." in result.stderr
    xnat.site.projects["BRAINS"].users["demo"] = "member"
    result = run("bench", "lab:BRAINS", "-y")
    assert (result.exit_code, writes()) == (0, 0)
    assert "you may read, edit in BRAINS, not delete" in result.stderr


def test_both_ways_in_a_resource_of_its_own_that_is_gone_afterwards(run, xnat):
    before = labels(xnat)
    result = run("bench", "lab:BRAINS", "-y", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["failed"]) == (0, [])
    assert measured(document) == [*READS, *DOWN, *BOTH]
    (changed,) = document["changed"]
    assert changed["note"] == "deleted again, read back"
    assert labels(xnat) == before
    sent = [one for one in xnat.requests if one.method in ("PUT", "DELETE") and "/resources/" in one.path]
    own = changed["label"]
    assert sent[0].path.endswith(f"/resources/{own}")
    assert [one.method for one in sent] == ["PUT"] * (1 + 1 + 1 + 2) + ["DELETE"]
    (number,) = {one.path.partition("/resources/")[2].partition("/")[0] for one in sent[1:]}
    assert number.isdecimal()


def test_no_rate_is_told_of_what_was_not_stored(run, xnat):
    before = labels(xnat)
    xnat.faults.add("PUT .*/files/", DO_NOTHING)
    result = run("bench", "lab:BRAINS", "-y", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, measured(document)) == (6, [*READS, *DOWN])
    (failure,) = document["failed"]
    assert (failure["measure"], failure["error"][:29]) == ("read back", "No rate of sending is known: ")
    assert labels(xnat) == before


@pytest.mark.parametrize("lost", ["PUT .*/resources/XNAT", "DELETE "])
def test_an_answer_that_is_lost_leaves_nothing_behind(run, xnat, lost):
    before = labels(xnat)
    xnat.faults.add(lost, WriteThenDrop(), times=1)
    result = run("bench", "lab:BRAINS", "-y")
    assert (result.exit_code, labels(xnat)) == (0, before)


def test_what_remains_is_told_and_left_alone_by_the_next_run(run, xnat):
    before = labels(xnat)
    xnat.faults.add("DELETE .*/resources/", Answer(""), times=1)
    result = run("bench", "lab:BRAINS", "-y", "--json")
    (left,) = set(labels(xnat)) - set(before)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["changed"]) == (6, [])
    (failure,) = document["failed"]
    assert failure["error"].startswith(f"lab:BRAINS/resources/{left} may remain.")
    again = run("bench", "lab:BRAINS", "-y")
    assert f"xnat-tui resources delete lab:BRAINS/resources/{left}" in again.stderr
    assert set(labels(xnat)) == {*before, left}


def test_a_resource_that_may_have_been_made_is_named(run, xnat):
    xnat.faults.add("PUT .*/resources/XNAT", WriteThenDrop(), times=1)
    xnat.faults.add("GET .*/projects/BRAINS/resources", ErrorPage(403), after=1 + LEVELS)
    result = run("bench", "lab:BRAINS", "-y", "--json")
    (left,) = [label for label in labels(xnat) if label.startswith(PREFIX)]
    (failure,) = json.loads(result.stdout)["failed"]
    assert (result.exit_code, failure["measure"]) == (6, "create")
    assert failure["error"].startswith(f"lab:BRAINS/resources/{left} may remain.")


def test_whatever_ends_it_what_it_made_is_deleted(run, xnat, monkeypatch):
    before = labels(xnat)

    def told_to_end(*_, **__):
        assert set(labels(xnat)) > set(before)
        signal.raise_signal(signal.SIGTERM)

    for ending, code, said in ((told_to_end, 130, "was deleted again"), (None, 70, "failed unexpectedly")):
        monkeypatch.setattr("xnat_tui.xnat.documents.writing.put_zip", ending)
        result = run("bench", "lab:BRAINS", "-y")
        assert (result.exit_code, labels(xnat)) == (code, before)
        assert said in result.stderr


def test_a_server_that_gives_no_zips(run, xnat):
    xnat.faults.add("GET .*format=zip", ErrorPage(403))
    document = json.loads(run("bench", "lab:BRAINS/SUB-001", "--json").stdout)
    assert measured(document) == [*READS, DOWN[-1]]
    assert document["advice"]["mode"] == "file"
    assert [row["measure"] for row in document["failed"]] == ["zips, 1 at once", "zips, 4 at once"]
