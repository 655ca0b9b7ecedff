"""How a job finds out that a server has gone, rather than fail all of its steps one by one."""

from __future__ import annotations

from collections.abc import Collection

from xnat_tui.errors import ServerUnreachable
from xnat_tui.jobs.job import Trouble
from xnat_tui.model.transfer import Outcome

FEWEST = 3
"""Steps in a row, with however few workers: less than that is a failure like others."""


class Unreached:
    """The steps that ended last, as far as all of them failed because a server could not be reached."""

    def __init__(self, workers: int) -> None:
        self._most = max(FEWEST, workers)
        self._count = 0
        self._lost = 0
        self._servers: set[str] = set()
        self._steps: list[int] = []
        """All that failed for that, in a row or not."""

    @property
    def enough(self) -> bool:
        """Whether the next step would hardly fare better."""
        return self._count >= self._most

    @property
    def enough_lost(self) -> bool:
        """The same of a job that has nothing left to try, because all the rest needs what met nobody."""
        return self._count > 0 and self._count + self._lost >= self._most

    def ended(self, outcome: Outcome, lost: Collection[int] = ()) -> None:
        """A step is done or failed; `lost` are those that failed with it because they need it."""
        if outcome.unreachable:
            self._count += 1
            self._lost += len(lost)
            self._servers.add(outcome.unreachable)
            self._steps += [outcome.number, *lost]
        else:
            self._count = self._lost = 0
            self._servers.clear()

    def forgive(self) -> list[int]:
        """The steps to be tried again because it was the server that failed; counting begins anew."""
        steps, self._steps = self._steps, []
        self._count = self._lost = 0
        return steps

    def trouble(self, job: str) -> Trouble:
        """What the user is told."""
        return Trouble(
            ServerUnreachable.__name__,
            f"{' and '.join(sorted(self._servers))} cannot be reached; the job is paused.",
            f"Resume it with: xnat-tui jobs resume {job}",
        )
