"""Changes being done one after the other, away from any panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xnat_tui.model.changes import Change, Result
from xnat_tui.tui.context import Context

Ended = Callable[[Sequence[Result]], None]


class Run:
    """Changes being done one after the other, off the screen. It goes on when its panel is left.

    `watch` is called after every row, and `ended` with the results when the run has come to its end or
    was stopped. A row that fails does not stop the others.
    """

    def __init__(
        self,
        context: Context,
        changes: Sequence[Change],
        do: Callable[[Change], str],
        *,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self.context = context
        self._do = do
        self._interrupt = interrupt
        self._stopped = False
        self.changes = list(changes)
        self.results: dict[int, Result] = {}
        """By the change's position; absent while it was not done."""
        self.waiting: list[int] = []
        self.current: int | None = None
        self.watch: Callable[[], None] = _nobody
        self.ended: Ended = _nobody

    @property
    def running(self) -> bool:
        return self.current is not None

    @property
    def failed(self) -> list[int]:
        return [index for index, result in self.results.items() if result.error is not None]

    def start(self, rows: Sequence[int]) -> None:
        self._stopped = False
        self.waiting = list(rows)
        self.context.writing.add(self)
        self._next()

    def stop(self) -> None:
        """After the row under way; a watch of the server's work ends at once, and its work goes on."""
        self._stopped = True
        if self._interrupt is not None and self.running:
            self._interrupt()

    def summary(self) -> str:
        done = len(self.results) - len(self.failed)
        words = [f"{done} done", f"{len(self.failed)} failed" if self.failed else ""]
        words.append(f"{len(self.waiting)} not begun" if self.waiting and not self.running else "")
        return ", ".join(word for word in words if word)

    def _next(self) -> None:
        if self._stopped or not self.waiting:
            self.current = None
            self.context.writing.discard(self)
            self.ended(list(self.results.values()))
            self.watch()
            self.context.changes.hand_over()
            return
        index = self.current = self.waiting.pop(0)
        change = self.changes[index]
        self.watch()
        self.context.run(
            ("changes", id(self)),
            lambda: self._do(change),
            lambda note: self._take(index, Result(change, note=note or "")),
            lambda error: self._take(index, Result(change, error)),
        )

    def _take(self, index: int, result: Result) -> None:
        self.results[index] = result
        if result.error is not None:
            self.context.remember(f"{result.change.location}: {result.error.message}")
        self._next()


def _nobody(*_: object) -> None:
    """Nobody watches."""
