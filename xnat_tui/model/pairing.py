"""The whole comparison as values: two listings in, one list of pairs out; and what a pair knows.

Keys are labels inside a parent, scan IDs and paths below a resource, never accession IDs. Labels
that differ only by case are reported, not matched; two children with one key are shown one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Item, Kind, Listing


class Status(StrEnum):
    """A pair's own verdict, its children not counted. The values are the words of the JSON documents."""

    SAME = "same"
    DIFFERS = "differs"
    ONLY_SOURCE = "only_source"
    ONLY_DESTINATION = "only_destination"
    UNREADABLE = "unreadable"
    UNREAD = "unread"
    """Not compared: one side is browsed alone, or the answer has not come yet."""

    __hash__ = str.__hash__  # as in Kind


GLYPHS = {
    Status.SAME: " ",
    Status.DIFFERS: "*",
    Status.ONLY_SOURCE: "<",
    Status.ONLY_DESTINATION: ">",
    Status.UNREADABLE: "!",
    Status.UNREAD: "?",
}
BELOW = "~"

DIFFERENCES = frozenset({Status.DIFFERS, Status.ONLY_SOURCE, Status.ONLY_DESTINATION})
_COUNTED = DIFFERENCES | {Status.UNREADABLE}


class Depth(StrEnum):
    """How closely two sides are compared: names; recorded counts and bytes; recorded MD5 per file."""

    LABELS = "labels"
    SIZES = "sizes"
    DIGESTS = "digests"


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that is not the same; "" where a side has no value."""

    name: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comparing two items of one key gave."""

    status: Status
    fields: tuple[FieldDifference, ...] = ()
    unverified: bool = False
    """Equal by name and size, while at least one server has no digest to prove it."""
    note: str = ""


Judge = Callable[[Item, Item], Verdict]


