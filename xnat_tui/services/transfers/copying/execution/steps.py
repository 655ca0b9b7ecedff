"""Running a plan's steps: what each kind of step does, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from xnat_tui.errors import Interrupted, UsageError, XnatTuiError
from xnat_tui.model.plan import Mode, Plan, Step
from xnat_tui.model.transfer import Kept, Outcome, State
from xnat_tui.services.transfers.copying.execution.imports import import_session
from xnat_tui.services.transfers.copying.execution.items import (
    NotKept,
    clear_caches,
    copy_item,
    located,
    refresh_session,
    share_item,
)
from xnat_tui.services.transfers.copying.execution.rsync import rsync_resource
from xnat_tui.services.transfers.copying.execution.together import copy_resources
from xnat_tui.services.transfers.run import Control, CopyRun
from xnat_tui.xnat.http.connection import Connection

Execute = Callable[[Step, Control], Outcome]


def _files(run: CopyRun, step: Step, control: Control) -> Outcome:
    if run.policy.mode is Mode.RSYNC:
        return rsync_resource(run, step, control)
    return copy_resources(run, located(run, step), control)


_COPYING: Mapping[str, Callable[[CopyRun, Step, Control], Outcome]] = {
    **dict.fromkeys(("project", "subject", "experiment", "scan", "assessor", "reconstruction"), copy_item),
    "resource": _files,
    "import": import_session,
    "share": share_item,
    "catalogs": refresh_session,
    "ohif": refresh_session,
    "caches": clear_caches,
}


@contextmanager
def executor_for(plan: Plan, connections: Callable[[str], Connection]) -> Iterator[Execute]:
    """What runs one step of a plan after the other, in any thread; `connections` gives them by server name.

    A step that fails is an outcome with its reason; only Interrupted is raised. Steps of one session
    (`Step.data["session"]`) must not run at the same time. Raises UsageError for a plan it cannot run.
    """
    if plan.verb != "copy":
        raise UsageError(f"A plan to {plan.verb} cannot be run as a copy.")
    ends = next(((step.source.server, step.target.server) for step in plan.steps), None)
    if ends is None:
        yield _nothing
        return
    run = CopyRun(plan, connections(ends[0]), connections(ends[1]))

    def execute(step: Step, control: Control) -> Outcome:
        if not step.writes:
            return Outcome(step.number, State.DONE)
        task = _COPYING.get(step.task)
        if task is None:
            raise UsageError(f"No part of a copy is called {step.task}.")
        try:
            return task(run, step, control)
        except Interrupted:
            raise
        except NotKept as error:
            return replace(Outcome.failed(step, error), attributes=Kept(lost=1))
        except XnatTuiError as error:
            return Outcome.failed(step, error)

    yield execute


def _nothing(step: Step, control: Control) -> Outcome:
    del control
    return Outcome(step.number, State.DONE)
