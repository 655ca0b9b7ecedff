"""What a job needs before its steps can run: signed-in servers, and what runs a step with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from xnat_tui.config import Server
from xnat_tui.jobs.runner import Execute
from xnat_tui.model.plan import Plan

Prompt = Callable[[str], str]
Compose = Callable[[Plan, Prompt, bool], AbstractContextManager[Execute]]


@contextmanager
def compose(plan: Plan, prompt: Prompt, insecure: bool, servers: Iterable[Server] = ()) -> Iterator[Execute]:
    """Opened for a whole job, and signed out of at its end. `servers` need not be saved on this machine.

    Raises whatever signing in raises.
    """
    from xnat_tui.services.transfers.running.executors import executor_for
    from xnat_tui.services.workspace import Workspace

    with Workspace(prompt=prompt, insecure=insecure) as workspace:
        for server in servers:
            workspace.add_server(server)
        with executor_for(plan, workspace.connection) as execute:
            yield execute