class Pair:
    """One row: an item on the source side, on the destination side, or on both.

    `children` is None until they were asked for; an empty list is a fact. A group (the `scans` of a
    session) is a pair without a verdict of its own: `group` is the kind of its children.
    """

    __slots__ = (
        "children",
        "complete",
        "destination",
        "destination_error",
        "differing_below",
        "fields",
        "group",
        "held",
        "key",
        "kind",
        "note",
        "parent",
        "source",
        "source_error",
        "status",
        "unread_below",
        "unverified",
    )

    def __init__(
        self,
        kind: Kind,
        key: str,
        source: Item | None = None,
        destination: Item | None = None,
        *,
        parent: Pair | None = None,
        group: Kind | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        self.kind = kind
        self.key = key
        self.source = source
        self.destination = destination
        self.parent = parent
        self.group = group
        self.children: list[Pair] | None = None
        self.source_error: XnatTuiError | None = None
        self.destination_error: XnatTuiError | None = None
        self.status = verdict.status if verdict else Status.UNREAD
        self.fields = verdict.fields if verdict else ()
        self.unverified = verdict.unverified if verdict else False
        self.note = verdict.note if verdict else ""
        self.complete = False
        """Whether everything below was compared as far as the depth asks."""
        self.held = False
        """Whether it stands among its parent's children: what was dropped there keeps its parent, so that its
        place can still be told, and counts no more."""
        self.differing_below = 0
        """Pairs below, at any level, that differ or could not be read."""
        self.unread_below = 0
        """Pairs below, at any level, whose own children still have to be compared."""

    def __repr__(self) -> str:
        return f"<Pair {self.kind} {self.key!r} {self.status}>"

    @property
    def item(self) -> Item | None:
        """The source's item, or the destination's where the source has none."""
        return self.source or self.destination

    @property
    def error(self) -> XnatTuiError | None:
        """Why a side could not be read: the source's error goes before the destination's."""
        return self.source_error or self.destination_error

    @property
    def both(self) -> bool:
        """Whether it stands on both sides. A group carries the items of its owner."""
        return self.source is not None and self.destination is not None

    @property
    def compared(self) -> bool:
        """Whether this pair is part of a comparison, and not one side browsed by itself."""
        return self.both or self.status is not Status.UNREAD

    @property
    def glyph(self) -> str:
        """One ASCII cell: the verdict, or `~` for differences below, or `?` for what is not known yet."""
        if self.status in (Status.SAME, Status.UNREAD) and self.differing_below:
            return BELOW
        if self.status is Status.SAME and (self.unread_below or not self.complete):
            return GLYPHS[Status.UNREAD]
        return GLYPHS[self.status]

    @property
    def is_difference(self) -> bool:
        return self.status in DIFFERENCES

    def ancestors(self) -> Iterator[Pair]:
        """This pair's parents, nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def walk(self) -> Iterator[Pair]:
        """This pair and all that is known below it, in reading order."""
        waiting = [self]
        while waiting:
            pair = waiting.pop()
            yield pair
            if pair.children:
                waiting.extend(reversed(pair.children))

    def counted(self) -> Iterator[Pair]:
        """The pairs below of which the counters tell: what stands below a missing item is missing with it."""
        waiting = list(self.children or ()) if self.both else []
        while waiting:
            pair = waiting.pop()
            yield pair
            if pair.both:
                waiting += pair.children or ()

    def found(self, status: Status) -> list[Pair]:
        """The items of one verdict below, in reading order; not what is missing with something above it."""
        return [
            pair
            for pair in self.walk()
            if pair.status is status
            and pair.group is None
            and pair is not self
            and (pair.parent is None or pair.parent.both)
        ]

    def attach(self, children: list[Pair]) -> None:
        """Put freshly compared children in place and carry what they mean up to the root."""
        before = self._weight()
        self._drop_children()
        self.children = children
        self.complete = True
        counts = self.both  # what stands below a missing item is missing with it, and counts once
        for child in children:
            child.parent = self
            child.held = True
            if counts:
                differing, unread = child._weight()
                self.differing_below += differing
                self.unread_below += unread
        self._carry(before)

    def fail(
        self, source: XnatTuiError | None, destination: XnatTuiError | None, *, below: bool = True
    ) -> None:
        """Mark that something of it could not be read, on which side and why.

        `below` means its children; without it these can still be asked for.
        """
        before = self._weight()
        self.source_error, self.destination_error = source, destination
        if source or destination:
            self.status, self.unverified = Status.UNREADABLE, False
        self.complete = self.complete or below
        self._carry(before)

    def forget(self) -> None:
        """Drop what is known below, so that it is read again."""
        before = self._weight()
        self._drop_children()
        self.complete = False
        self.source_error = self.destination_error = None
        if self.status is Status.UNREADABLE:
            self.status = Status.SAME if self.both else Status.UNREAD
        self._carry(before)

    def _drop_children(self) -> None:
        for child in self.children or ():
            child.held = False
        self.children = None
        self.differing_below = self.unread_below = 0

    def judge(self, verdict: Verdict) -> None:
        """Replace this pair's own verdict, as a deeper comparison does."""
        before = self._weight()
        self.status, self.fields = verdict.status, verdict.fields
        self.unverified, self.note = verdict.unverified, verdict.note
        self._carry(before)

    def reopen(self, *, needed: bool) -> None:
        """Say whether what stands below has to be compared at the depth that holds now."""
        before = self._weight()
        self.complete = not needed or self.children is not None
        self._carry(before)

    def _weight(self) -> tuple[int, int]:
        """What this pair adds to its parent's counters: (differing, unread)."""
        own = self.status in _COUNTED
        waits = not self.complete and self.both
        return own + self.differing_below, waits + self.unread_below

    def _carry(self, before: tuple[int, int]) -> None:
        """Pass on what changed here to all that count it. The only place where counters move, so that what
        is shown of a pair is always what the pairs below it say."""
        after = self._weight()
        differing, unread = after[0] - before[0], after[1] - before[1]
        if not (differing or unread):
            return
        pair = self
        while pair.held and pair.parent is not None and pair.parent.both:
            pair = pair.parent
            pair.differing_below += differing
            pair.unread_below += unread


def match(kind: Kind, source: Listing, destination: Listing, judge: Judge) -> list[Pair]:
    """Pair the children of one kind on two sides, in the source's order, then what only the other has.

    A side that could not be read says nothing about what it lacks: its absent keys are `unreadable`
    there, never `only_source` or `only_destination`.
    """
    if not source.items and not destination.items:
        return []
    if _in_step(source.items, destination.items):
        both = zip(source.items, destination.items, strict=True)
        return [Pair(kind, one.key, one, other, verdict=judge(one, other)) for one, other in both]
    here, there = _by_key(source.items), _by_key(destination.items)
    pairs: list[Pair] = []
    for key, items in here.items():
        pairs += _match_key(kind, items, there.pop(key, []), judge)
    for items in there.values():
        pairs += [_alone(kind, None, item) for item in items]
    _note_case(pairs)
    if source.error or destination.error:
        _excuse(pairs, source.error, destination.error)
    return pairs


def _in_step(items: Sequence[Item], others: Sequence[Item]) -> bool:
    """Whether both sides have the same keys in the same order, each once: as a rule they do."""
    if len(items) != len(others):
        return False
    if any(one.key != other.key or one.side != other.side for one, other in zip(items, others, strict=True)):
        return False
    return len({(item.key, item.side) for item in items}) == len(items)


def _by_key(items: Iterable[Item]) -> dict[tuple[str, str], list[Item]]:
    found: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        found.setdefault((item.side, item.key), []).append(item)
    return found


def _match_key(kind: Kind, items: list[Item], others: list[Item], judge: Judge) -> list[Pair]:
    """Pair what shares a key; with several of them, those that are alike first, by their content if told."""
    if len(items) == len(others) == 1:
        one, other = items[0], others[0]
        return [Pair(kind, one.key, one, other, verdict=judge(one, other))]
    if len(items) + len(others) == 1:
        return [_alone(kind, item, None) for item in items] + [_alone(kind, None, other) for other in others]
    pairs: list[Pair] = []
    waiting, rest = list(items), list(others)
    for alike in (_same_content, _same_fields, _anything):
        for item in list(waiting):
            found = next((other for other in rest if alike(item, other, judge)), None)
            if found is not None:
                waiting.remove(item)
                rest.remove(found)
                pairs.append(Pair(kind, item.key, item, found, verdict=judge(item, found)))
    pairs += [_alone(kind, item, None) for item in waiting]
    pairs += [_alone(kind, None, other) for other in rest]
    for pair in pairs:
        pair.note = pair.note or f"one of {max(len(items), len(others))} with this {_word(kind)}"
    return pairs


def _same_content(one: Item, other: Item, judge: Judge) -> bool:
    """Whether the recorded counts agree too, which a verdict by digests leaves to the files."""
    return (one.files, one.bytes) == (other.files, other.bytes) and _same_fields(one, other, judge)


def _same_fields(one: Item, other: Item, judge: Judge) -> bool:
    return judge(one, other).status is Status.SAME


def _anything(_one: Item, _other: Item, _judge: Judge) -> bool:
    return True


def _word(kind: Kind) -> str:
    return {Kind.SCAN: "scan ID", Kind.FILE: "path"}.get(kind, "label")


def _alone(kind: Kind, source: Item | None, destination: Item | None) -> Pair:
    status = Status.ONLY_SOURCE if source else Status.ONLY_DESTINATION
    item = source or destination
    assert item is not None
    return Pair(kind, item.key, source, destination, verdict=Verdict(status))


def _note_case(pairs: list[Pair]) -> None:
    """Say where a missing label is there in another case: XNAT's own matching may take them for one."""
    alone: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if not pair.both:
            alone[pair.key.casefold()].append(pair)
    for alike in alone.values():
        if len({pair.key for pair in alike}) < 2:
            continue
        for pair in alike:
            other = next((p.key for p in alike if p.key != pair.key and _opposite(p, pair)), None)
            if other is not None:
                pair.note = f"differs only in case from {other}"


def _opposite(one: Pair, other: Pair) -> bool:
    return (one.source is None) != (other.source is None)


def _excuse(pairs: list[Pair], source: XnatTuiError | None, destination: XnatTuiError | None) -> None:
    for pair in pairs:
        if pair.status is Status.ONLY_SOURCE and destination is not None:
            pair.status, pair.destination_error = Status.UNREADABLE, destination
        elif pair.status is Status.ONLY_DESTINATION and source is not None:
            pair.status, pair.source_error = Status.UNREADABLE, source


def lone(kind: Kind, listing: Listing, *, right: bool = False, verdict: Verdict | None = None) -> list[Pair]:
    """The rows of one side: browsed by itself (no verdict), or below an item that the other lacks."""
    return [
        Pair(kind, item.key, None if right else item, item if right else None, verdict=verdict)
        for item in listing.items
    ]
