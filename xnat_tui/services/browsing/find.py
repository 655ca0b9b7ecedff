"""From what a person typed to what stands there: locations, globs and accession IDs looked up."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from xnat_tui.errors import NotFound, UsageError, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.filters import Filters
from xnat_tui.model.location import Location, Step
from xnat_tui.model.naming import matches, meant
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader


def find_one(reader: Reader, location: Location) -> Place:
    """The one place that a location names.

    Raises NotFound, what reading the way there raised, and UsageError where a glob names more than one.
    """
    first, *more = islice(find(reader, location), 2 if location.has_glob else 1)
    if more:
        named = f"{first.location}, {more[0].location}, …"
        raise UsageError(f"{location} names several places: {named}", "Name one of them.")
    return first


def find(
    reader: Reader,
    location: Location,
    on_unreadable: Callable[[Place, XnatTuiError], None] | None = None,
    *,
    globs: bool = True,
) -> Iterator[Place]:
    """Every place that a location names, globs spread out, in the server's order.

    A part that names something exactly, anywhere where it may stand, is that and no glob. Without `globs`
    nothing else is followed: UsageError where only a glob would find something.

    Where one of the places that a glob leads through cannot be read, nobody knows what it holds: that is
    told to `on_unreadable`, or raised. Raises NotFound where nothing matches: XNAT answers alike for what
    is missing and what is not readable.
    """
    server = Place(location.server)
    if location.steps and location.steps[0].kind not in (Kind.PROJECT,):
        start, steps = _by_accession_id(reader, server, location)
    else:
        start, steps = server, location.steps
    search = _Search(reader, on_unreadable, globs=globs)
    found = False
    for place in search.descend(start, steps):
        found = True
        yield place
    if not found and not search.doubtful:
        raise NotFound(
            f"Nothing matches {location}.",
            f"As seen by {reader.connection.user}: check the label and your rights.",
        )


@dataclass(frozen=True, slots=True)
class _Unread:
    """One of many places of which nobody knows what it holds."""

    place: Place
    error: XnatTuiError


class _Search:
    def __init__(
        self,
        reader: Reader,
        on_unreadable: Callable[[Place, XnatTuiError], None] | None = None,
        *,
        globs: bool = True,
    ) -> None:
        self.reader = reader
        self.on_unreadable = on_unreadable
        self.globs = globs
        self.doubtful = False
        """Whether something was unreadable, so that more may match than what was found."""

    def descend(self, start: Place, steps: tuple[Step, ...]) -> Iterator[Place]:
        """Level by level, so that a name which stands exactly anywhere is not taken for a glob elsewhere.

        Below one of many places that a glob named, what is not there is no error: others may have it.
        """
        way: list[Place | _Unread] = [start]
        one_of_many = False
        for step in steps:
            way, spread = self._below(way, step, one_of_many=one_of_many)
            one_of_many = one_of_many or spread
        for one in way:
            if isinstance(one, Place):
                yield one
            else:
                self._report(one)

    def _below(
        self, way: list[Place | _Unread], step: Step, *, one_of_many: bool
    ) -> tuple[list[Place | _Unread], bool]:
        """What stands one step further down, and whether the step was followed as a glob."""
        exactly: list[Place | _Unread] = []
        matching: list[Place | _Unread] = []
        named = matched = False
        for place in way:
            if not isinstance(place, Place):
                exactly.append(place)
                matching.append(place)
                continue
            if place.kind is Kind.PROJECT and step.kind is Kind.EXPERIMENT:
                exactly.append(_in_project(self.reader, place, step))
                named = True
                continue
            listing = self.reader.below(place, step.kind)
            if listing.error is not None:
                if not one_of_many:
                    raise listing.error
                exactly.append(_Unread(place, listing.error))
                matching.append(_Unread(place, listing.error))
            there = _on_side(listing.items, step)
            called = [place.child(item) for item in there if step.name in _names(item)]
            if not called and not step.glob and not one_of_many:
                raise _not_found(self.reader, place, step, listing.items)
            exactly += called
            named = named or bool(called)
            if step.glob and not named:
                alike = [place.child(item) for item in there if matches(step.name, *_names(item))]
                matching += alike
                matched = matched or bool(alike)
        if named or not step.glob:
            return exactly, False
        if matched and not self.globs:
            raise UsageError(
                f"Nothing is called {step.name!r} here, and what it matches as a pattern may not be meant.",
                "Name what is meant, or add --glob to mean all that it matches.",
            )
        return matching, True

    def _report(self, unread: _Unread) -> None:
        place, error = unread.place, unread.error
        if self.on_unreadable is None:
            raise type(error)(
                f"{place.location} could not be read: {error.message}",
                error.hint or "Name the places that are meant without a glob.",
                status=error.status,
            )
        self.doubtful = True
        self.on_unreadable(place, error)


def _names(item: Item) -> tuple[str, str]:
    return item.key, item.id


def _on_side(items: tuple[Item, ...], step: Step) -> Sequence[Item]:
    """An address without a side means `out`, or what has none."""
    if not step.side:
        return items
    found = [item for item in items if item.side == step.side]
    if step.side == "out" and not meant(step.name, found, _names):
        return [item for item in items if not item.side]
    return found


def names_exactly(location: Location, place: Place) -> bool:
    """Whether each part of a location is the name of what was found, and no glob that led there."""
    named = zip(location.steps, place.items, strict=False)
    return not any(step.glob and step.name not in _names(item) for step, item in named)


def _not_found(reader: Reader, place: Place, step: Step, items: tuple[Item, ...]) -> NotFound:
    near = difflib.get_close_matches(step.name, [item.key for item in items], n=1)
    user = reader.connection.user
    hint = f"Did you mean {near[0]}?" if near else f"As seen by {user}: check the label and your rights."
    where = str(place.location) if place.items else place.server
    return NotFound(f"{where} has no {step.kind} {step.name!r}.", hint)


def _in_project(reader: Reader, project: Place, step: Step) -> Place:
    """An experiment addressed without its subject, as XNAT's project paths do: by label or ID."""
    assert project.item is not None
    item = Item(
        Kind.EXPERIMENT, step.name, step.name, uri=f"/data/projects/{project.item.id}/experiments/{step.name}"
    )
    return _under_its_subject(reader, project, item)


