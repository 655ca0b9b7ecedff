"""One try at one step, wherever the executor runs it: an outcome always, an exception never."""

from __future__ import annotations

import logging
from collections.abc import Callable

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.jobs.control import Control
from xnat_tui.logs import redact
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Failure, Outcome, State

Execute = Callable[[Step, Control], Outcome]
"""Runs one step; what it raises is for `attempt` to put into words."""

_log = logging.getLogger(__name__)


def attempt(execute: Execute, step: Step, control: Control) -> Outcome:
    """What `execute` gives; FAILED with the reason for whatever it raises, PAUSED for Interrupted."""
    try:
        return execute(step, control)
    except Interrupted:
        return Outcome(step.number, State.PAUSED, control.files, control.bytes)
    except XnatTuiError as error:
        return Outcome.failed(step, error, control.files, control.bytes)
    except Exception as error:  # noqa: BLE001  (a failing step fails itself and nothing else)
        failures = (not_done(step, error),)
        return Outcome(step.number, State.FAILED, control.files, control.bytes, failures=failures)


def not_done(step: Step, error: BaseException) -> Failure:
    """An error in a user's words. One that nobody foresaw goes to the log with its traceback."""
    if isinstance(error, XnatTuiError):
        return Failure(step.path, error.message, error.hint)
    if isinstance(error, OSError) and error.strerror:
        return Failure(step.path, f"{error.strerror}.", "Solve it, then retry the job.")
    _log.error("Step %s failed unexpectedly", step.number, exc_info=error)
    said = redact(str(error)).strip().partition("\n")[0][:200]
    text = f"Unexpected {type(error).__name__}" + (f": {said}" if said else "")
    return Failure(step.path, text, "The log has the details.")
