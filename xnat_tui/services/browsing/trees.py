"""Trees of pairs, read where they are opened: one side browsed by itself, or two sides compared."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import CHILD_KINDS, Item, Kind, Listing
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.pairing import Depth, Judge, Pair, Status, Verdict, lone, match
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader

_GROUPED: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.PROJECT: (Kind.RESOURCE,),
    Kind.SUBJECT: (Kind.RESOURCE,),
    Kind.EXPERIMENT: (Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION, Kind.RESOURCE),
}
"""Kinds that are shown under a heading of their own, below these parents."""

_ANSWERED_TOGETHER = frozenset({Kind.EXPERIMENT})
"""Parents whose groups come with one answer, so that they are filled when the parent is opened."""


_Look = Callable[[Pair, bool, Kind], Listing]
"""What finds the children of one kind below a pair, on the right side or not."""


_IN_SESSIONS = frozenset({Kind.EXPERIMENT, *CHILD_KINDS[Kind.EXPERIMENT]})
"""Sessions, and what stands in them: listings below these are remembered by their own address alone, but
for the assessors of a session, of which each project shows its own."""


class _NotRememberedError(LookupError):
    """Nobody has asked for this listing yet."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where one side of a tree begins, and who reads it."""

    reader: Reader
    root: Place

    @property
    def root_item(self) -> Item:
        return self.root.item or Item(Kind.SERVER, self.root.server)


@dataclass(frozen=True, slots=True)
class Level:
    """What reading below a pair gave: its children, and why a side could not be read."""

    children: list[Pair]
    source_error: XnatTuiError | None = None
    destination_error: XnatTuiError | None = None

    def attach_to(self, pair: Pair) -> None:
        """Put the level in its place; a group that could not be read makes its owner unreadable too."""
        pair.attach(self.children)
        if self.source_error or self.destination_error:
            pair.fail(self.source_error, self.destination_error)
            if pair.group is not None and pair.parent is not None:
                pair.parent.fail(self.source_error, self.destination_error)


