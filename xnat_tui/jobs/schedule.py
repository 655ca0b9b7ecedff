"""Which step may run next: its needs are met, and nothing else is writing to the same target."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from xnat_tui.model.plan import Step


class Schedule:
    """The steps that are still to be run, lowest number first. Not for several threads.

    A need that is neither to be run nor failed is met: it is done, or was not part of the plan.
    """

    def __init__(self, steps: Iterable[Step], failed: Mapping[int, str], key: Callable[[Step], str]) -> None:
        """`failed`: numbers and paths of steps that failed before; what needs them is in `doomed`."""
        self._steps = {step.number: step for step in steps}
        self._keys = {number: key(step) for number, step in self._steps.items()}
        self._open: dict[int, int] = {}
        self._needed_by: dict[int, list[int]] = defaultdict(list)
        self._ready: list[int] = []
        self._parked: dict[str, list[int]] = defaultdict(list)
        self._busy: set[str] = set()
        self.doomed: list[tuple[Step, str]] = []
        """Steps that cannot run, with the path of the step whose failure is the reason."""
        for number, step in self._steps.items():
            needs = {need for need in step.needs if need in self._steps and need != number}
            self._open[number] = len(needs)
            for need in needs:
                self._needed_by[need].append(number)
            if not needs:
                heapq.heappush(self._ready, number)
        for step in list(self._steps.values()):
            reason = next((failed[need] for need in step.needs if need in failed), "")
            if reason and step.number in self._steps:
                self.doomed.append((step, reason))
                self.doomed += [(dependant, reason) for dependant in self._remove(step.number)]

    def __len__(self) -> int:
        """Steps neither ended nor doomed, those under way included."""
        return len(self._steps)

    def key(self, number: int) -> str:
        """What no other step may write to while this one runs."""
        return self._keys[number]

    def next(self) -> Step | None:
        """A step to run; its target is busy until `give_back`, `succeed` or `fail`. None: nothing can now."""
        while self._ready:
            number = heapq.heappop(self._ready)
            key = self._keys[number]
            if number not in self._steps:
                self._unpark(key)
                continue
            if key in self._busy:
                heapq.heappush(self._parked[key], number)
                continue
            self._busy.add(key)
            return self._steps[number]
        return None

    def give_back(self, number: int) -> None:
        """The step did not run, or was stopped; it may run again."""
        heapq.heappush(self._ready, number)
        self._free(number)

    def stuck(self) -> list[Step]:
        """Remove and give what is left. With nothing under way, these are steps that need each other."""
        left = list(self._steps.values())
        self._steps.clear()
        return left

    def succeed(self, number: int) -> None:
        """The step is done: those that waited for nothing else are ready."""
        self._free(number)
        del self._steps[number]
        for dependant in self._needed_by.pop(number, ()):
            self._open[dependant] -= 1
            if self._open[dependant] == 0 and dependant in self._steps:
                heapq.heappush(self._ready, dependant)

    def fail(self, number: int) -> list[Step]:
        """Every step that needed this one, directly or not; they will not run."""
        self._free(number)
        return self._remove(number)

    def _remove(self, number: int) -> list[Step]:
        self._steps.pop(number, None)
        lost, queue = [], list(self._needed_by.pop(number, ()))
        while queue:
            dependant = queue.pop(0)
            if step := self._steps.pop(dependant, None):
                lost.append(step)
                queue += self._needed_by.pop(dependant, ())
        return lost

    def _free(self, number: int) -> None:
        key = self._keys[number]
        self._busy.discard(key)
        self._unpark(key)

    def _unpark(self, key: str) -> None:
        """One waiting step of this target is ready again; it brings on the next when it ends."""
        if parked := self._parked.get(key):
            heapq.heappush(self._ready, heapq.heappop(parked))
