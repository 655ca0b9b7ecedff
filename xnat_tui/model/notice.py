"""What a user should hear of while it is going on."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """Something takes long, or is going to cost many requests; said before it is done, so that it can be
    stopped."""

    text: str
    """A sentence that names the server."""
    short: str
    """The same in a few words, for a line that says more than this."""
    requests: int = 0
    """Up to how many more than the usual."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A server that cannot be reached or is too busy, while a request waits to be sent again."""

    server: str
    """Its name."""
    words: str
    """`does not answer`, `answers 503`."""
    until: float
    """When it is asked again, in seconds of the monotonic clock."""

    @classmethod
    def of(cls, server: str, status: int | None, seconds: float) -> Outage:
        """One that is asked again after these seconds; without a status nobody answered at all."""
        words = f"answers {status}" if status else "does not answer"
        return cls(server, words, time.monotonic() + seconds)

    def told(self, now: float) -> str:
        """A sentence without its end, with the seconds that are left at `now`."""
        left = math.ceil(self.until - now)
        again = f"next try in {left} s" if left > 0 else "trying again"
        return f"{self.server} {self.words}: {again}"
