"""What the user marked. Marking a parent means all below it, loaded or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from xnat_tui.model.pairing import Pair

Figures = tuple[int | None, int | None]
"""Files and bytes; None where the server has not said."""


@dataclass(frozen=True, slots=True)
class MarkTotals:
    """What the marks come to. With `uncounted` above zero, files and bytes are "at least"."""

    items: int = 0
    files: int = 0
    bytes: int = 0
    uncounted: int = 0
    """Marked items whose files or bytes are not known."""


class Marks:
    """Marked pairs, none of them below another, in the order of marking."""

    def __init__(self) -> None:
        self._pairs: dict[Pair, None] = {}

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(tuple(self._pairs))

    def __contains__(self, pair: Pair) -> bool:
        """Whether the pair is marked itself."""
        return pair in self._pairs

    def covers(self, pair: Pair) -> bool:
        """Whether the pair is marked, by itself or with something above it."""
        if not self._pairs:
            return False
        return pair in self._pairs or any(above in self._pairs for above in pair.ancestors())

    def toggle(self, pair: Pair) -> None:
        """Unmarking something below a marked parent leaves the rest of that parent marked."""
        if self.covers(pair):
            self.remove([pair])
        else:
            self.add([pair])

    def add(self, pairs: Iterable[Pair]) -> None:
        fresh = dict.fromkeys(pair for pair in pairs if not self.covers(pair))
        if fresh:
            self._pairs |= fresh
            self._pairs = {
                pair: None
                for pair in self._pairs
                if not any(above in self._pairs for above in pair.ancestors())
            }

    def remove(self, pairs: Iterable[Pair]) -> None:
        """Unmark pairs and, where one of them is covered from above, mark the rest one by one."""
        for pair in pairs:
            if pair not in self._pairs and pair.parent is not None and self.covers(pair.parent):
                self._spell_out(pair.parent)
            self._pairs.pop(pair, None)

    def invert(self, siblings: list[Pair]) -> None:
        """Mark those that are not covered, unmark those that are; marks below them give way."""
        covered = [pair for pair in siblings if self.covers(pair)]
        uncovered = [pair for pair in siblings if not self.covers(pair)]
        self.remove(covered)
        self.add(uncovered)

    def clear(self) -> None:
        self._pairs.clear()

    def drop_below(self, pair: Pair) -> None:
        """Forget marks on something that is there no more, and on all below it."""
        for marked in self:
            if marked is pair or any(above is pair for above in marked.ancestors()):
                del self._pairs[marked]

    def move(self, old: Pair, new: Pair) -> None:
        """Carry a mark over to the pair that a reload put in the old one's place."""
        if old in self._pairs:
            del self._pairs[old]
            self._pairs[new] = None

    def totals(self, figures_of: Callable[[Pair], Figures]) -> MarkTotals:
        files = size = uncounted = 0
        for pair in self._pairs:
            counted, measured = figures_of(pair)
            files += counted or 0
            size += measured or 0
            uncounted += counted is None or measured is None
        return MarkTotals(len(self._pairs), files, size, uncounted)

    def _spell_out(self, parent: Pair) -> None:
        """Replace the mark at or above `parent` by marks on everything beside the way down to it."""
        way = [parent]
        for above in parent.ancestors():
            if way[-1] in self._pairs:
                break
            way.append(above)
        del self._pairs[way[-1]]
        for step in way:
            self._pairs |= dict.fromkeys(child for child in step.children or () if child not in way)
