"""The worker process with a step that copies a file between folders, for tests that kill it.

Every execution is written down in `$COPY_LOG` as its step begins. When the file `$COPY_HOLD` exists, steps
from number `$COPY_HOLD_FROM` on announce themselves in `$COPY_LOG` and then wait until they are stopped.
`$COPY_KILL`, as in `17 written`, kills the process -9 at that phase of the 17th step that it begins.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xnat_tui.errors import Interrupted, SignInFailed
from xnat_tui.jobs.attempt import Execute
from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Plan, Step
from xnat_tui.model.transfer import Evidence, Outcome, State
from xnat_tui.services.transfers.running.worker import main

_count = itertools.count(1)


def note(text: str) -> None:
    handle = os.open(os.environ["COPY_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{text}\n".encode())
    os.close(handle)


def die_if_told(began: int, phase: str) -> None:
    if os.environ.get("COPY_KILL") == f"{began} {phase}":
        os.kill(os.getpid(), signal.SIGKILL)


def copy(step: Step, control: Control) -> Outcome:
    began = next(_count)
    note(str(step.number))
    die_if_told(began, "begun")
    hold = os.environ.get("COPY_HOLD", "")
    if hold and Path(hold).exists() and step.number >= int(os.environ["COPY_HOLD_FROM"]):
        note("holding")
        control.stop.wait()
        if os.environ.get("COPY_DEAF"):
            control.stop.clear()
            control.stop.wait()
        raise Interrupted("Stopped.")
    target = Path(step.target.uri)
    part = target.with_name(target.name + ".part")
    size = shutil.copyfile(step.source.uri, part).stat().st_size
    control.on_bytes(size)
    die_if_told(began, "written")
    part.replace(target)
    control.on_file()
    die_if_told(began, "renamed")
    return Outcome(step.number, State.DONE, 1, size, verified=Evidence(size=1))


@contextmanager
def compose(plan: Plan, prompt: Callable[[str], str], insecure: bool) -> Iterator[Execute]:
    group = Path("/proc/self/autogroup")
    note(f"group {group.read_text().strip() if group.exists() else 'none'}")
    note(f"nice {os.nice(0)} leader {os.getsid(0) != os.getppid()} argv {' '.join(sys.argv[1:])}")
    if os.environ.get("COPY_PASSWORD") and not prompt("Password of jdoe at lab"):
        raise SignInFailed("No password was found for jdoe at lab.", "Sign in.")
    if os.environ.get("COPY_PASSWORD"):
        note(f"password {prompt('Password of jdoe at lab')} environment {'s3cret' in str(os.environ)}")
    yield copy


if __name__ == "__main__":
    sys.exit(main(compose=compose))
