"""What a job needs before its steps can run: signed-in servers, and what runs a step with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from xnat_tui.config import Server
from xnat_tui.jobs.attempt import Execute
from xnat_tui.model.plan import Plan
from xnat_tui.services.servers import Prompt, Servers
from xnat_tui.services.transfers.running.executors import executor_for

Compose = Callable[[Plan, Prompt, bool], AbstractContextManager[Execute]]


@contextmanager
def compose(plan: Plan, prompt: Prompt, insecure: bool, saved: Iterable[Server] = ()) -> Iterator[Execute]:
    """Opened for a whole job, and signed out of at its end. `saved` need not be saved on this machine.

    Raises whatever signing in raises.
    """
    with Servers(prompt=prompt, insecure=insecure) as servers:
        for server in saved:
            servers.add_server(server)
        with executor_for(plan, servers.connection) as execute:
            yield execute
