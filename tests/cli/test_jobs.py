"""`jobs`, on journals that were written by hand."""

from __future__ import annotations

import json

import pytest

from xnat_tui.jobs.journal import Journal
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.plan import Action, End, Plan, Step
from xnat_tui.model.transfer import State
from xnat_tui.model.work import ResourceCopy


@pytest.fixture
def remember(program):
    """Puts a transfer of one step into the journal, and ends the step as told."""

    def remember(state: State = State.DONE) -> str:
        step = Step(
            number=0,
            action=Action.UPLOAD,
            work=ResourceCopy("R"),
            path="subjects/S/resources/R",
            kind=Kind.RESOURCE,
            source=End("lab", "/data/projects/P/subjects/S/resources/R"),
            target=End("qc", "/data/projects/P/subjects/S/resources/R"),
            files=1,
            bytes=10,
        )
        plan = Plan(CopyOptions(), sources=("lab:P/S",), destination="qc:P", steps=(step,), root="P")
        with Journal() as journal:
            job = journal.create(plan, "lab:P/S → qc:P")
            if state is not State.QUEUED:
                with journal.database.transaction() as database:
                    database.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, job))
            return job

    return remember


def test_nothing_is_remembered_at_first(program):
    assert json.loads(program("jobs", "list", "--json").stdout)["items"] == []
    for verb in ("show", "resume", "retry", "forget"):
        result = program("jobs", verb)
        assert (result.exit_code, result.stdout) == (5, "")
        assert result.stderr == (
            "No transfer is remembered.\n\nhint: Start one with: xnat-tui export, copy or upload\n"
        )


@pytest.mark.parametrize("verb", ["show", "forget", "retry"])
def test_each_verb_prints_the_transfers_document(program, remember, verb):
    job = remember()
    result = program("jobs", verb, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["job"], document["state"], document["failed"]) == (job, "done", [])
    assert document["plan"]["upload"] == 1


def test_without_an_id_only_what_is_done_is_forgotten(program, remember):
    job = remember(State.QUEUED)
    refused = program("jobs", "forget")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"{job} is queued and can go on.\n\nhint: Name it: xnat-tui jobs forget {job}\n"
    )
    assert program("jobs", "forget", job).exit_code == 0
    assert program("jobs", "show", job).exit_code == 5


def test_resuming_takes_the_newest_that_can_go_on_and_asks_for_what_its_worker_needs(
    program, remember, monkeypatch
):
    waiting, done = remember(State.PAUSED), remember()
    assert waiting != done
    program.configure(
        "[servers.lab]\nurl = 'http://127.0.0.1:1'\nuser = 'jdoe'\n[servers.qc]\nurl = 'http://127.0.0.1:2'\n"
    )
    refused = program("jobs", "resume", "--detach", "--json")
    assert refused.exit_code == 4
    asked = []
    started = []
    monkeypatch.setattr("xnat_tui.cli.state.has_terminal", lambda: True)

    def ask(question):
        asked.append(question)
        return "typed"

    monkeypatch.setattr("xnat_tui.cli.state.ask", ask)
    monkeypatch.setattr(
        "xnat_tui.services.transfers.running.worker.resume",
        lambda job, passwords, insecure: started.append((job, passwords["lab"].reveal(), insecure)),
    )
    resumed = program("jobs", "resume", "--detach", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert asked == ["Password of jdoe at lab"]
    assert started == [(waiting, "typed", False)]
    assert json.loads(resumed.stdout)["job"] == waiting


@pytest.mark.parametrize("state", [State.PAUSED, State.CANCELLED, State.QUEUED])
def test_a_retry_of_what_has_not_ended_names_resume(program, remember, state):
    job = remember(state)
    told = program("jobs", "retry", job)
    assert told.exit_code == 5
    assert told.stderr == (
        f"{job} is {state}: nothing of it failed, and it is not done.\n\n"
        f"hint: Go on with: xnat-tui jobs resume {job}\n"
    )
