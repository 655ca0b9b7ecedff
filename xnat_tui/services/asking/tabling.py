"""One row for each item of a kind, from proved answers alone.

What a walk could not read is told beside the rows. A field that others of its type have, and one item does
not know, was not answered for it; one that nobody of its type has is none of that type's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from xnat_tui.errors import UsageError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import NO_FILTERS, Filters, Tally
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import ALWAYS, Cell, Table, Unread
from xnat_tui.services.browsing.matching import check_matched
from xnat_tui.services.browsing.naming import settled
from xnat_tui.services.browsing.show import Branch, depth_for, kinds_of, walk
from xnat_tui.services.reading.reader import Reader

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "subjects": Kind.SUBJECT,
        "sessions": Kind.EXPERIMENT,
        "scans": Kind.SCAN,
        "assessors": Kind.ASSESSOR,
        "resources": Kind.RESOURCE,
        "files": Kind.FILE,
    }
)
"""What a table can be of, by the word that asks for it."""
_DEPTHS = {"assessors": "scans"}
_ABOVE = (
    ("project", Kind.PROJECT),
    ("subject", Kind.SUBJECT),
    ("session", Kind.EXPERIMENT),
    ("scan", Kind.SCAN),
    ("assessor", Kind.ASSESSOR),
    ("resource", Kind.RESOURCE),
    ("file", Kind.FILE),
)
_USUAL: Mapping[Kind, tuple[str, ...]] = {
    Kind.SUBJECT: ("gender", "group"),
    Kind.EXPERIMENT: ("xsiType", "date"),
    Kind.SCAN: ("xsiType", "type", "series_description", "quality"),
    Kind.ASSESSOR: ("xsiType", "date"),
    Kind.RESOURCE: ("format", "content", "files", "bytes"),
    Kind.FILE: ("format", "content", "bytes", "digest"),
}
"""Fields that are shown where nobody chooses others."""


def tabulate(
    kind: str, places: Sequence[Place], reader: Callable[[str], Reader], filters: Filters = NO_FILTERS
) -> Table:
    """A row for each item of a kind at and below these places, once, with all that their servers tell of it.

    Requests: those of a comparison's side, a dozen and one for each type of a project. Raises UsageError for
    a kind that there is not, NotFound where filters let nothing pass of what could be read.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no table of {kind!r}.", f"It is one of: {', '.join(KINDS)}.")
    before = {place.server: reader(place.server).connection.requests for place in places}
    found: dict[tuple[str, str], Place] = {}
    unread: list[Unread] = []
    tallies: list[Tally] = []
    for place in places:
        depth = depth_for(_DEPTHS.get(kind, kind), filters)
        side = reader(place.server)
        meant = settled(filters, side, [place], kinds=kinds_of(depth))
        tallies.append(Tally(meant))
        for branch in walk(side, place, depth, meant, tallies[-1]).walk():
            _take(branch, KINDS[kind], found, unread)
    if not unread:
        for tally, place in zip(tallies, places, strict=True):
            check_matched(tally, [place])
    users = dict.fromkeys(reader(server).connection.user or "guest" for server in before)
    requests = {server: reader(server).connection.requests - count for server, count in before.items()}
    return _table(KINDS[kind], list(found.values()), tuple(unread), ", ".join(users), requests)


def _take(branch: Branch, kind: Kind, found: dict[tuple[str, str], Place], unread: list[Unread]) -> None:
    place, item = branch.place, branch.place.item
    if branch.error is not None:
        unread.append(Unread(str(place.location), branch.error.message))
    if item is not None and item.kind is kind:
        found.setdefault((place.server, item.uri), place)


def _table(
    kind: Kind,
    places: Sequence[Place],
    unread: tuple[Unread, ...],
    user: str,
    requests: Mapping[str, int],
) -> Table:
    names: dict[str, None] = {}
    of_type: dict[str, dict[str, None]] = defaultdict(dict)
    for place in places:
        item = _item(place)
        names.update(dict.fromkeys(item.fields.names))
        of_type[item.type].update(dict.fromkeys(item.fields.names))
    above = [(word, one) for word, one in _ABOVE if any(place.of(one) for place in places)]
    own = [word for word, _ in above]
    fixed = ("ID", "xsiType", "files", "bytes", "digest", "shared_from")
    known = tuple(dict.fromkeys((*ALWAYS, "server", *own, *fixed, *names)))
    rows = tuple(_row(place, above, names, of_type) for place in places)
    usual = tuple(name for name in _USUAL[kind] if name in known)
    return Table((*ALWAYS, *own, "ID", *usual), rows, known, unread, user, requests)


def _row(
    place: Place,
    above: Iterable[tuple[str, Kind]],
    names: Iterable[str],
    of_type: Mapping[str, Mapping[str, None]],
) -> dict[str, Cell]:
    item = _item(place)
    row: dict[str, Cell] = {}
    for name in names:
        if name in item.fields:
            row[name] = item.fields[name]
        else:
            is_known = item.fields.knows(name) or name not in of_type[item.type]
            row[name] = "" if is_known else None
    for word, kind in above:
        one = place.of(kind)
        row[word] = one.key or one.id if one is not None else ""
    row |= {"ID": item.id, "xsiType": item.type, "files": item.files, "bytes": item.bytes}
    row |= {"digest": item.digest or "", "shared_from": item.shared_from or ""}
    return {**row, "path": str(place.location), "kind": str(item.kind), "server": place.server}


def _item(place: Place) -> Item:
    assert place.item is not None
    return place.item
