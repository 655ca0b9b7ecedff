"""One server's archive, read a level at a time and remembered until it is asked for again."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from xnat_tui.errors import BadAnswer, NotAllowed, NotFound, XnatTuiError
from xnat_tui.model.changed import Changed, What
from xnat_tui.model.entities import (
    CHILD_KINDS,
    SCAN_MODALITIES,
    Fields,
    Item,
    Kind,
    Listing,
    modalities,
    tells_modality,
)
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.changes import Changes
from xnat_tui.xnat.documents import items as documents
from xnat_tui.xnat.documents.items import Document, assessors_key, place, place_below
from xnat_tui.xnat.http.connection import Connection
from xnat_tui.xnat.tables import listing
from xnat_tui.xnat.tables.joins import Proofs

_NAMED = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
"""What other items refer to by accession ID."""


class ItemNames(Mapping[str, str]):
    """What accession IDs mean, by the first of several mappings that knows one: `experiment SUB-001_MR1`."""

    def __init__(self, items: Iterable[Mapping[str, Item]], said: Mapping[str, str] | None = None) -> None:
        """`said` are names that go before those of the items. The mappings may grow."""
        self.items_by_id = tuple(items)
        self._said = said or {}

    def __getitem__(self, identifier: str) -> str:
        if identifier in self._said:
            return self._said[identifier]
        item = next((known[identifier] for known in self.items_by_id if identifier in known), None)
        if item is None:
            raise KeyError(identifier)
        return f"{item.kind} {item.key}"

    def __iter__(self) -> Iterator[str]:
        return iter({**self._said, **dict.fromkeys(name for known in self.items_by_id for name in known)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Reader:
    """Listings of one server. Safe to call from several threads; no call touches a screen.

    A level costs one request, whatever the number of its children: a session's document brings its
    scans, assessors, reconstructions and all of their resources at once.
    """

    def __init__(self, connection: Connection, changes: Changes | None = None) -> None:
        """`changes` hear what is written through this reader."""
        self.connection = connection
        self._changes = changes
        self.proofs = Proofs()
        """How far bulk answers of this server are to be believed."""
        self._known: dict[str, Listing] = {}
        self._expected: dict[str, tuple[frozenset[str], bool]] = {}
        self._closed: dict[str, XnatTuiError] = {}
        self._names: defaultdict[str, dict[str, Item]] = defaultdict(dict)
        self._reread: set[str] = set()
        self._lock = threading.Lock()
        self._modalities = False

    def ask_modalities(self, *, wanted: bool) -> None:
        """From now on, sessions whose row does not tell a modality come with those of their scans."""
        self._modalities = self._modalities or wanted

    def below(self, parent: Place, kind: Kind) -> Listing:
        """The children of one kind. A failure is a listing with an error, never an empty one."""
        found = self._below(parent, kind)
        if kind is not Kind.EXPERIMENT or not self._modalities or all(map(tells_modality, found.items)):
            return found
        items = (self._with_modalities(parent, item) for item in found.items)
        found = replace(found, items=tuple(items))
        with self._lock:
            if found.error is None:
                self._known[_key(parent, kind)] = found
        return found

    def _with_modalities(self, parent: Place, session: Item) -> Item:
        if tells_modality(session):
            return session
        scans = self._below(parent.child(session), Kind.SCAN)
        if scans.error is not None:
            return session
        words = "\\".join(sorted({word for scan in scans.items for word in modalities(scan)}))
        return session.with_fields(session.fields.joined(Fields.of({SCAN_MODALITIES: words or "unknown"})))

    def _below(self, parent: Place, kind: Kind) -> Listing:
        if kind not in CHILD_KINDS[parent.kind]:
            return Listing()
        key = _key(parent, kind)
        known = self._known.get(key)  # a single look-up needs no lock
        if known is not None:
            return self._unless_closed(parent, kind, known)
        try:
            found = self._ask(parent, kind)
        except XnatTuiError as error:
            self._note_closed(key, kind, error)
            return Listing(error=error, seen_by=self.connection.user)
        found = self._checked(key, found)
        if found.error is None:
            self.remember({key: found})
        return self._unless_closed(parent, kind, found)

    def remembered(self, item: Item, kind: Kind) -> Listing | None:
        """What is known below a session or something in it; None where `below` would ask the server."""
        return self._known.get(place_below(item, kind))

    def knows(self, parent: Place, kind: Kind) -> bool:
        """Whether these children are remembered, so that `below` needs no request."""
        with self._lock:
            known = self._known.get(_key(parent, kind))
        if known is None:
            return False
        return kind is not Kind.EXPERIMENT or not self._modalities or all(map(tells_modality, known.items))

    def document(self, where: Place) -> Document:
        """Every field of an item, asked for anew. Raises XnatTuiError."""
        item = where.item
        if item is None:
            raise NotFound("A server has no document of its own.")
        project = where.of(Kind.PROJECT)
        document = documents.read(self.connection, item, project.id if project is not None else "")
        self.remember(document.below)
        return document

    def read_again(self, where: Place) -> None:
        """Read what stands at and in a session, or which resources stand at a subject or project, by the
        smallest question, because another answer shows more than is known. Raises XnatTuiError."""
        item = where.item
        assert item is not None, "a server has no resources"
        if where.kind is Kind.EXPERIMENT:
            self.document(where)
        else:
            self.remember({_key(where, Kind.RESOURCE): listing.resources(self.connection, item)})
        self._note_reread(where)

    def contradict(self, owner: Place, where: Place, error: XnatTuiError) -> None:
        """Have the resources of a place, at or in `owner`, be unreadable: another answer shows others."""
        known = self.below(where, Kind.RESOURCE)
        self.remember({_key(where, Kind.RESOURCE): replace(known, error=known.error or error)})
        self._note_reread(owner)

    def _note_reread(self, where: Place) -> None:
        with self._lock:
            self._reread.add(where.item.id if where.item is not None else "")

    def take_reread(self) -> frozenset[str]:
        """IDs of the projects, subjects and experiments read again since this was asked last: what was made
        of them has to be made anew."""
        with self._lock:
            found, self._reread = frozenset(self._reread), set()
        return found

    def remember(self, listings: Mapping[str, Listing]) -> None:
        """Keep listings that came along with another answer."""
        with self._lock:
            self._known.update(listings)
            for key, found in listings.items():
                if found.items and found.items[0].kind in _NAMED:
                    here = self._names[key[1:].partition("/")[0]] if key.startswith("@") else {}
                    anywhere = self._names[""]
                    for item in found.items:
                        here[item.id] = item
                        anywhere.setdefault(item.id, item)

    def expect(self, key: str, identifiers: Iterable[str], *, some: bool = False) -> None:
        """Items that another answer of the server showed: a listing without them is contradictory.

        With `some` so is an empty one.
        """
        with self._lock:
            self._expected[key] = (frozenset(identifiers), some)

    def names(self, project: Item | None) -> ItemNames:
        """What accession IDs mean, as far as their items were read: `experiment SUB-001_MR1`.

        Labels are those of `project`, for what is shared into it. The mapping grows with the reading.
        """
        with self._lock:
            return ItemNames((self._names[project.id if project is not None else ""], self._names[""]))

    @staticmethod
    def experiments_key(project: Item, subject: Item) -> str:
        """Where the experiments of a subject are remembered: a shared subject has others elsewhere."""
        return f"@{project.id}/{place(subject.uri, Kind.EXPERIMENT)}"

    def forget(self, parent: Place) -> None:
        """Ask again for all that stands at or below a place.

        A session's document told everything below it, whichever part of it is reloaded. The place's own lists
        go even where nothing is known any more of the way down to it.
        """
        top = parent.up_to(Kind.EXPERIMENT)
        with self._lock:
            if top.item is None:
                self._known.clear()
                self._expected.clear()
                self._closed.clear()
                return
            waiting = [Place(parent.server, parent.items[:at]) for at in _depths(top, parent)]
            while waiting:
                where = waiting.pop()
                for kind in CHILD_KINDS[where.kind]:
                    self._expected.pop(_key(where, kind), None)
                    self._closed.pop(_key(where, kind), None)
                    known = self._known.pop(_key(where, kind), None)
                    waiting += [where.child(item) for item in known.items] if known is not None else []

    def changed(self, where: Place | Location, what: What = What.ITEMS) -> None:
        """Something at or below a place was written: have it read again, and tell whoever shows it."""
        if isinstance(where, Place):
            self._forget_with_row(where)
        else:
            self.forget_location(where)
        if self._changes is not None:
            self._changes.say(Changed(where.location if isinstance(where, Place) else where, what))

    def forget_location(self, where: Location) -> None:
        """As `forget`, of a place that somebody else knows; where it is not known here, of everything."""
        place = Place(where.server)
        for step in where.steps:
            below = step.kind in CHILD_KINDS[place.kind]
            with self._lock:
                known = self._known.get(_key(place, step.kind)) if below else None
            named = [item for item in known.items if step.name in (item.key, item.id)] if known else []
            if len(named) != 1:
                self.forget(Place(where.server))
                return
            place = place.child(named[0])
        self._forget_with_row(place)

    def _forget_with_row(self, where: Place) -> None:
        """As `forget`, and the list that shows an item: with its label, and when it was modified."""
        self.forget(where)
        top = where.up_to(Kind.EXPERIMENT)
        if top.item is not None:
            with self._lock:
                self._known.pop(_key(top.parent, top.kind), None)

    def _note_closed(self, key: str, kind: Kind, error: XnatTuiError) -> None:
        if kind is Kind.SUBJECT and isinstance(error, NotAllowed):
            with self._lock:
                self._closed[key] = error

    def _unless_closed(self, parent: Place, kind: Kind, found: Listing) -> Listing:
        """Of a project whose subjects may not be seen, "no resources" is no fact either: XNAT leaves out
        of a listing what the user may not read."""
        if found.items or kind is not Kind.RESOURCE or parent.kind is not Kind.PROJECT:
            return found
        with self._lock:
            refusal = self._closed.get(_key(parent, Kind.SUBJECT))
        return replace(found, error=found.error or refusal) if refusal is not None else found

    def _checked(self, key: str, found: Listing) -> Listing:
        with self._lock:
            expected, some = self._expected.get(key, (frozenset(), False))
        missing = expected - {item.id for item in found.items}
        if found.error is not None or not (missing or (some and not found.items)):
            return found
        count = len(found.items) + max(1, len(missing))
        return replace(
            found,
            error=BadAnswer(
                f"The server lists {len(found.items)} of at least {count} items here.",
                "Its answers contradict each other: reload, or ask its administrator.",
            ),
        )

    def _ask(self, parent: Place, kind: Kind) -> Listing:
        item = parent.item
        if item is None:
            return listing.projects(self.connection)
        match parent.kind, kind:
            case Kind.PROJECT, Kind.SUBJECT:
                return listing.subjects(self.connection, item)
            case Kind.SUBJECT, Kind.EXPERIMENT:
                project = parent.of(Kind.PROJECT)
                assert project is not None
                return listing.experiments(self.connection, project, item)
            case Kind.RESOURCE, Kind.FILE:
                return listing.files(self.connection, item)
            case ((Kind.PROJECT | Kind.SUBJECT), Kind.RESOURCE):
                return listing.resources(self.connection, item)
        return self._from_session(parent, kind)

    def _from_session(self, parent: Place, kind: Kind) -> Listing:
        session = parent.up_to(Kind.EXPERIMENT)
        self.document(session)
        with self._lock:
            found = self._known.get(_key(parent, kind))
        if found is None:
            raise NotFound(
                f"{parent.location.name} is no longer in its session.", "Reload the session: it has changed."
            )
        return found


def _depths(top: Place, parent: Place) -> range:
    return range(len(top.items), max(len(top.items), len(parent.items)) + 1)


def _key(parent: Place, kind: Kind) -> str:
    item = parent.item
    if item is None:
        return f"#{kind}"
    if kind is Kind.EXPERIMENT and item.kind is Kind.SUBJECT:
        project = parent.of(Kind.PROJECT)
        assert project is not None
        return Reader.experiments_key(project, item)
    if kind is Kind.ASSESSOR and item.kind is Kind.EXPERIMENT:
        project = parent.of(Kind.PROJECT)
        return assessors_key(project.id if project is not None else "", item.uri)
    return place_below(item, kind)
