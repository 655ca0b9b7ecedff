"""Steps for the cluster test, importable where its workers are."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from xnat_tui.jobs.control import Control
from xnat_tui.model.plan import Step
from xnat_tui.model.transfer import Outcome, State


@dataclass(frozen=True)
class Copy:
    """Copies a file. The first execution of step `fatal` kills the process it runs in."""

    folder: str
    fatal: int

    def __call__(self, step: Step, control: Control) -> Outcome:
        folder = Path(self.folder)
        died = folder / "died"
        if step.number == self.fatal and not died.exists():
            died.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "pids").mkdir(exist_ok=True)
        (folder / "pids" / str(os.getpid())).touch()
        data = (folder / "source" / str(step.number)).read_bytes()
        (folder / "target" / str(step.number)).write_bytes(data)
        control.on_bytes(len(data))
        return Outcome(step.number, State.DONE, 1, len(data))
