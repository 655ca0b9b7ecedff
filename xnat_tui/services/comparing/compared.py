"""What a comparison has found: two trees matched, judged by rules, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from xnat_tui.model.entities import Kind
from xnat_tui.model.judging import Rules
from xnat_tui.model.pairing import Depth, Pair
from xnat_tui.services.browsing.trees import Side, Tree


@dataclass(frozen=True, slots=True)
class Summary:
    """Items by verdict, each counted once; what stands below a missing item is missing with it."""

    same: int = 0
    differs: int = 0
    only_source: int = 0
    only_destination: int = 0
    unreadable: int = 0
    unverified: int = 0
    """Equal by name and size, while at least one server has no digest: proven by nothing more."""
    unread: int = 0
    """Items whose children have not been compared yet."""

    @property
    def different(self) -> bool:
        return bool(self.differs or self.only_source or self.only_destination)

    @property
    def against(self) -> list[str]:
        """What stands against calling two sides the same, in words: `3 differ`, `1 without a digest` ..."""
        found = {
            "differ": self.differs,
            "only at the source": self.only_source,
            "only at the destination": self.only_destination,
            "unreadable": self.unreadable,
            "without a digest on one side": self.unverified,
            "not compared": self.unread,
        }
        return [f"{count} {words}" for words, count in found.items() if count]


class Compared:
    """Two places and what is known of their agreement; `requests` count from the time it was made."""

    def __init__(self, source: Side, destination: Side, rules: Rules, tree: Tree) -> None:
        self.source = source
        self.destination = destination
        self.rules = rules
        self.tree = tree
        self._requests_before = (source.reader.connection.requests, destination.reader.connection.requests)

    @property
    def root(self) -> Pair:
        return self.tree.root

    @property
    def depth(self) -> Depth:
        return self.rules.depth

    @property
    def asked(self) -> str:
        """The word for how deep it goes, as it was asked for."""
        return str(self.depth)

    @property
    def requests(self) -> tuple[int, int]:
        """Requests sent to source and destination since this comparison was made."""
        one, other = self._requests_before
        return (
            self.source.reader.connection.requests - one,
            self.destination.reader.connection.requests - other,
        )

    def summary(self, kind: Kind | None = None) -> Summary:
        """Counts of all items, or of one kind."""
        counts: Counter[str] = Counter()
        for pair in items_of(self.root):
            if kind is None or pair.kind is kind:
                counts["unverified" if pair.unverified else str(pair.status)] += 1
        return Summary(**counts)


def items_of(root: Pair) -> Iterator[Pair]:
    """Every compared item below a root, and the root; groups and what a missing item contains left out."""
    waiting = [root]
    while waiting:
        pair = waiting.pop()
        if pair.group is None:
            yield pair
        if pair.both:
            waiting.extend(reversed(pair.children or []))
