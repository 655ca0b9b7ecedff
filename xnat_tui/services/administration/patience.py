"""Looking again and again for what came of a write whose answer left that open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xnat_tui.errors import Unclear, XnatTuiError

REFUSED_WAITS = (1.0, 2.0, 4.0)
"""Seconds between looks after a 409 or 500: most are final, some come although it is done."""
UNCLEAR_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between looks after a time-out or a proxy's answer: big sessions take minutes."""

Wait = Callable[[float], bool]
"""Waits for some seconds; true means that the user wants to stop."""
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """`told` hears what is waited for before each pause."""

    wait: Wait
    told: Told

    def sees(self, holds: Callable[[], bool], failure: XnatTuiError | None, where: str, doing: str) -> bool:
        """Whether what was wanted stands, looking for as long as the write's `failure` leaves it open.

        `doing` says in words what the server may still be at, at `where`. Raises KeyboardInterrupt where a
        pause is ended, and what the first look raises after a clear answer.
        """
        waits: Sequence[float] = ()
        if failure is not None:
            waits = UNCLEAR_WAITS if isinstance(failure, Unclear) else REFUSED_WAITS
        for at, seconds in enumerate((0.0, *waits)):
            if seconds:
                assert failure is not None, "a clear answer is not waited for"
                left = sum(waits[at - 1 :])
                self.told(
                    f"{where}: the server answered {answered(failure)}, and may still be {doing}. "
                    f"Looking again in {seconds:.0f} s, for {left:.0f} s at most."
                )
                if self.wait(seconds):
                    raise KeyboardInterrupt
            try:
                if holds():
                    return True
            except XnatTuiError as error:
                if not seconds and failure is None:
                    raise
                failure = failure or error
        return False


def answered(failure: XnatTuiError) -> str:
    """What a failed write was answered with, as a word."""
    return str(failure.status) if failure.status else "nothing"