def _by_accession_id(reader: Reader, server: Place, location: Location) -> tuple[Place, tuple[Step, ...]]:
    """A place that starts at `/data/experiments/ID` or `/data/subjects/ID`."""
    step = location.steps[0]
    item = Item(step.kind, step.name, step.name, uri=f"/data/{step.kind.plural}/{step.name}")
    fields = reader.document(server.child(item)).fields
    project = find_one(reader, Location(location.server, (Step(Kind.PROJECT, fields.get("project", "")),)))
    if step.kind is Kind.SUBJECT:
        place = find_one(reader, project.location.child(Kind.SUBJECT, fields.get("ID", step.name)))
    else:
        place = _under_its_subject(reader, project, item)
    return place, location.steps[1:]


def _experiment(identifier: str) -> Item:
    return Item(Kind.EXPERIMENT, identifier, identifier, uri=f"/data/experiments/{identifier}")


def _under_its_subject(reader: Reader, project: Place, item: Item) -> Place:
    fields = reader.document(project.child(item)).fields
    subject = fields.get("subject_ID", "")
    identifier = fields.get("ID") or fields.get("id") or item.id
    if session := fields.get("imageSession_ID", ""):
        above = _under_its_subject(reader, project, _experiment(session))
        return find_one(reader, above.location.child(Kind.ASSESSOR, identifier))
    steps = (Step(Kind.SUBJECT, subject), Step(Kind.EXPERIMENT, identifier))
    return find_one(reader, Location(project.server, (*project.location.steps, *steps)))


_LEVELS = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION, Kind.RESOURCE)


def keeps(place: Place, filters: Filters) -> bool:
    """Whether a place passes the filters itself, and so does all that it stands in."""
    return all(filters.keeps(item) for item in place.items if item.kind in _LEVELS)
