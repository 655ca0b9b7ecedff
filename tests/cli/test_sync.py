"""`sync` as scripts call it: definitions, exit codes, the document of a run, consent, timers."""

from __future__ import annotations

import json

import pytest

from tests.services.sync_sites import study, syncing


@pytest.fixture
def pair(program, monkeypatch, tmp_path):
    with syncing(study(), study("QC"), monkeypatch, tmp_path) as opened:
        yield opened


def test_definitions_are_added_edited_shown_listed_and_removed(program, pair):
    add = ("sync", "add", "mr", "lab:P", "qc:P/S1", "--session", "*MR", "--depth", "digests", "--every", "6h")
    assert program(*add).exit_code == 0
    assert program(*add).exit_code == 5
    assert (
        program("sync", "edit", "mr", "--destination", "qc:P", "--scan", "1", "--at", "02:30").exit_code == 0
    )
    found = json.loads(program("sync", "show", "mr", "--json").stdout)["items"][0]
    expected = {"name": "mr", "source": "lab:P", "destination": "qc:P", "depth": "digests"}
    assert found == found | expected | {"session": ["*MR"], "scan": ["1"], "at": "02:30"}
    assert "every" not in found
    assert program("sync", "edit", "mr", "--usual", "scan", "--usual", "weather").exit_code == 2
    assert program("sync", "edit", "mr", "--usual", "scan").exit_code == 0
    found = json.loads(program("sync", "show", "mr", "--json").stdout)["items"][0]
    assert "scan" not in found
    assert found["session"] == ["*MR"]
    rows = json.loads(program("sync", "list", "--json").stdout)["items"]
    assert [(row["name"], row["due"]) for row in rows] == [("nightly", False), ("mr", True)]
    assert program("sync", "remove", "mr").exit_code == 0
    assert program("sync", "show", "mr").exit_code == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x", "lab:", "qc:"),
        ("add", "x", "lab:P", "lab:P/S1"),
        ("add", "x", "lab:P", "qc:P", "--every", "soon"),
        ("add", "x", "lab:P", "qc:P", "--at", "25:00"),
        ("add", "x", "lab:P", "qc:P", "--via", "import"),
        ("add", "x/y", "lab:P", "qc:P"),
        ("run",),
        ("timer", "nightly"),
    ],
)
def test_what_cannot_be_a_sync_is_refused(program, pair, arguments):
    assert program("sync", *arguments).exit_code == 2


def test_two_syncs_that_feed_each_other_are_told(program, pair):
    assert "feed each other" in program("sync", "add", "back", "qc:P", "lab:P").stderr


def test_exit_codes_and_the_document_of_a_run(program, pair):
    done = program("sync", "run", "nightly", "-y", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert (document["sync"], document["state"], document["items"]) == ("nightly", "done", [])
    assert set(document["requests"]) == {"source", "destination"}
    pair.subject().fields["race"] = "ours"
    dry = program("sync", "run", "nightly", "-n", "--json")
    assert (json.loads(dry.stdout)["state"], pair.writes()) == ("planned", 0)
    assert program("sync", "run", "nightly").exit_code == 2  # nobody can be asked
    assert program("sync", "run", "nightly", "-y").exit_code == 0
    pair.subject(there=True).fields["race"] = "theirs"
    pair.subject().fields["race"] = "again"
    told = program("sync", "run", "nightly", "-y", "--json")
    (item,) = json.loads(told.stdout)["items"]
    assert told.exit_code == 1
    assert item == {
        "path": "subjects/S1",
        "kind": "subject",
        "change": "changed",
        "side": "both",
        "state": "conflict",
        "reason": item["reason"],
        "source": "again",
        "destination": "theirs",
        "field": "race",
    }
    assert program("sync", "run", "nightly", "-y", "--prefer", "source").exit_code == 2  # overwrites in P
    assert pair.subject(there=True).fields["race"] == "theirs"
    agreed = ("sync", "run", "nightly", "-y", "--prefer", "source", "--confirm", "P")
    assert program(*agreed).exit_code == 0
    assert pair.subject(there=True).fields["race"] == "again"


def test_a_report_and_the_history_of_runs_and_of_one_item(program, pair, tmp_path):
    program("sync", "run", "nightly", "-y")
    pair.subject().fields["race"] = "<b>new"
    for name in ("r.html", "r.md", "r.json"):
        pair.subject().fields["race"] += "!"
        assert program("sync", "run", "nightly", "-y", "--report", str(tmp_path / name)).exit_code == 0
        assert "subjects/S1" in (tmp_path / name).read_text().replace("\\", "")
    assert "<b>" not in (tmp_path / "r.html").read_text().replace("&lt;b&gt;", "")
    assert program("sync", "run", "nightly", "--report", str(tmp_path / "r.txt")).exit_code == 2
    runs = json.loads(program("sync", "history", "nightly", "--json").stdout)["items"]
    assert len(runs) == 4
    for name in ("lab:P/S1", "qc:P/S1", "subjects/S1"):
        rows = json.loads(program("sync", "history", "nightly", name, "--json").stdout)["items"]
        assert [row["change"] for row in rows] == ["none", "changed", "changed", "changed"]


def test_due_all_and_adopt(program, pair):
    assert program("sync", "edit", "nightly", "--every", "1d").exit_code == 0
    assert json.loads(program("sync", "run", "--due", "-y", "--json").stdout)["state"] == "done"
    assert json.loads(program("sync", "run", "--due", "-y", "--json").stdout) == {"items": []}
    assert program("sync", "run", "--all", "-y").exit_code == 0
    for label in ("S1", "S2"):
        pair.source.site.remove(pair.subject(label))
    stopped = program("sync", "run", "nightly", "-y")
    assert stopped.exit_code == 5
    assert "sync adopt nightly" in stopped.stderr
    assert program("sync", "adopt", "nightly").exit_code == 0
    assert program("sync", "run", "nightly", "-y").exit_code == 1


def test_a_timer_is_printed_without_a_password(program, pair):
    text = program("sync", "timer", "nightly", "--every", "6h").stdout
    assert "OnUnitActiveSec=6h" in text
    assert "0 */6 * * * " in text
    assert "sync run nightly --yes" in text
    assert "admin" not in text
    daily = program("sync", "timer", "nightly", "--at", "02:30").stdout
    assert "OnCalendar=*-*-* 02:30:00" in daily
    assert "30 2 * * * " in daily
