"""One row for each subject, session, scan, assessor, resource or file, from the bulk questions of a walk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Kind
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.asking.columns import ALWAYS, available, cell_of, usual
from xnat_tui.services.asking.table import Table, Unread
from xnat_tui.services.browsing.matching import check_matched
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.show import walk
from xnat_tui.services.reading.reader import Reader

KINDS = {
    "subjects": Kind.SUBJECT,
    "sessions": Kind.EXPERIMENT,
    "scans": Kind.SCAN,
    "assessors": Kind.ASSESSOR,
    "resources": Kind.RESOURCE,
    "files": Kind.FILE,
}
"""What there are tables of."""
_DEPTH = {"subjects": "sessions", "assessors": "scans"}
"""How far a walk goes where that is not the table's own name: custom variables of subjects come with the
questions about a project's sessions."""
_DOWN_TO_SESSIONS = frozenset({Kind.SERVER, Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT})
_WAY = {
    Kind.SUBJECT: _DOWN_TO_SESSIONS - {Kind.EXPERIMENT},
    Kind.EXPERIMENT: _DOWN_TO_SESSIONS,
    Kind.SCAN: _DOWN_TO_SESSIONS | {Kind.SCAN},
    Kind.ASSESSOR: _DOWN_TO_SESSIONS | {Kind.ASSESSOR},
    Kind.RESOURCE: frozenset(Kind) - {Kind.FILE},
    Kind.FILE: frozenset(Kind),
}
"""What has to be listed to know all items of a kind; nothing else is looked at."""


def check_table(of: str, filters: Filters) -> None:
    """Raises UsageError for what no table can have, before a server is asked."""
    if of not in KINDS:
        raise UsageError(f"There is no table of {of!r}.", f"It is one of: {', '.join(KINDS)}.")
    meant = _WAY[KINDS[of]] | ({Kind.EXPERIMENT} if filters.selects_sessions else set())
    if beside := filters.narrowed - meant:
        word = next(name for name, kind in KINDS.items() if kind in beside)
        raise UsageError(
            f"A filter on {word} leaves out none of the {of}.",
            f"Ask for a table of {word}, or leave that filter away.",
        )


def tabulate(
    of: str,
    reader: Callable[[str], Reader],
    places: Sequence[Place],
    filters: Filters = NO_FILTERS,
    unread: Iterable[Unread] = (),
    called: Iterable[Location] = (),
) -> Table[Place]:
    """A row for each item of a kind at and below these places, once, with all that their servers tell of it.

    What a glob led to and could not be read is in `unread`; a listing that failed joins it. Requests: those
    of a comparison's side, a dozen and one for each type of a project. Raises UsageError for a table that
    there is not and places that hold no such items, NotFound where filters let nothing pass of what could
    be read.
    """
    check_table(of, filters)
    kind = KINDS[of]
    places = _outermost(places)
    for place in places:
        if not can_hold(place, of):
            raise UsageError(f"No {of} stand at or below {place.location}.", "Name what has some.")
        filters = settled(filters, reader(place.server), [place], kinds=_WAY[kind])
    tally, failed, found = Tally(filters), list(unread), list[Place]()
    for place in places:
        depth = _DEPTH.get(of, of)
        for branch in walk(reader(place.server), place, depth, filters, tally, kinds=_WAY[kind]).walk():
            if branch.error is not None:
                failed.append(Unread.of(branch.place.location, branch.error))
            if branch.place.kind is kind:
                found.append(branch.place)
    if not failed:
        check_matched(tally, places, called=called)
    return _table(kind, found, failed)


def _outermost(places: Iterable[Place]) -> list[Place]:
    """Without those that stand at or below another: every item is one row."""
    by_way = {(place.server, place.location.steps): place for place in places}
    return [
        place
        for (server, steps), place in by_way.items()
        if not any((server, steps[:count]) in by_way for count in range(len(steps)))
    ]


def can_hold(place: Place, of: str) -> bool:
    """Whether items of a table stand at or below a place, if there are any."""
    kind = KINDS[of]
    if kind in (Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR):
        return place.kind in _WAY[kind]
    return place.kind is not Kind.FILE or kind is Kind.FILE


def _table(kind: Kind, found: Sequence[Place], failed: Sequence[Unread]) -> Table[Place]:
    known = available(kind, found)
    several = len({place.server for place in found}) > 1
    always = ("server", *ALWAYS) if several else ALWAYS
    shown = tuple(dict.fromkeys((*usual(kind, known if found else ()), *always)))
    return Table(shown, found, known, cell_of, _project, always, tuple(failed))


def _project(place: Place) -> Location:
    return place.up_to(Kind.PROJECT).location
