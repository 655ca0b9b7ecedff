"""The worker process of a copy that kills itself -9 as it is about to send its n-th request, `$KILL_AT`.

`$KILL_AFTER` says instead that the request is sent, and its answer never read.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any
from unittest.mock import patch

from xnat_tui.services.transfers.running.worker import main
from xnat_tui.xnat.http.adapter import Adapter

_count = itertools.count(1)
_send = Adapter.send


def _counted(self: Adapter, *given: Any, **named: Any) -> Any:
    number = next(_count)
    if number == int(os.environ.get("KILL_AT", "0")):
        os.kill(os.getpid(), signal.SIGKILL)
    answer = _send(self, *given, **named)
    if number == int(os.environ.get("KILL_AFTER", "0")):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


if __name__ == "__main__":
    with patch.object(Adapter, "send", _counted):
        sys.exit(main())
