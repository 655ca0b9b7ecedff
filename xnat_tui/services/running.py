"""Which service runs the steps of which plan."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.xnat.connection import Connection

Execute = Callable[[Step, Control], Outcome]


def executor_for(plan: Plan, connections: Callable[[str], Connection]) -> AbstractContextManager[Execute]:
    """What runs the steps of a plan, in any thread; `connections` gives signed-in servers by name.

    Raises UsageError for a plan of a verb that runs no steps.
    """
    if plan.verb == "export":
        from xnat_tui.services.exporting import export_executor

        return export_executor(plan, connections)
    if plan.verb == "upload":
        from xnat_tui.services.uploading import upload_executor

        return upload_executor(plan, connections)
    from xnat_tui.services.transfer import executor_for as copy_executor

    return copy_executor(plan, connections)
