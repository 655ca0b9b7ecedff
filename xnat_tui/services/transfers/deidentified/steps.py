"""Running a de-identified copy or export: what each kind of step does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome
from xnat_tui.model.work import DeidentifiedResource, DeidentifiedSession, DeidentifiedSubject, Work
from xnat_tui.services.deidentifying.known_keys import check_key, remember_key
from xnat_tui.services.transfers.deidentified.files import send_resource
from xnat_tui.services.transfers.deidentified.items import make_session, make_subject
from xnat_tui.services.transfers.deidentified.run import DeidentifiedRun
from xnat_tui.services.transfers.running.registry import Connections, by_kind

_TASKS: Mapping[type[Work], Callable[[DeidentifiedRun, Step, Control], Outcome]] = {
    DeidentifiedSubject: make_subject,
    DeidentifiedSession: make_session,
    DeidentifiedResource: send_resource,
}


@contextmanager
def deidentified_executor(plan: Plan, connections: Connections) -> Iterator[Execute]:
    """What runs one step after the other, in any thread; a step that fails is an outcome with its reason.

    Raises UsageError, ConfigError and Conflict where the profile or the key is not what it has to be.
    """
    run = DeidentifiedRun(plan, connections)
    check_key(plan.destination, run.treatment.key)
    remember_key(plan.destination, run.treatment.key)
    try:
        yield by_kind(plan.verb, {kind: partial(task, run) for kind, task in _TASKS.items()})
    finally:
        run.incoming.close()