class Tree:
    """The pair tree below one place, or below two that are compared.

    `load` blocks on the network and changes no pair that is shown; `fill` attaches what it read.
    """

    def __init__(
        self,
        source: Side | None,
        destination: Side | None,
        judge: Judge | None = None,
        depth: Depth = Depth.SIZES,
        filters: Filters = NO_FILTERS,
    ) -> None:
        side = source or destination
        assert side is not None, "a tree needs a side"
        self.source = source
        self.destination = destination
        self.judge = judge
        self.depth = depth
        self.filters = filters
        self.tally = Tally(filters)
        self._narrows = filters.narrows
        for known in (source, destination):
            if known is not None:
                known.reader.ask_modalities(wanted=filters.by_modality)
        self.lock = threading.RLock()
        """Held while pairs that may be shown are changed."""
        self._turns: dict[Pair, threading.Lock] = {}
        """Of pairs that are being read, held by whoever asks."""
        one = source.root_item if source else None
        other = destination.root_item if destination else None
        verdict = judge(one, other) if judge and one and other else None
        self.root = Pair(side.root.kind, side.root_item.key, one, other, verdict=verdict)

    @property
    def comparing(self) -> bool:
        return self.judge is not None

    def place(self, pair: Pair, *, right: bool = False) -> Place | None:
        """Where a pair stands on one side; None where that side lacks it."""
        side = self.destination if right else self.source
        if side is None:
            return None
        items: list[Item] = []
        step: Pair | None = pair
        while step is not None and step is not self.root:
            if step.group is None:
                item = step.destination if right else step.source
                if item is None:
                    return None
                items.append(item)
            step = step.parent
        return Place(side.root.server, (*side.root.items, *reversed(items)))

    def load(self, pair: Pair) -> Level:
        """Read what stands directly below a pair; a session's groups come filled."""
        return self._load(pair, self._ask)

    def _load(self, pair: Pair, look: _Look) -> Level:
        owner = pair if pair.group is None else pair.parent
        assert owner is not None, "a group stands below its owner"
        if pair.group is not None:
            return self._level(owner, pair.group, look)
        grouped = _GROUPED.get(pair.kind, ())
        level = Level([])
        for kind in CHILD_KINDS[pair.kind]:
            if kind not in grouped:
                level = self._level(pair, kind, look)
        if not grouped:
            return level
        groups = [self._group(pair, kind, look) for kind in grouped]
        failed: list[Level | Pair] = [level, *(group for group in groups if group.error)]
        return Level(
            [*level.children, *groups],
            next((part.source_error for part in failed if part.source_error), None),
            next((part.destination_error for part in failed if part.destination_error), None),
        )

    def fill(self, pair: Pair) -> None:
        """Read and attach what stands below a pair, unless that was done. Any thread may call it: where two
        want the same pair, one asks, and the other waits for that."""
        with self.lock:
            turn = self._turns.setdefault(pair, threading.Lock())
        with turn:
            if pair.children is None:
                self._attach(pair, self.load(pair))
        with self.lock:
            self._turns.pop(pair, None)

    def fill_remembered(self, pair: Pair) -> bool:
        """Attach what stands below a pair where no request is needed for it; False where one is."""
        if pair.children is None:
            try:
                level = self._load(pair, self._remembered)
            except _NotRememberedError:
                return False
            self._attach(pair, level)
        return True

    def _attach(self, pair: Pair, level: Level) -> None:
        with self.lock:
            if pair.children is None:
                level.attach_to(pair)

    def fill_known(self, pair: Pair) -> int:
        """Attach what is remembered at and below a pair, files left out; how many levels. Asks nothing."""
        filled = 0
        waiting = [pair]
        while waiting:
            one = waiting.pop()
            if one.children is None and one.kind is not Kind.RESOURCE and self.fill_remembered(one):
                filled += 1
            waiting += one.children or ()
        return filled

    def forget(self, pair: Pair) -> None:
        """Have everything at and below a pair read again when it is opened next."""
        owner = pair.parent if pair.group is not None and pair.parent is not None else pair
        for side, right in ((self.source, False), (self.destination, True)):
            where = self.place(owner, right=right)
            if side is not None and where is not None:
                side.reader.forget(where)
        with self.lock:
            pair.forget()

    def dissolve(self) -> None:
        """Let go of everything below the root, for a tree that nobody walks down any more.

        Pairs and their children hold each other: dropped as they are, all of them stay until a search for
        garbage, which stops every other thread while it lasts. What is above a pair can still be told.
        """
        waiting = [self.root]
        while waiting:
            pair = waiting.pop()
            waiting += pair.children or ()
            pair.children = None

    def _group(self, parent: Pair, kind: Kind, look: _Look) -> Pair:
        group = Pair(
            parent.kind,
            kind.plural,
            parent.source,
            parent.destination,
            group=kind,
            verdict=_inherited(parent),
        )
        if parent.kind in _ANSWERED_TOGETHER:
            self._level(parent, kind, look).attach_to(group)
        return group

    def _level(self, parent: Pair, kind: Kind, look: _Look) -> Level:
        source = look(parent, False, kind)
        destination = look(parent, True, kind)
        if self.judge is not None and parent.both:
            children = match(kind, source, destination, self.judge)
        else:
            right = source is _NOWHERE
            children = lone(kind, destination if right else source, right=right, verdict=_inherited(parent))
        if self._narrows:
            children = self._kept(parent, kind, children)
        if kind is Kind.FILE or (kind is Kind.RESOURCE and self.depth is not Depth.DIGESTS):
            for child in children:
                child.complete = True
        return Level(children, source.error, destination.error)

    def _kept(self, parent: Pair, kind: Kind, pairs: Iterable[Pair]) -> list[Pair]:
        """Pairs of which either side passes: filtering each side by itself would make up differences."""
        where = self.place(parent, right=False) or self.place(parent, right=True)
        above = [item.kind for item in where.items] if where is not None else []
        if self.filters.leaves_beside(kind, above):
            return []
        kept = (
            pair
            for pair in pairs
            if any(self.tally.keeps(item) for item in (pair.source, pair.destination) if item is not None)
        )
        if kind is not Kind.SUBJECT:
            return list(kept)
        if self.filters.selects_sessions:
            kept = (pair for pair in kept if self._has_sessions(parent, pair))
        return list(itertools.islice(kept, self.filters.limit_subjects))

    def _has_sessions(self, parent: Pair, pair: Pair) -> bool:
        """Whether a side has a session that passes, or cannot say."""
        for side, item, right in (
            (self.source, pair.source, False),
            (self.destination, pair.destination, True),
        ):
            above = self.place(parent, right=right)
            if side is None or item is None or above is None:
                continue
            found = side.reader.below(above.child(item), Kind.EXPERIMENT)
            if found.error is not None or any(self.tally.keeps(session) for session in found.items):
                return True
        return False

    def _ask(self, parent: Pair, right: bool, kind: Kind) -> Listing:
        side = self.destination if right else self.source
        place = self.place(parent, right=right)
        return _NOWHERE if side is None or place is None else side.reader.below(place, kind)

    def _remembered(self, parent: Pair, right: bool, kind: Kind) -> Listing:
        """As `_ask`, without a request. Raises _NotRememberedError."""
        side = self.destination if right else self.source
        item = parent.destination if right else parent.source
        if side is None or item is None:
            return _NOWHERE
        if parent.kind in _IN_SESSIONS and kind is not Kind.ASSESSOR:  # spares finding the way there
            found = side.reader.remembered(item, kind)
            if found is None:
                raise _NotRememberedError
            return found
        place = self.place(parent, right=right)
        if place is None or not side.reader.knows(place, kind):
            raise _NotRememberedError
        return side.reader.below(place, kind)


_NOWHERE = Listing()


def _inherited(parent: Pair) -> Verdict | None:
    """What stands below an item that the other side lacks is missing there too."""
    if parent.status in (Status.ONLY_SOURCE, Status.ONLY_DESTINATION):
        return Verdict(parent.status)
    if parent.both and parent.status is not Status.UNREAD:
        return Verdict(Status.SAME)
    return None
