"""A process that runs the sync `nightly` and kills itself -9 as it is about to send request `$KILL_AT`."""

from __future__ import annotations

import itertools
import os
import signal
from typing import Any
from unittest.mock import patch

from xnat_tui.services.workspace import Workspace
from xnat_tui.xnat.http.adapter import Adapter

_count = itertools.count(1)
_send = Adapter.send


def _counted(self: Adapter, *given: Any, **named: Any) -> Any:
    if next(_count) == int(os.environ["KILL_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return _send(self, *given, **named)


def main() -> None:
    """Run it once."""
    with patch.object(Adapter, "send", _counted), Workspace() as workspace:
        workspace.sync("nightly")
