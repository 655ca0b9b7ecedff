"""Running a planned export: resources, documents, and the table that is made of the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from xnat_tui.errors import Interrupted, UsageError, XnatTuiError
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.services.copying.run import Control, check_stop
from xnat_tui.services.exporting.documents import describe_dataset, finish, save_document
from xnat_tui.services.exporting.layouts import bindings_of
from xnat_tui.services.exporting.resources import fetch_resource
from xnat_tui.services.exporting.run import ExportRun
from xnat_tui.services.incoming import clear
from xnat_tui.xnat.connection import Connection

Execute = Callable[[Step, Control], Outcome]

_TASKS: Mapping[str, Callable[[ExportRun, Step, Control], Outcome]] = {
    "download": fetch_resource,
    "metadata": save_document,
    "dataset": describe_dataset,
}


@contextmanager
def export_executor(plan: Plan, connections: Callable[[str], Connection]) -> Iterator[Execute]:
    """What runs one step of an export after the other, in any thread; `connections` gives them by name.

    A step that fails is an outcome with its reason; only Interrupted and OSError are raised. When it is
    left, what is made of all that is there by then is written: the table, and what BIDS asks for. Raises
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
    try:
        yield execute
        finish(run)
    finally:
        run.incoming.close()
