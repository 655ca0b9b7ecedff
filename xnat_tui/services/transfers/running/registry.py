"""Who runs the steps of which verb: filled by the modules that do, with a table of their kinds of step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

from xnat_tui.errors import Interrupted, UsageError, XnatTuiError
from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.options import TransferOptions
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Outcome, State
from xnat_tui.model.work import Outdated, Work
from xnat_tui.xnat.http.connection import Connection

Connections = Callable[[str], Connection]
"""Signed-in servers by name."""
Opener = Callable[[Plan, Connections], AbstractContextManager[Execute]]
"""Gives what runs one step of a plan after the other, in any thread."""

O = TypeVar("O", bound=Opener)  # noqa: E741  (of this decorator alone)

_OPENERS: dict[type[TransferOptions], Opener] = {}


def runs(options: type[TransferOptions]) -> Callable[[O], O]:
    """Registers what runs plans that were made by these options."""

    def register(opener: O) -> O:
        _OPENERS[options] = opener
        return opener

    return register


def opener_of(plan: Plan) -> Opener:
    """Raises UsageError for a plan of which nobody runs the steps."""
    found = _OPENERS.get(type(plan.options))
    if found is None:
        raise UsageError(f"Nothing runs a plan to {plan.verb}.")
    return found


def by_kind(verb: str, tasks: Mapping[type[Work], Execute]) -> Execute:
    """Runs each step by what it carries. One that fails is an outcome with its reason; Interrupted is raised,
    and so is UsageError for a kind that the verb does not have.
    """

    def execute(step: Step, control: Control) -> Outcome:
        if not step.writes:
            return Outcome(step.number, State.DONE)
        if isinstance(step.work, Outdated):
            return Outcome.failed(step, XnatTuiError(step.work.reason, "Plan again."))
        task = tasks.get(type(step.work))
        if task is None:
            raise UsageError(f"No part of a plan to {verb} is called {step.task}.")
        try:
            return task(step, control)
        except Interrupted:
            raise
        except XnatTuiError as error:
            return Outcome.failed(step, error)

    return execute
