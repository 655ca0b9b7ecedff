"""Running a planned export: resources, documents, and the table that is made of the documents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from xnat_tui.errors import Interrupted, UsageError, XnatTuiError
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.services.incoming import clear
from xnat_tui.services.transfers.exporting.documents import describe_dataset, finish, save_document
from xnat_tui.services.transfers.exporting.layouts import bindings_of
from xnat_tui.services.transfers.exporting.resources import fetch_resource
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.run import Control, check_stop
from xnat_tui.xnat.http.connection import Connection

log = logging.getLogger("xnat_tui.export")

Execute = Callable[[Step, Control], Outcome]

_TASKS: Mapping[str, Callable[[ExportRun, Step, Control], Outcome]] = {
    "download": fetch_resource,
    "metadata": save_document,
    "dataset": describe_dataset,
}


class Exporting:
    """Runs the steps of an export, and writes what is made of all of them: see `jobs.runner.Completing`."""

    def __init__(self, run: ExportRun, execute: Execute) -> None:
        self._run = run
        self._execute = execute
        self.completed = False

    def __call__(self, step: Step, control: Control) -> Outcome:
        self.completed = False
        return self._execute(step, control)

    def complete(self) -> list[Outcome]:
        """The table of what is there, and what BIDS asks for; the outcomes of what could not be made."""
        self.completed = True
        return finish(self._run)


@contextmanager
def export_executor(plan: Plan, connections: Callable[[str], Connection]) -> Iterator[Execute]:
    """What runs one step of an export after the other, in any thread; `connections` gives them by name.

    A step that fails is an outcome with its reason; only Interrupted and OSError are raised. What is made of
    all that is there is written when the job's last step has ended, or when a paused job is left. Raises
    UsageError for a plan that is no export.
    """
    if plan.verb != "export":
        raise UsageError(f"A plan to {plan.verb} cannot be run as an export.")
    run = ExportRun(plan, connections)

    def execute(step: Step, control: Control) -> Outcome:
        if not step.writes:
            return Outcome(step.number, State.DONE)
        task = _TASKS.get(step.task)
        if task is None:
            raise UsageError(f"No part of an export is called {step.task}.")
        check_stop(control)
        run.ready_folder()
        run.manifest.begin(plan.policy.layout)
        try:
            run.manifest.bind(bindings_of(step))
            return task(run, step, control)
        except Interrupted:
            raise
        except XnatTuiError as error:
            return Outcome.failed(step, error)

    clear(run.folder)
    exporting = Exporting(run, execute)
    try:
        yield exporting
        if not exporting.completed:  # paused: what cannot be written now is told when the job ends
            for outcome in exporting.complete():
                log.warning("step %d: %s", outcome.number, outcome.failures[0].error)
    finally:
        run.incoming.close()
