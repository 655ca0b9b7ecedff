"""Filters that let nothing pass: found out, and said by the names of the options."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import Tally
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.show import deepest, walk
from xnat_tui.services.reading.reader import Reader

_HINT = "Names are taken exactly, upper and lower case told apart, and else as shell globs."


def check_matched(
    tally: Tally,
    places: Sequence[Place],
    unseen: Iterable[tuple[Reader, Place]] = (),
    looked_at: Collection[Kind] = tuple(Kind),
    called: Iterable[Location] = (),
) -> None:
    """Raises NotFound where filters let nothing pass of what stands at these places.

    `tally` knows what was met so far. `unseen` is what was left out before the filters could be asked, for
    being in conflict, shared in, or on one side only: it is looked into now, and only if nothing passed yet.
    What cannot be read there may hold it. `called` is how the user named the places, where not by themselves.
    """
    kinds = [place.kind for place in places]
    depth = deepest(tally.filters.narrowed & set(looked_at))
    for reader, place in unseen:
        if depth is None or not tally.unmatched(kinds, looked_at):
            return
        branch = walk(reader, place, depth, tally.filters, tally)
        if any(below.error is not None for below in branch.walk()):
            return
    if unmatched := tally.unmatched(kinds, looked_at):
        locations = [*called] or [place.location for place in places]
        raise nothing_matches(unmatched, *map(str, locations))


def nothing_matches(options: str, *names: str) -> NotFound:
    """These options let nothing pass of what is called so, all of which could be read."""
    return NotFound(f"Nothing in {' and '.join(dict.fromkeys(names))} matches {options}.", _HINT)
