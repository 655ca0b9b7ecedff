"""SIGINT and SIGTERM as a flag, for as long as a job runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signals(wake: Callable[[], None]) -> Iterator[threading.Event]:
    """The event is set, and `wake` called, when a signal arrives. Off the main thread nothing is caught.

    `wake` runs inside the handler, so it must take no lock. Nobody may wait on the event, only look at it.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        wake()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
