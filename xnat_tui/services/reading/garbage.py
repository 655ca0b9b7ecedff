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

_SELDOM = (5_000, 10_000, 1_000)
"""What is new is searched once, some 5,000 objects at a time: for half a millisecond no key is heard."""

_WORTH = 200_000
"""So many new objects, some 30 MB, are worth a search, and a quarter of what stood after the one before.

Else each of many small comparisons would pay for a search of the whole program, a tenth of a second, to
give back a hundredth of it. The quarter is Python's own rule for its search of everything.
"""

_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []
"""The thresholds to go back to, once for each thread that is inside."""


class _Counts:
    """Objects, as far as Python counts them without looking at each."""

    stood = 0
    """Left by the last search."""
    made = 0
    """Passed over since."""
    at_entry = 0


def search_dropped() -> None:
    """Give back what earlier comparisons made and nobody looks at any more; not while one is running.

    What they made is left to a later call while it is little beside what the program is made of.
    """
    with _lock:
        if not _usual and _Counts.made > max(_WORTH, _Counts.stood // 4):
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            _Counts.stood, _Counts.made = gc.get_freeze_count(), 0


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Until the last thread has left, only what is new is searched for garbage.

    What stands then is passed over by every search until `search_dropped`.
    """
    with _lock:
        if not _usual:
            _Counts.at_entry = _counted()
        _usual.append(_usual[0] if _usual else gc.get_threshold())
        gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        with _lock:
            usual = _usual.pop()
            if not _usual:
                _Counts.made += max(0, _counted() - _Counts.at_entry)
                gc.freeze()
                gc.set_threshold(*usual)


def _counted() -> int:
    new, searches, _ = gc.get_count()
    return new + searches * _SELDOM[0]
