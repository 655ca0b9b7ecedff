"""Running a plan's steps: what each kind of step does, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import CopyOptions, Mode, options_or_usual
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import (
    AssessorCopy,
    CacheClearing,
    CatalogRefresh,
    ExperimentCopy,
    FieldsCopy,
    ItemShare,
    ProjectCopy,
    ReconstructionCopy,
    ResourceCopy,
    ScanCopy,
    SessionImport,
    SubjectCopy,
    ViewerRebuild,
    Work,
)
from xnat_tui.services.transfers.copying.execution.fields import copy_fields
from xnat_tui.services.transfers.copying.execution.imports import import_session
from xnat_tui.services.transfers.copying.execution.items import (
    clear_caches,
    copied,
    located,
    refresh_session,
    share_item,
)
from xnat_tui.services.transfers.copying.execution.rsync import rsync_resource
from xnat_tui.services.transfers.copying.execution.together import copy_resources
from xnat_tui.services.transfers.copying.execution.whole import copy_session, enough, prove_waiting
from xnat_tui.services.transfers.copying.run import CopyRun
from xnat_tui.services.transfers.running.registry import Connections, by_kind, runs

Task = Callable[[CopyRun, Step, Control], Outcome]


def _files(run: CopyRun, step: Step, control: Control) -> Outcome:
    if run.options.mode is Mode.RSYNC:
        return rsync_resource(run, step, control)
    return copy_resources(run, located(run, step), control)


_COPYING: Mapping[type[Work], Task] = {
    **dict.fromkeys((ProjectCopy, SubjectCopy, ScanCopy, AssessorCopy, ReconstructionCopy), copied),
    ExperimentCopy: copy_session,
    FieldsCopy: copy_fields,
    ResourceCopy: _files,
    SessionImport: import_session,
    ItemShare: share_item,
    CatalogRefresh: refresh_session,
    ViewerRebuild: refresh_session,
    CacheClearing: clear_caches,
}


@runs(CopyOptions)
@contextmanager
def copy_executor(plan: Plan, connections: Connections) -> Iterator[Execute]:
    """What runs one step of a copy after the other, in any thread; `connections` gives them by server name.

    A step that fails is an outcome with its reason; only Interrupted is raised. Steps of one session
    (`Step.session`) must not run at the same time. Raises UsageError for a plan that is no copy.
    """
    options_or_usual(CopyOptions, plan.options)
    ends = next(((step.source.server, step.target.server) for step in plan.steps if step.writes), None)
    if ends is None:
        yield by_kind(plan.verb, {})
        return
    run = CopyRun(plan, connections(ends[0]), connections(ends[1]))
    yield CopyExecution(plan, run)


class CopyExecution:
    """Runs the steps of a copy. Sessions that its caller lets wait are proved together (`runner.Proving`)."""

    def __init__(self, plan: Plan, run: CopyRun) -> None:
        self._run = run
        self._execute = by_kind(plan.verb, {kind: partial(task, run) for kind, task in _COPYING.items()})

    def __call__(self, step: Step, control: Control) -> Outcome:
        return self._execute(step, control)

    def enough(self, numbers: Collection[int]) -> bool:
        """Whether these sessions are enough for one list."""
        return enough(self._run, numbers)

    def prove(self, numbers: Collection[int], control: Control) -> list[Outcome]:
        """What has become of these sessions."""
        return prove_waiting(self._run, numbers, control)
