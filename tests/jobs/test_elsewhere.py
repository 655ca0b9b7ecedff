"""A job's executor in a process of a cluster."""

from __future__ import annotations

import pickle
from contextlib import contextmanager

import pytest

from xnat_tui.config import Server
from xnat_tui.errors import UsageError
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import CopyOptions, ExportOptions
from xnat_tui.model.plan_documents import plan_document, plan_of
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.services.transfers.running import elsewhere
from xnat_tui.services.transfers.running.elsewhere import Elsewhere


def test_a_process_opens_a_job_once_and_asks_nobody_for_a_password(make_plan, make_step, monkeypatch):
    opened: list[str] = []

    @contextmanager
    def compose(plan, prompt, insecure, servers):
        opened.append(prompt("Password of jdoe at lab") + servers[0].name)
        yield lambda step, control: Outcome(step.number, State.DONE)

    monkeypatch.setattr(elsewhere, "compose", compose)
    step = make_step(3)
    execute = Elsewhere("20261121-101500-copy", make_plan([step]), False, (Server("lab", "https://lab.org"),))
    for _ in range(2):
        assert pickle.loads(pickle.dumps(execute))(step, Control()) == Outcome(3, State.DONE)
    assert opened == ["lab"]


def test_an_opening_that_failed_is_tried_again(make_plan, make_step, monkeypatch):
    tries: list[int] = []

    @contextmanager
    def compose(plan, prompt, insecure, servers):
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        yield lambda step, control: Outcome(step.number, State.DONE)

    monkeypatch.setattr(elsewhere, "compose", compose)
    execute = Elsewhere("20261121-101501-copy", make_plan([]), False)
    with pytest.raises(ConnectionError):
        execute(make_step(1), Control())
    assert execute(make_step(1), Control()).state is State.DONE


def test_a_plan_says_on_which_cluster_it_runs(make_plan):
    plan = make_plan([], options=CopyOptions(executor="dask=tcp://head:8786"))
    assert elsewhere.scheduler_of(plan_of(plan_document(plan))) == "tcp://head:8786"
    assert elsewhere.scheduler_of(make_plan([])) == ""
    assert elsewhere.scheduler_of(make_plan([], options=ExportOptions())) == ""


@pytest.mark.parametrize("executor", ["slurm=tcp://head:8786", "dask=", "tcp://head:8786"])
def test_other_executors_are_refused(executor):
    with pytest.raises(UsageError) as caught:
        CopyOptions(executor=executor)
    assert caught.value.hint == "It is dask=tcp://HOST:PORT."
