"""`find`: anything of a site by a part of its names, in as many requests for 300 projects as for three."""

from __future__ import annotations

import json

from xnat_tui.demo.faults import ErrorPage


def test_a_label_is_found_wherever_it_stands_the_exact_one_first(program, lab):
    document = json.loads(program("find", "lab:", "sub-002", "--json").stdout)
    first = document["rows"][0]
    assert (first["project"], first["kind"], first["label"], first["path"]) == (
        "BRAINS",
        "subject",
        "SUB-002",
        "projects/BRAINS/subjects/SUB-002",
    )
    assert first["shared_into"] == "TEACHING"
    assert [row["label"] for row in document["rows"]].count("SUB-002") == 1
    assert {"path", "kind"} <= set(document["columns"])
    assert document["as"] == "demo"
    assert document["requests"]["lab"] <= 3
    assert document["unreadable"] == []


def test_what_is_found_is_printed_with_the_place_that_other_verbs_take(program, lab):
    told = program("find", "lab:", "SUB-001_MR1")
    assert told.exit_code == 0
    location = told.stdout.splitlines()[1].split()[0]
    assert location == "lab:BRAINS/SUB-001/SUB-001_MR1"
    assert program("show", location).exit_code == 0
    assert "As seen by demo. Looked at projects, subjects and sessions" in told.stderr


def test_nothing_is_said_only_where_everything_was_searched(program, lab):
    told = program("find", "lab:", "no-such-thing")
    assert told.exit_code == 5
    assert "lab has nothing that is called 'no-such-thing'." in told.stderr
    lab.faults.add(r"GET /data/experiments\?", ErrorPage(500))
    told = program("find", "lab:", "no-such-thing", "--json")
    assert told.exit_code == 6
    assert [one["path"] for one in json.loads(told.stdout)["unreadable"]] == ["sessions"]


def test_a_project_is_no_server(program, lab):
    told = program("find", "lab:BRAINS", "SUB")
    assert told.exit_code == 2
    assert "hint: Name it as NAME:" in told.stderr
