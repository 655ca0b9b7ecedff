"""From difference to difference while comparing, from match to match while filtering."""

from __future__ import annotations

from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.panes import Panes


class Stepping:
    """A step that finds nothing yet waits for the comparison to find more."""

    def __init__(self, context: Context, panes: Panes, comparison: ShownComparison) -> None:
        self._context = context
        self._panes = panes
        self._comparison = comparison
        self._wish = 0
        """The step of an `n` or `N` that waits for more to be compared."""
        comparison.watchers.append(self._try_wish)

    def next(self) -> None:
        self._step(1)

    def previous(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        tree = self._panes.active.pair_tree
        if tree is None:
            return
        self._wish = 0
        say = self._context.say
        further = "further" if step > 0 else "earlier"
        if self._comparison.on:
            if tree.next_difference(step):
                return
            left = self._comparison.unread
            if left:
                self._wish = step
                self._comparison.go_on()
                say(f"No {further} difference is known; comparing {left} more. esc stops waiting.")
            else:
                say(f"No {further} difference.")
        elif tree.rows.narrowing.needle is not None:
            if not tree.next_match(step):
                say(f"No {further} match is loaded.")
        else:
            say("n and N step through differences (= compares) or matches (/ filters).")

    def _try_wish(self) -> None:
        """Go to the difference that `n` waits for, once the comparison has found one."""
        tree = self._panes.active.pair_tree
        if not self._wish or tree is None:
            return
        ended = not self._comparison.unread
        if tree.next_difference(self._wish):
            self._wish = 0
        elif ended:
            self._wish = 0
            self._context.say("No further difference.")

    def stop(self) -> bool:
        """No longer wait for a next difference; False when nothing was waited for."""
        waited, self._wish = self._wish, 0
        return bool(waited)
