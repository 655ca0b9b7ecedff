"""What a running step holds of its job: when to stop, whom to tell how far it is, how fast it may go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from xnat_tui.errors import Interrupted


class Bandwidth:
    """A token bucket that all steps of a worker share: `rate` bytes a second, None without limit.

    It lends one second's worth at once, so that a step that paused may catch up, and never more.
    """

    def __init__(
        self, rate: int | None, streams: int = 1, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`streams`: among how many the rate is divided where they cannot share one bucket."""
        self.rate = rate
        self.share = max(1, rate // streams) if rate else None
        self._clock = clock
        self._lock = threading.Lock()
        self._level = float(rate or 0)
        self._filled = clock()

    def debt(self, count: int) -> float:
        """Take `count` bytes, and give the seconds to wait for them."""
        if not self.rate:
            return 0.0
        with self._lock:
            now = self._clock()
            self._level = min(float(self.rate), self._level + (now - self._filled) * self.rate)
            self._filled = now
            self._level -= count
            return max(0.0, -self._level / self.rate)


class Control:
    """Handed to whatever runs a step. Pickled to another process it still counts, and is not heard there:
    what the outcome says is then all that is known, and `stop` is never set.
    """

    def __init__(
        self,
        stop: threading.Event | None = None,
        bandwidth: Bandwidth | None = None,
        *,
        proves_later: bool = False,
    ) -> None:
        self.stop = stop or threading.Event()
        """Set when the step shall end soon; it then raises Interrupted or gives an outcome that is PAUSED."""
        self.proves_later = proves_later
        """Whether the step may end as VERIFYING, to be proved together with others."""
        self.files = 0
        self.bytes = 0
        self._bandwidth = bandwidth or Bandwidth(None)
        self._lock = threading.Lock()

    def on_bytes(self, count: int) -> None:
        """So many bytes have travelled. Waits where a bandwidth is set, until `stop` at the longest."""
        with self._lock:
            self.bytes += count
        if delay := self._bandwidth.debt(count):
            self.stop.wait(delay)

    def on_file(self) -> None:
        """One more file is complete at its destination."""
        with self._lock:
            self.files += 1

    def check(self) -> None:
        """Raises Interrupted when the step shall end."""
        if self.stop.is_set():
            raise Interrupted("Stopped.", "What was finished is kept; the job can be resumed.")

    def __reduce__(self) -> tuple[object, ...]:
        return (_elsewhere, (self._bandwidth.share,))


def _elsewhere(rate: int | None) -> Control:
    return Control(bandwidth=Bandwidth(rate))
