"""What a user should hear of while it is going on."""

from __future__ import annotations

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
