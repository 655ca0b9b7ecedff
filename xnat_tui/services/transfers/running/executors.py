"""Which service runs the steps of which plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.xnat.http.connection import Connection

Execute = Callable[[Step, Control], Outcome]


@contextmanager
def executor_for(plan: Plan, connections: Callable[[str], Connection]) -> Iterator[Execute]:
    """What runs the steps of a plan, in any thread; `connections` gives signed-in servers by name.

    Raises UsageError for a plan of a verb that runs no steps.
    """
    with ExitStack() as stack:

        def connection(name: str) -> Connection:
            found = connections(name)
            if plan.policy.event_reason and found.event_reason != plan.policy.event_reason:
                stack.callback(setattr, found, "event_reason", found.event_reason)
                found.event_reason = plan.policy.event_reason
            return found

        yield stack.enter_context(_of_its_verb(plan, connection))


def _of_its_verb(plan: Plan, connections: Callable[[str], Connection]) -> AbstractContextManager[Execute]:
    if plan.verb == "export":
        from xnat_tui.services.transfers.exporting.steps import export_executor

        return export_executor(plan, connections)
    if plan.verb == "upload":
        from xnat_tui.services.transfers.uploading.plan import upload_executor

        return upload_executor(plan, connections)
    from xnat_tui.services.transfers.copying.execution.steps import executor_for as copy_executor

    return copy_executor(plan, connections)
