"""Running a planned export: resources, documents, and the table that is made of the documents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import ExportOptions
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import DatasetDescription, DocumentDownload, ResourceDownload, Work
from xnat_tui.services.incoming import clear
from xnat_tui.services.transfers.exporting.documents import describe_dataset, finish, save_document
from xnat_tui.services.transfers.exporting.run import ExportRun
from xnat_tui.services.transfers.exporting.together import fetch_resource
from xnat_tui.services.transfers.running.registry import Connections, by_kind, runs

log = logging.getLogger("xnat_tui.export")


Task = Callable[[ExportRun, Step, Control], Outcome]

_EXPORTING: Mapping[type[Work], Task] = {
    ResourceDownload: fetch_resource,
    DocumentDownload: save_document,
    DatasetDescription: describe_dataset,
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


@runs(ExportOptions)
@contextmanager
def export_executor(plan: Plan, connections: Connections) -> Iterator[Execute]:
    """What runs one step of an export after the other, in any thread; `connections` gives them by name.

    A step that fails is an outcome with its reason; only Interrupted and OSError are raised. What is made of
    all that is there is written when the job's last step has ended, or when a paused job is left. Raises
    UsageError for a plan that is no export.
    """
    run = ExportRun(plan, connections)
    clear(run.folder)
    tasks = {kind: partial(_ready, run, task) for kind, task in _EXPORTING.items()}
    exporting = Exporting(run, by_kind(plan.verb, tasks))
    try:
        yield exporting
        if not exporting.completed:  # paused: what cannot be written now is told when the job ends
            for outcome in exporting.complete():
                log.warning("step %d: %s", outcome.number, outcome.failures[0].error)
    finally:
        run.close()


def _ready(run: ExportRun, task: Task, step: Step, control: Control) -> Outcome:
    """With the folder there, and its names noted before anything gets them."""
    control.check()
    run.ready_folder()
    run.manifest.begin(run.options.layout)
    if isinstance(step.work, ResourceDownload | DocumentDownload):
        run.manifest.bind(step.work.names)
    return task(run, step, control)
