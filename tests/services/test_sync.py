"""Each row of a sync's table for each kind of thing: what is new is copied, what one side changed goes one
way or is kept, what both changed is a conflict, and nothing is deleted at the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.services.sync_sites import (
    MR,
    Pair,
    add_scan,
    add_session,
    add_subject,
    facts,
    put,
    set_file,
    study,
    syncing,
)
from xnat_tui import config
from xnat_tui.demo.faults import DO_NOTHING, CutUpload, ErrorPage, WriteThenDrop, WriteThenError
from xnat_tui.errors import Conflict
from xnat_tui.model.filters import Filters
from xnat_tui.services.syncing import definitions
from xnat_tui.services.syncing.definitions import Sync
from xnat_tui.services.syncing.memory import Memory
from xnat_tui.services.transfers import attempts
from xnat_tui.services.workspace import Workspace

SESSION = "subjects/S1/experiments/S1_MR"
DICOM = f"{SESSION}/scans/1/resources/DICOM"


@dataclass(frozen=True)
class Thing:
    """One kind of thing: where it stands, how it is made, taken away and changed on a side; the field that
    tells a change of it."""

    path: str
    field: str = ""
    add: Any = None
    remove: Any = None
    set: Any = None
    get: Any = None
    existing: str = ""
    """What of it is there at first, where that is another one than is added."""


def _site(pair: Pair, there: bool) -> Any:
    return (pair.target if there else pair.source).site


def _resource(pair: Pair, there: bool = False) -> Any:
    return pair.session(there=there).scans["1"].resources[0]


def _without_file(pair: Pair, there: bool) -> None:
    resource = _resource(pair, there)
    del resource.files["sub/b.dcm"]
    resource.populate_stats()


def _with_file(pair: Pair, there: bool) -> None:
    resource = _resource(pair, there)
    one = pair.subject("S2", there=there)  # any resource that lends its file
    entry = next(iter(next(iter(one.experiments.values())).scans["1"].resources[0].files.values()))
    new = replace(entry, path="new.dcm")
    resource.files["new.dcm"] = new
    resource.populate_stats()


def _remove_from(holder: list[Any], label: str) -> None:
    holder[:] = [one for one in holder if one.label != label]


def _field(holder: Callable[[Pair, bool], Any], name: str, variables: bool = False) -> dict[str, Any]:
    def values(pair: Pair, there: bool) -> dict[str, str]:
        item = holder(pair, there)
        return item.variables if variables else item.fields

    return {
        "set": lambda pair, there, text: values(pair, there).__setitem__(name, text),
        "get": lambda pair: values(pair, True)[name],
    }


def _subject(pair: Pair, there: bool) -> Any:
    return pair.subject(there=there)


def _session(pair: Pair, there: bool) -> Any:
    return pair.session(there=there)


def _scan(pair: Pair, there: bool) -> Any:
    return pair.session(there=there).scans["1"]


def _assessor(pair: Pair, there: bool) -> Any:
    return next(iter(pair.session(there=there).assessors.values()))


THINGS = {
    "subject": Thing(
        "subjects/S9",
        existing="subjects/S1",
        add=lambda pair, there: add_subject(_site(pair, there), _site(pair, there).projects["P"], "S9"),
        remove=lambda pair, there: _site(pair, there).remove(_subject(pair, there)),
    ),
    "session": Thing(
        "subjects/S1/experiments/S1_PM",
        existing=SESSION,
        add=lambda pair, there: add_session(_site(pair, there), _subject(pair, there), "S1_PM"),
        remove=lambda pair, there: _site(pair, there).remove(_session(pair, there)),
        field="note",
        **_field(_session, "note"),
    ),
    "scan": Thing(
        f"{SESSION}/scans/3",
        existing=f"{SESSION}/scans/1",
        add=lambda pair, there: add_scan(_site(pair, there), _session(pair, there), "3"),
        remove=lambda pair, there: _site(pair, there).remove(_scan(pair, there)),
        field="quality",
        **_field(_scan, "quality"),
    ),
    "assessor": Thing(
        f"{SESSION}/assessors/S1_MR_QC",
        existing=f"{SESSION}/assessors/S1_MR_QC",
        remove=lambda pair, there: _site(pair, there).remove(_assessor(pair, there)),
        add=None,
        field="note",
        **_field(_assessor, "note"),
    ),
    "resource": Thing(
        f"{SESSION}/resources/QA",
        existing=f"{SESSION}/resources/logs",
        add=lambda pair, there: put(
            _site(pair, there), _session(pair, there).resources, "QA", {"snr.json": b"{}"}
        ),
        remove=lambda pair, there: _remove_from(_session(pair, there).resources, "logs"),
    ),
    "file": Thing(
        f"{DICOM}/files/new.dcm",
        existing=f"{DICOM}/files/sub/b.dcm",
        add=_with_file,
        remove=_without_file,
    ),
    "demographic field": Thing("subjects/S1", "race", **_field(_subject, "race")),
    "custom variable": Thing("subjects/S1", "fields/cohort", **_field(_subject, "cohort", True)),
    "session variable": Thing(SESSION, "fields/rater", **_field(_session, "rater", True)),
}
ADDED = [name for name, one in THINGS.items() if one.add]
REMOVED = [name for name, one in THINGS.items() if one.remove]
CHANGED = [name for name, one in THINGS.items() if one.set]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PAUSES", (0.0, 0.0))


@pytest.fixture
def fresh(monkeypatch, tmp_path) -> Iterator[Pair]:
    with syncing(study(), study("QC", filled=False), monkeypatch, tmp_path) as pair:
        yield pair


@pytest.fixture
def pair(fresh: Pair) -> Pair:
    """After a first run."""
    report = fresh.run()
    assert {one["state"] for one in report.items} == {"verified"}
    fresh.target.requests.clear()
    return fresh


def test_a_second_run_does_nothing_and_asks_no_more_than_a_comparison(pair):
    report = pair.run()
    assert (report.items, report.state, pair.writes()) == ([], "done", 0)
    with Workspace() as workspace:
        compared = workspace.compare("lab:P", "qc:P")
    assert report.requests <= compared.requests
    assert max(report.requests) <= 12 + 8  # three kinds of types, and proofs of answers about a small study


def test_five_new_sessions_cost_ten_requests_each_and_a_second_comparison_at_most(pair):
    unchanged = pair.run().requests
    for number in range(5):
        session = pair.source.site.add_experiment(pair.subject(), f"NEW{number}", MR)
        for scan in range(1, 7):
            add_scan(pair.source.site, session, str(scan))
    report = pair.run()
    assert {one["state"] for one in report.items} == {"verified"}
    for spent, least in zip(report.requests, unchanged, strict=True):
        assert spent <= 2 * least + 12 + 10 * 5  # twelve: rights and types, asked once before a plan


@pytest.mark.parametrize("name", ADDED)
def test_new_at_the_source_is_copied_and_proved(pair, name):
    THINGS[name].add(pair, False)
    assert pair.told() == {(THINGS[name].path, ""): ("new", "source", "verified")}
    assert pair.told() == {}


@pytest.mark.parametrize("name", ADDED)
def test_new_at_the_destination_is_kept_and_told(pair, name):
    THINGS[name].add(pair, True)
    for _ in range(2):
        assert pair.told() == {(THINGS[name].path, ""): ("new", "destination", "kept")}
    assert pair.writes() == 0


@pytest.mark.parametrize("name", REMOVED)
def test_gone_at_the_source_is_told_and_never_deleted(pair, name):
    THINGS[name].remove(pair, False)
    for _ in range(2):
        assert pair.told(prefer="source") == {(THINGS[name].existing, ""): ("gone", "source", "kept")}
    assert pair.writes() == 0


@pytest.mark.parametrize("name", REMOVED)
def test_gone_at_the_destination_comes_back_only_where_that_is_asked_for(pair, name):
    THINGS[name].remove(pair, True)
    assert pair.told(prefer="source") == {(THINGS[name].existing, ""): ("gone", "destination", "held")}
    assert pair.writes() == 0
    assert pair.told(restore=True) == {(THINGS[name].existing, ""): ("gone", "destination", "verified")}
    assert pair.told() == {}


def _own(name: str) -> tuple[str, str]:
    thing = THINGS[name]
    return (thing.existing or thing.path, thing.field)


@pytest.mark.parametrize("name", CHANGED)
def test_changed_at_the_source_is_updated_and_nothing_else(pair, name):
    other = pair.subject(there=True).variables
    other["seen_by"] = "qc"
    THINGS[name].set(pair, False, "new")
    told = pair.told()
    assert told.pop(("subjects/S1", "fields/seen_by")) == ("new", "destination", "kept")
    assert told == {_own(name): ("changed", "source", "verified")}
    assert (THINGS[name].get(pair), other["seen_by"]) == ("new", "qc")


@pytest.mark.parametrize("name", CHANGED)
def test_changed_at_the_destination_is_kept(pair, name):
    THINGS[name].set(pair, True, "theirs")
    for _ in range(2):
        assert pair.told(prefer="source") == {_own(name): ("changed", "destination", "kept")}
    assert (THINGS[name].get(pair), pair.writes()) == ("theirs", 0)


@pytest.mark.parametrize("name", CHANGED)
def test_changed_on_both_is_a_conflict_until_a_side_is_named(pair, name):
    THINGS[name].set(pair, False, "ours")
    THINGS[name].set(pair, True, "theirs")
    report = pair.run()
    assert facts(report) == {_own(name): ("changed", "both", "conflict")}
    assert (report.items[0]["source"], report.items[0]["destination"]) == ("ours", "theirs")
    assert pair.writes() == 0
    assert pair.told(prefer="source") == {_own(name): ("changed", "both", "verified")}
    assert THINGS[name].get(pair) == "ours"


@pytest.mark.parametrize("name", CHANGED)
def test_a_preferred_destination_stays_and_is_told_no_more(pair, name):
    THINGS[name].set(pair, False, "ours")
    THINGS[name].set(pair, True, "theirs")
    assert pair.told(prefer="destination") == {_own(name): ("changed", "both", "kept")}
    assert pair.told() == {}
    THINGS[name].set(pair, False, "ours again")
    assert pair.told() == {_own(name): ("changed", "both", "conflict")}
    assert (THINGS[name].get(pair), pair.writes()) == ("theirs", 0)


def test_a_files_other_bytes_go_over_only_from_the_source(pair):
    set_file(_resource(pair), "a.dcm", b"other bytes")
    assert pair.told() == {(f"{DICOM}/files/a.dcm", ""): ("changed", "source", "verified")}
    assert _resource(pair, there=True).files["a.dcm"].data.size == 11
    set_file(_resource(pair, there=True), "a.dcm", b"theirs")
    assert pair.told(prefer="source") == {(f"{DICOM}/files/a.dcm", ""): ("changed", "destination", "kept")}
    set_file(_resource(pair), "a.dcm", b"both")
    assert pair.told() == {(f"{DICOM}/files/a.dcm", ""): ("changed", "both", "conflict")}
    assert _resource(pair, there=True).files["a.dcm"].data.size == 6
    assert pair.told(prefer="source") == {(f"{DICOM}/files/a.dcm", ""): ("changed", "both", "verified")}


def test_adopted_by_sizes_alone_a_changed_resource_still_tells_whose_change_it_is(monkeypatch, tmp_path):
    with syncing(study(), study("QC"), monkeypatch, tmp_path) as pair:
        assert pair.run().items == []
        _with_file(pair, False)
        _without_file(pair, False)
        set_file(_resource(pair), "a.dcm", b"longer")
        assert pair.told() == {
            (f"{DICOM}/files/a.dcm", ""): ("changed", "source", "verified"),
            (f"{DICOM}/files/new.dcm", ""): ("new", "source", "verified"),
            (f"{DICOM}/files/sub/b.dcm", ""): ("gone", "source", "kept"),
        }
        logs = f"{SESSION}/resources/logs/files"
        set_file(pair.session(there=True).resources[0], "notes.txt", b"slept well")
        assert pair.told()[f"{logs}/notes.txt", ""] == ("changed", "destination", "kept")


def test_adopted_by_sizes_alone_what_both_changed_is_not_guessed(monkeypatch, tmp_path):
    with syncing(study(), study("QC"), monkeypatch, tmp_path) as pair:
        assert pair.run().items == []
        _with_file(pair, False)
        _without_file(pair, True)
        told = pair.told()
        assert {state for _, _, state in told.values()} == {"conflict"}
        assert pair.writes() == 0


def test_by_digests_a_file_of_the_same_size_has_its_side_too(monkeypatch, tmp_path):
    with syncing(study(), study("QC"), monkeypatch, tmp_path, depth="digests") as pair:
        assert pair.run().items == []
        name = (f"{DICOM}/files/a.dcm", "")
        set_file(_resource(pair), "a.dcm", b"0ne")
        assert pair.told() == {name: ("changed", "source", "verified")}
        set_file(_resource(pair, there=True), "a.dcm", b"0n3")
        assert pair.told() == {name: ("changed", "destination", "kept")}
        set_file(_resource(pair), "a.dcm", b"On3")
        assert pair.told() == {name: ("changed", "both", "conflict")}
        assert pair.told(prefer="destination") == {name: ("changed", "both", "kept")}
        assert pair.told() == {}
        _with_file(pair, False)
        _without_file(pair, True)
        assert pair.told() == {
            (f"{DICOM}/files/new.dcm", ""): ("new", "source", "verified"),
            (f"{DICOM}/files/sub/b.dcm", ""): ("gone", "destination", "held"),
        }


def test_what_only_fills_a_blank_is_new(pair):
    pair.subject().variables["site"] = "B"
    assert pair.told() == {("subjects/S1", "fields/site"): ("new", "source", "verified")}
    assert pair.subject(there=True).variables["site"] == "B"


def test_what_the_source_emptied_is_told_and_stays(pair):
    del pair.subject().variables["cohort"]
    assert pair.told() == {("subjects/S1", "fields/cohort"): ("gone", "source", "kept")}
    assert pair.subject(there=True).variables["cohort"] == "A"


def test_a_first_run_adopts_what_is_alike_and_touches_nothing_that_is_not(monkeypatch, tmp_path):
    with syncing(study(), study("QC"), monkeypatch, tmp_path) as pair:
        pair.subject("S2", there=True).fields["handedness"] = "left"
        assert pair.told() == {("subjects/S2", "handedness"): ("changed", "both", "conflict")}
        assert pair.writes() == 0
        pair.subject("S1").fields["handedness"] = "left"  # it was adopted: its changes have a side now
        assert pair.told()[("subjects/S1", "handedness")] == ("changed", "source", "verified")


def test_a_rename_at_the_source_is_told_and_is_no_second_copy(pair):
    pair.source.site.rename(pair.subject("S2"), "T2")
    report = pair.run()
    assert facts(report) == {("subjects/T2", ""): ("renamed", "source", "held")}
    assert (report.items[0]["source"], report.items[0]["destination"]) == ("T2", "S2")
    assert "xnat-tui rename qc:P/S2 T2" in report.items[0]["reason"]
    assert pair.writes() == 0
    pair.target.site.rename(pair.subject("S2", there=True), "T2")
    assert pair.told() == {}
    pair.subject("T2").fields["handedness"] = "left"
    assert pair.told() == {("subjects/T2", "handedness"): ("changed", "source", "verified")}


def test_a_renamed_session_is_named_with_its_subject(pair):
    pair.source.site.rename(pair.session("S2"), "T2 MR")
    (told,) = pair.run().items
    assert "xnat-tui rename qc:P/S2/S2_MR 'T2 MR'" in told["reason"]


def test_a_rename_at_the_destination_is_kept_and_brings_back_nothing(pair):
    pair.target.site.rename(pair.session("S2", there=True), "RENAMED")
    for _ in range(2):
        assert pair.told(restore=True) == {
            ("subjects/S2/experiments/RENAMED", ""): ("renamed", "destination", "kept")
        }
    assert pair.writes() == 0


def test_what_cannot_be_read_is_unknown_and_stays_remembered(pair):
    pair.session().fields["note"] = "new"
    pair.source.faults.add("GET /data/(projects/P/subjects/.*/experiments|.*experiments)", ErrorPage())
    report = pair.run()
    assert report.failed
    assert {one["state"] for one in report.items} == {"unknown"}
    pair.source.faults.clear()
    assert pair.told() == {(SESSION, "note"): ("changed", "source", "verified")}


def test_an_emptied_source_stops_the_run_until_it_is_adopted(pair):
    for label in ("S1", "S2"):
        pair.source.site.remove(pair.subject(label))
    with pytest.raises(Conflict, match="The source lists 2 of 6"):
        pair.run()
    with Workspace() as workspace:
        workspace.syncing().adopt("nightly")
    assert pair.told() == {
        (f"subjects/{label}", ""): ("new", "destination", "kept") for label in ("S1", "S2")
    }
    assert pair.writes() == 0


def test_an_emptied_destination_stops_the_run(pair):
    for label in ("S1", "S2", "S3"):
        pair.target.site.remove(pair.subject(label, there=True))
    with pytest.raises(Conflict, match="emptied, or is another one"):
        pair.run()
    assert pair.writes() == 0


def test_another_server_at_the_same_address_stops_the_run(pair):
    pair.target.stop()
    pair.target.site = study("OTHER")
    pair.target.start()
    with pytest.raises(Conflict, match="other accession IDs"):
        pair.run()
    assert pair.writes() == 0


def test_a_narrower_definition_makes_nothing_gone(pair):
    wide = definitions.sync_named(config.load(), "nightly")
    definitions.edit(config.load(), replace(wide, filters=Filters(subject=("S1",))))
    assert pair.told() == {}
    definitions.edit(config.load(), wide)
    assert pair.told() == {}


def test_a_subject_can_be_kept_like_another_of_another_name(pair):
    site = pair.target.site
    add_subject(site, site.projects["P"], "S7")
    definitions.add(config.load(), Sync("one", "lab:P/S1", "qc:P/S7"))
    with Workspace() as workspace:
        report = workspace.sync("one")
        assert {state for _, _, state in facts(report).values()} <= {"verified", "kept", "conflict", "held"}
        pair.subject().fields["race"] = "new"
        put(pair.source.site, pair.subject().resources, "more", {"a.txt": b"a"})
        pair.target.faults.add("PUT .*/resources/more", ErrorPage(403))
        told = facts(workspace.sync("one"))
        assert told["", "race"] == ("changed", "source", "verified")
        assert told["resources/more", ""] == ("new", "source", "incomplete")
        pair.target.faults.clear()
        assert facts(workspace.sync("one"))["resources/more", ""] == ("new", "source", "verified")
    assert pair.subject("S7", there=True).fields["race"] == "new"


def test_another_item_of_an_old_name_is_new(pair):
    for server, there in ((pair.source, False), (pair.target, True)):
        server.site.remove(pair.subject("S3", there=there))
    assert pair.told() == {}
    add_subject(pair.source.site, pair.source.site.projects["P"], "S3")
    assert pair.told() == {("subjects/S3", ""): ("new", "source", "verified")}


def test_a_change_between_plan_and_run_is_not_overwritten(pair):
    pair.subject().fields["handedness"] = "left"
    set_file(_resource(pair), "a.dcm", b"ours")
    with Workspace() as workspace:
        planned = workspace.plan_sync("nightly")
        pair.subject(there=True).fields["handedness"] = "ambidextrous"
        set_file(_resource(pair, there=True), "a.dcm", b"theirs, meanwhile")
        report = workspace.sync(planned)
    assert {state for _, _, state in facts(report).values()} == {"incomplete"}
    assert pair.subject(there=True).fields["handedness"] == "ambidextrous"
    assert _resource(pair, there=True).files["a.dcm"].data.size == 17
    assert {state for _, _, state in pair.told().values()} == {"conflict"}


def test_two_runs_at_once_the_second_steps_back(pair):
    with (
        Memory() as memory,
        memory.holding("nightly", memory.runs("nightly")[0].id),
        pytest.raises(Conflict, match="still at work"),
    ):
        pair.run()
    assert pair.told() == {}


def test_a_plan_that_another_run_made_old_is_not_run(pair):
    pair.subject().fields["handedness"] = "left"
    with Workspace() as workspace:
        planned = workspace.plan_sync("nightly")
        pair.run()
        with pytest.raises(Conflict, match="meanwhile"):
            workspace.sync(planned)


@pytest.mark.parametrize(
    "fault", [ErrorPage(), DO_NOTHING, CutUpload(), WriteThenDrop(), WriteThenError()], ids=type
)
@pytest.mark.parametrize("after", [0, 2])
def test_a_fault_in_the_middle_is_told_and_the_next_run_does_the_rest(pair, held, fault, after):
    add_subject(pair.source.site, pair.source.site.projects["P"], "S9")
    pair.subject().fields["race"] = "new"
    set_file(_resource(pair), "a.dcm", b"other bytes")
    pair.target.faults.add("PUT /data/projects", fault, times=4, after=after)
    states = {str(one["state"]) for one in pair.run().items}
    assert states <= {"verified", "incomplete"}
    pair.target.faults.clear()
    assert {str(one["state"]) for one in pair.run().items} <= {"verified"}
    assert pair.told() == {}
    assert held(pair.target.site, "P") == held(pair.source.site, "P")
