"""Three states of one thing in, one verdict out: as it was when both sides were last proved alike, and as
each side has it now. A thing is an item's presence, a field's text, or a file's size and digest.

No verdict here loses a change of either side: what both changed is a conflict until somebody names a side,
what the destination alone changed is kept, and nothing is ever deleted there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

T = TypeVar("T")


class Change(StrEnum):
    """What became of a thing since it was last proved. The values are the words of the JSON documents."""

    NONE = "none"
    NEW = "new"
    CHANGED = "changed"
    RENAMED = "renamed"
    GONE = "gone"


class Where(StrEnum):
    """On which side."""

    NOWHERE = ""
    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"


class Ending(StrEnum):
    """How a thing ends a run. The values are the words of the JSON documents."""

    VERIFIED = "verified"
    SENT = "sent"
    """Sent, and not proved."""
    INCOMPLETE = "incomplete"
    CONFLICT = "conflict"
    HELD = "held"
    """Not carried over, for a reason that is told."""
    UNKNOWN = "unknown"
    """A side could not be read: nothing was decided."""
    KEPT = "kept"
    """The destination's own, left as it is."""


ENDING_SIGNS: Mapping[Ending, str] = {
    Ending.VERIFIED: "+",
    Ending.SENT: "?",
    Ending.INCOMPLETE: "!",
    Ending.CONFLICT: "!",
    Ending.HELD: "-",
    Ending.UNKNOWN: "?",
    Ending.KEPT: ">",
}
"""One cell before each, in lists."""


class Deed(StrEnum):
    """What a run does about it."""

    NOTHING = "nothing"
    COPY = "copy"
    """The destination has none."""
    UPDATE = "update"
    """The destination has another one."""
    REMEMBER = "remember"
    """Both sides agree."""
    ACCEPT = "accept"
    """Both sides stay as they are, and are remembered so."""
    FORGET = "forget"


class Prefer(StrEnum):
    """Whose word counts in a conflict."""

    NOBODY = ""
    SOURCE = "source"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Base(Generic[T]):
    """Both sides as they were when they were last proved; None where a side had nothing then."""

    source: T | None
    destination: T | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user named for this run."""

    verb: ClassVar[str] = "sync"
    prefer: Prefer = Prefer.NOBODY
    restore: bool = False
    """Bring back what is gone at the destination."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict. `state` is how it ends if all goes well; `overrules` says that a change of the destination
    is overwritten, as somebody asked for by name."""

    change: Change
    where: Where
    state: Ending
    deed: Deed
    reason: str = ""
    overrules: bool = False


PLAIN = Wishes()
NOTHING = Judged(Change.NONE, Where.NOWHERE, Ending.VERIFIED, Deed.NOTHING)
AGREED = Judged(Change.NONE, Where.NOWHERE, Ending.VERIFIED, Deed.REMEMBER)
UNREAD = Judged(Change.NONE, Where.NOWHERE, Ending.UNKNOWN, Deed.NOTHING)


def judge(
    base: Base[T] | None,
    source: T | None,
    destination: T | None,
    *,
    agree: bool,
    same: Callable[[T, T], bool],
    wishes: Wishes = PLAIN,
) -> Judged:
    """The verdict on one thing that both sides could be asked about. None is a thing that is not there.

    `agree` says whether the two sides are the same now; `same` whether one side still has what it had.
    """
    if source is None and destination is None:
        return Judged(Change.GONE, Where.BOTH, Ending.VERIFIED, Deed.FORGET) if base else NOTHING
    if agree and source is not None and destination is not None:
        return AGREED
    if base is None:
        return _first_met(source, destination, wishes)
    moved_here = _moved(base.source, source, same)
    moved_there = _moved(base.destination, destination, same)
    if not moved_here and not moved_there:
        return NOTHING if destination is not None else _gone_before(wishes)
    if moved_here and not moved_there and not _is_standing(base, same):
        return _by_source(base, source, destination)
    if moved_there and not moved_here:
        return _by_destination(base, destination, wishes)
    return _conflict(source, destination, wishes)


def _moved(before: T | None, now: T | None, same: Callable[[T, T], bool]) -> bool:
    if before is None or now is None:
        return before is not now
    return not same(before, now)


def _is_standing(base: Base[T], same: Callable[[T, T], bool]) -> bool:
    """Whether the sides were remembered as unlike: the destination's is somebody's choice."""
    return _moved(base.source, base.destination, same)


def _first_met(source: T | None, destination: T | None, wishes: Wishes) -> Judged:
    if destination is None:
        return Judged(Change.NEW, Where.SOURCE, Ending.VERIFIED, Deed.COPY)
    if source is None:
        return Judged(Change.NEW, Where.DESTINATION, Ending.KEPT, Deed.NOTHING, "only at the destination")
    found = _conflict(source, destination, wishes)
    if found.state is Ending.CONFLICT:
        return Judged(found.change, found.where, found.state, found.deed, "never seen alike on both sides")
    return found


def _gone_before(wishes: Wishes) -> Judged:
    if wishes.restore:
        return Judged(Change.GONE, Where.DESTINATION, Ending.VERIFIED, Deed.COPY, "brought back")
    return NOTHING


def _by_source(base: Base[T], source: T | None, destination: T | None) -> Judged:
    if source is None:
        why = "gone at the source; nothing is deleted at the destination"
        return Judged(Change.GONE, Where.SOURCE, Ending.KEPT, Deed.NOTHING, why)
    change = Change.NEW if base.source is None else Change.CHANGED
    deed = Deed.COPY if destination is None else Deed.UPDATE
    return Judged(change, Where.SOURCE, Ending.VERIFIED, deed)


def _by_destination(base: Base[T], destination: T | None, wishes: Wishes) -> Judged:
    if destination is not None:
        change = Change.NEW if base.destination is None else Change.CHANGED
        why = "changed at the destination alone" if change is Change.CHANGED else "only at the destination"
        return Judged(change, Where.DESTINATION, Ending.KEPT, Deed.NOTHING, why)
    if wishes.restore:
        return Judged(Change.GONE, Where.DESTINATION, Ending.VERIFIED, Deed.COPY, "brought back")
    why = "gone at the destination; --restore brings it back"
    return Judged(Change.GONE, Where.DESTINATION, Ending.HELD, Deed.NOTHING, why)


def _conflict(source: T | None, destination: T | None, wishes: Wishes) -> Judged:
    if wishes.prefer is Prefer.DESTINATION:
        why = "the destination is preferred"
        return Judged(Change.CHANGED, Where.BOTH, Ending.KEPT, Deed.ACCEPT, why)
    if source is None:
        why = "gone at the source, changed at the destination; nothing is deleted there"
        return Judged(Change.GONE, Where.SOURCE, Ending.KEPT, Deed.NOTHING, why)
    if wishes.prefer is Prefer.SOURCE or (wishes.restore and destination is None):
        deed = Deed.COPY if destination is None else Deed.UPDATE
        why = "the source is preferred" if wishes.prefer else "brought back"
        return Judged(
            Change.CHANGED, Where.BOTH, Ending.VERIFIED, deed, why, overrules=destination is not None
        )
    why = "changed on both sides; --prefer source or destination decides"
    return Judged(Change.CHANGED, Where.BOTH, Ending.CONFLICT, Deed.NOTHING, why)
