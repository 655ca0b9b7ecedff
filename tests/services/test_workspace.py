"""What Python callers are promised: names or addresses, one call for each thing that a user can do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import xnat_tui
from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.demo.server import DemoServer
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.errors import NotFound, UsageError
from xnat_tui.jobs.job import Event
from xnat_tui.model.plan import Action
from xnat_tui.model.transfer import State
from xnat_tui.services.workspace import Workspace


@pytest.fixture
def servers(tmp_path, monkeypatch) -> Iterator[tuple[DemoServer, DemoServer]]:
    monkeypatch.setenv("XNAT_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XNAT_TUI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with DemoServer(source_site()) as source, DemoServer(destination_site()) as destination:
        for name, server in (("lab", source), ("qc", destination)):
            monkeypatch.setenv(f"XNAT_TUI_PASSWORD_{name.upper()}", "demo")
            config.save_server(Server(name, server.url, "demo"))
        yield source, destination


def test_compare_plan_and_run_as_the_readme_shows(servers):
    events: list[Event] = []
    with xnat_tui.connect("lab", "qc") as workspace:
        difference = workspace.compare("lab:BRAINS/SUB-001", "qc:BRAINS/SUB-001", depth="sizes")
        plan = workspace.plan_copy(["lab:BRAINS/SUB-004"], "qc:BRAINS")
        report = workspace.run(plan, on_event=events.append)
    assert not difference.summary().different
    document = difference.to_dict()
    assert (document["source"], document["items"]) == ("lab:BRAINS/SUB-001", [])
    assert report.to_dict()["done"] == {"items": 8, "files": 14, "bytes": plan.totals.bytes}
    scan = "subjects/SUB-004/experiments/SUB-004_CT1/scans/2/resources/DICOM"
    assert [(one.kind, one.message) for one in events if one.path == scan] == [
        ("step", "running"),
        ("step", "done"),
    ]
    assert (events[-1].kind, events[-1].message, events[-1].job) == ("state", "done", report.job)


def test_what_was_looked_up_is_not_looked_up_again_by_a_plan(servers, tmp_path):
    source, destination = servers
    with xnat_tui.connect("lab", "qc") as workspace:
        by_name = workspace.plan_copy("lab:BRAINS/SUB-004", "qc:BRAINS")
        place, target = workspace.find_one("lab:BRAINS/SUB-004"), workspace.find_one("qc:BRAINS")
        before = len(source.requests), len(destination.requests)
        plan = workspace.plan_copy(place, target)
        asked = list(source.requests)[before[0] :] + list(destination.requests)[before[1] :]
        assert workspace.plan_export([place], tmp_path / "out").steps
    assert plan.steps == by_name.steps
    assert not [one for one in asked if one.path == "/data/projects"]


def test_a_name_that_is_not_saved_is_no_other_server(servers):
    with Workspace() as workspace:
        assert workspace.same_server("lab", "lab")
        assert not workspace.same_server("lab", "qc")
        assert not workspace.same_server("lab", "saved by another process since")


def test_plans_and_verdicts_tell_what_is_there_now_not_what_an_earlier_call_saw(servers, tmp_path):
    (tmp_path / "notes.txt").write_text("seen")
    where = "qc:BRAINS/SUB-004/SUB-004_CT1"
    with xnat_tui.connect("lab", "qc") as workspace:
        with pytest.raises(NotFound):
            workspace.compare("lab:BRAINS/SUB-004/SUB-004_CT1", where)
        first = workspace.run(workspace.plan_copy("lab:BRAINS/SUB-004", "qc:BRAINS"))
        again = workspace.plan_copy("lab:BRAINS/SUB-004", "qc:BRAINS")
        assert not workspace.compare("lab:BRAINS/SUB-004/SUB-004_CT1", where).summary().different
        upload = workspace.plan_upload(tmp_path / "notes.txt", f"{where}/resources/NOTES")
        workspace.run(upload)
        resent = workspace.plan_upload(tmp_path / "notes.txt", f"{where}/resources/NOTES")
        after = workspace.compare("lab:BRAINS/SUB-004/SUB-004_CT1", where)
    assert (first.state, first.failed) == (State.DONE, ())
    assert {step.action for step in again.steps} == {Action.SKIP}
    assert [step.action for step in upload.steps] == [Action.UPLOAD]
    assert [step.action for step in resent.steps] == [Action.SKIP]
    assert after.summary().only_destination == 1


def test_addresses_are_as_good_as_names(servers):
    source, destination = servers
    with xnat_tui.connect(source.url, f"{destination.url}/data/projects/BRAINS") as workspace:
        assert workspace.signed_in("lab")
        assert workspace.signed_in("qc")
        found = workspace.compare(f"{source.url}/data/projects/EMPTY", "lab:EMPTY")
        assert not found.summary().different
        plan = workspace.plan_copy("lab:EMPTY", "qc:")
        assert [step.action for step in plan.steps] == ["create"]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"depth": "deep"}, "depth cannot be 'deep'.", "It is one of: labels, sizes, digests."),
        ({"fields": "some"}, "fields cannot be 'some'.", "It is one of: listed, all."),
    ],
)
def test_a_wrong_word_is_a_usage_error_before_anything_is_asked(servers, options, message, hint):
    with xnat_tui.connect() as workspace, pytest.raises(UsageError) as caught:
        workspace.compare("lab:BRAINS", "qc:BRAINS", **options)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert len(servers[0].requests) == 0


def test_what_was_typed_at_an_unsaved_address_is_kept_for_workers(servers):
    url = servers[0].url.replace("127.0.0.1", "localhost")
    answers = {f"User at {url}": "demo", f"Password of demo at {url}": "demo"}
    with Workspace(prompt=answers.__getitem__) as workspace:
        place = workspace.find_one(f"{url}/data/projects/EMPTY")
        assert str(place.location) == f"{url}/data/projects/EMPTY"
        typed = {question: secret.reveal() for question, secret in workspace.typed_passwords.items()}
    assert typed == {url: "demo", f"User at {url}": "demo"}
