"""What was written, as the screen hears it; and what that is about."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from xnat_tui.model.changed import Changed
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location, Step
from xnat_tui.model.place import Place

Listener = Callable[[Sequence[Changed]], None]


class HeardChanges:
    """Changes are said in their writers' threads, often many at once: listeners hear them where the screen
    lives, those together that were said meanwhile, each once."""

    def __init__(self, post: Callable[[Callable[[], None]], None], held: Callable[[], bool]) -> None:
        """`post` has something done on the screen's thread, soon. While changes are `held`, they wait."""
        self._post = post
        self._held = held
        self._waiting: dict[Changed, None] = {}
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def hear(self, changed: Changed) -> None:
        """Any thread may call it."""
        with self._lock:
            first = not self._waiting
            self._waiting[changed] = None
        if first:
            self._post(self.hand_over)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on the screen's thread from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def hand_over(self) -> None:
        """Let listeners hear what waits, unless it is held: many rows are written together, say."""
        if self._held():
            return
        with self._lock:
            heard, self._waiting = list(self._waiting), {}
        for listener in list(self._listeners) if heard else ():
            listener(heard)


_LEVELS = (Kind.SERVER, Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR, Kind.RESOURCE, Kind.FILE)
"""Kinds by how deep they stand; what else is in a session stands where its assessors do."""


def _level(kind: Kind) -> int:
    return _LEVELS.index(kind) if kind in _LEVELS else _LEVELS.index(Kind.ASSESSOR)


def names(step: Step, item: Item) -> bool:
    """Whether a step of a location, by label or accession ID, picks this item."""
    if step.kind is not item.kind and not (step.kind is Kind.EXPERIMENT and item.kind is Kind.ASSESSOR):
        return False
    return step.name in (item.key, item.id) and step.side in ("", item.side)


def steps_below(where: Location, place: Place) -> Sequence[Step] | None:
    """The steps of a location that are left below a place: none where it is the place, or stands above it.

    None where it is somewhere else. A location may leave levels out, as accession IDs allow.
    """
    steps = list(where.steps)
    for item in place.items:
        if not steps:
            return ()
        if _level(steps[0].kind) > _level(item.kind):
            continue
        if not names(steps[0], item):
            return None
        steps.pop(0)
    return steps


def stands_above(where: Location, place: Place) -> bool:
    """Whether a location, of the same server, holds a place and is not the place itself."""
    return bool(place.items) and steps_below(where, place.parent) in ((), [])


def concern(heard: Iterable[Changed], places: Iterable[Place], same: Callable[[str, str], bool]) -> bool:
    """Whether a change is about one of these places, what stands above, or below; `same` tells servers."""
    known = list(places)
    return any(
        same(changed.server, place.server) and steps_below(changed.where, place) is not None
        for changed in heard
        for place in known
    )
