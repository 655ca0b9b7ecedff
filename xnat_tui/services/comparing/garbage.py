"""Python's search for garbage in cycles, held back while the many values of a project are made.

They stay, and most of them hold no cycle; by default all of them would be searched a dozen times over,
for a third of the time that a comparison of 10,000 sessions takes, and with every other thread waiting.
Once made they are left out of later searches: one of 2,000 sessions held key presses for 0.3 to 0.5 s.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (20_000, 1_000, 1_000)
"""What is new is searched once, some 20,000 objects at a time: a millisecond or two."""

_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []
"""The thresholds to go back to, once for each thread that is inside."""


def search_dropped() -> None:
    """Give back what earlier comparisons made and nobody looks at any more; not while one is running."""
    with _lock:
        if not _usual and gc.get_freeze_count():
            gc.unfreeze()
            gc.collect()


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Until the last thread has left, only what is new is searched for garbage.

    What stands then is passed over by every search until `search_dropped`.
    """
    with _lock:
        _usual.append(_usual[0] if _usual else gc.get_threshold())
        gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        with _lock:
            usual = _usual.pop()
            if not _usual:
                gc.freeze()
                gc.set_threshold(*usual)
