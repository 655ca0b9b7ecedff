"""What runs the steps of a plan; what its verb needs is loaded with the first plan of that."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from xnat_tui.jobs.attempt import Execute
from xnat_tui.model.options import (
    CopyOptions,
    ExportOptions,
    TransferOptions,
    UploadOptions,
    WritingOptions,
)
from xnat_tui.model.plan import Plan
from xnat_tui.services.transfers.deidentified.treatment import is_deidentified
from xnat_tui.services.transfers.running.registry import Connections, Opener, opener_of
from xnat_tui.xnat.http.connection import Connection

_ROOMS: Mapping[type[TransferOptions], str] = {
    CopyOptions: "copying.execution.steps",
    ExportOptions: "exporting.steps",
    UploadOptions: "uploading.steps",
}
"""The modules that register themselves, below `services.transfers`."""


@contextmanager
def executor_for(plan: Plan, connections: Connections) -> Iterator[Execute]:
    """What runs the steps of a plan, in any thread; `connections` gives signed-in servers by name.

    Raises UsageError for a plan of a verb that runs no steps.
    """
    opener = _opener_of(plan)
    reason = plan.options.event_reason if isinstance(plan.options, WritingOptions) else ""
    with ExitStack() as stack:

        def connection(name: str) -> Connection:
            found = connections(name)
            if reason and found.event_reason != reason:
                stack.callback(setattr, found, "event_reason", found.event_reason)
                found.event_reason = reason
            return found

        yield stack.enter_context(opener(plan, connection))


def _opener_of(plan: Plan) -> Opener:
    """Raises UsageError for a plan of which nobody runs the steps."""
    if is_deidentified(plan.options):
        from xnat_tui.services.transfers.deidentified.steps import deidentified_executor

        return deidentified_executor
    if room := _ROOMS.get(type(plan.options)):
        importlib.import_module(f"xnat_tui.services.transfers.{room}")
    return opener_of(plan)
