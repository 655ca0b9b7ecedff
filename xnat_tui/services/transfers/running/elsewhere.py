"""Running a job's steps on a Dask cluster: each of its processes signs in once, with what it finds there.

A password that somebody typed does not travel to a cluster; alias tokens, netrc or the environment of its
machines have to do.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from xnat_tui import config
from xnat_tui.config import Server
from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.cluster import cluster
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import CopyOptions
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.services.transfers.running.opening import compose

Prepared = tuple[Execute, Callable[[int], Executor]]

_lock = threading.Lock()
_opened: dict[str, Execute] = {}
_signed_in = ExitStack()
atexit.register(_signed_in.close)


def scheduler_of(plan: Plan) -> str:
    """The address of the cluster that a plan is to run on; "" where it runs here."""
    return plan.options.scheduler if isinstance(plan.options, CopyOptions) else ""


@contextmanager
def on_cluster(scheduler: str, job: str, plan: Plan, insecure: bool) -> Iterator[Prepared]:
    """What runs a step on the cluster, and the executor for it. Raises UsageError, ServerUnreachable."""
    servers = tuple(config.load().servers.values())
    with cluster(scheduler) as found:
        yield found.share(Elsewhere, job, plan, insecure, servers), found.executor


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Runs steps of one job in whatever process it is unpickled."""

    job: str
    plan: Plan
    insecure: bool
    servers: tuple[Server, ...] = ()
    """As saved where the job was started; the cluster's machines need not know them."""

    def __call__(self, step: Step, control: Control) -> Outcome:
        return self._open()(step, control)

    def _open(self) -> Execute:
        with _lock:
            if self.job not in _opened:
                opening = compose(self.plan, _nobody, self.insecure, self.servers)
                _opened[self.job] = _signed_in.enter_context(opening)
            return _opened[self.job]


def _nobody(_question: str) -> str:
    return ""
