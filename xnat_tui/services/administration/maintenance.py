"""Catalogs refreshed and recounted, headers read and scan types fixed anew, one session after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from xnat_tui.errors import Forbidden, NotFound, Unclear, UsageError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted, size_words
from xnat_tui.model.entities import SESSION_WORDS, Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.actions.sharing import projects_of
from xnat_tui.xnat.actions.users import is_administrator
from xnat_tui.xnat.documents import catalogs
from xnat_tui.xnat.documents.catalogs import DEFAULT_OPTIONS, OPTIONS
from xnat_tui.xnat.documents.items import Document

_ADMINISTRATORS = "Only a site administrator may clear a server's caches."
_GOES_ON = "No answer came in time: the server may still be at it."
_LATER = "Look at the figures later, before repeating it."
PULL, FIX = "pullDataFromHeaders", "fixScanTypes"
STEPS = {
    PULL: "fields of the session and its scans are read from the DICOM headers again",
    FIX: "scan types are set by those that the project's scans of the same description have",
}


class Maintenance:
    """Upkeep of one server's archive. Plans read; only `do` writes, one item at a time."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.skipped: list[str] = []
        """Items that a project or subject only sees by sharing: they are kept in order by their owner."""
        self._places: dict[str, Place] = {}

    def plan_refresh(self, places: Iterable[Place], options: Sequence[str] = DEFAULT_OPTIONS) -> list[Change]:
        """One change per session, resource or other item at a place; a project's sessions one by one.

        A project or subject refreshes only its own resources by itself, so its sessions, and the subjects
        that have resources, follow. Raises UsageError for no options, or an unknown one.
        """
        if not options or not set(options) <= OPTIONS.keys():
            raise UsageError("A refresh needs at least one option.", f"There are: {', '.join(OPTIONS)}.")
        named = ",".join(option for option in OPTIONS if option in options)
        found: dict[str, Change] = {}
        for place in self._spread(places):
            location = str(place.location)
            project = place.of(Kind.PROJECT)
            assert project is not None
            self._places[location] = place
            found[location] = Change(
                location,
                "refresh",
                after={"options": named},
                refusal=_shared_in(place),
                destroys="delete" in options,
                project=project.id,
            )
        return list(found.values())

    def plan_step(self, places: Iterable[Place], step: str) -> list[Change]:
        """One change per imaging session: `pullDataFromHeaders` or `fixScanTypes`.

        Raises NotFound where there is none.
        """
        found: dict[str, Change] = {}
        for place in self._spread(places):
            if place.kind is not Kind.EXPERIMENT:
                continue
            location = str(place.location)
            item, project = place.item, place.of(Kind.PROJECT)
            assert item is not None
            assert project is not None
            refusal = _shared_in(place)
            if not refusal and item.type not in SESSION_WORDS:
                refusal = f"{item.type or 'this'} is no imaging session."
            self._places[location] = place
            found[location] = Change(location, step, refusal=refusal, note=STEPS[step], project=project.id)
        if not found:
            raise NotFound("There is no session to do this to.", "Name sessions, subjects or a project.")
        return list(found.values())

    def plan_clear_caches(self, server: Place) -> list[Change]:
        """The change that makes the server forget its caches. Raises Forbidden for all but administrators."""
        if server.items:
            raise UsageError(f"{server.location} is no server.", f"Write {server.server}:")
        if self.may_clear_caches() is False:
            raise Forbidden(_ADMINISTRATORS)
        return [Change(str(server.location), "clear caches")]

    def may_clear_caches(self) -> bool | None:
        """Whether this user is an administrator; None where the server does not tell."""
        return is_administrator(self.reader.connection)

    def do(self, change: Change) -> str:
        """Do one planned change, and say what is there after it.

        Raises Unclear where the server did not answer in time: it goes on working.
        """
        connection = self.reader.connection
        if change.verb == "clear caches":
            try:
                catalogs.clear_caches(connection)
            except Forbidden as error:
                raise Forbidden(_ADMINISTRATORS, status=error.status) from None
            return ""
        place = self._places[change.location]
        item = place.item
        assert item is not None
        if change.verb == "refresh":
            try:
                catalogs.refresh(connection, _address(place), change.after["options"].split(","))
            except Unclear as error:
                raise Unclear(_GOES_ON, _LATER, status=error.status) from None
            self.reader.changed(place.parent if place.kind is Kind.RESOURCE else place, What.FILES)
            return self._counted(place)
        before = self.reader.document(place)
        owner = projects_of(connection, item.uri).owner.project
        try:
            catalogs.run_step(connection, owner, change.verb, item.id)
        except Unclear as error:
            raise Unclear(_GOES_ON, _LATER, status=error.status) from None
        self.reader.changed(place)
        return f"{_changed_fields(before, self.reader.document(place))} fields changed"

    def _spread(self, places: Iterable[Place]) -> Iterator[Place]:
        """What a project, or a subject, consists of for this purpose; anything else as it is."""
        for place in places:
            if place.kind is Kind.SERVER:
                raise NotFound(f"{place.location} is a server.", "Name a project or something in one.")
            if place.kind is Kind.FILE:
                yield place.parent
                continue
            if place.kind is Kind.PROJECT:
                with ThreadPoolExecutor(2, "maintenance") as pool:
                    read_project(self.reader, place, pool, sessions_below=False)
                yield from self._own(place)
                for subject in self._children(place, Kind.SUBJECT):
                    yield from self._owned([*self._own(subject), *self._children(subject, Kind.EXPERIMENT)])
            elif place.kind is Kind.SUBJECT:
                yield from self._own(place)
                yield from self._owned(self._children(place, Kind.EXPERIMENT))
            else:
                yield place

    def _owned(self, places: Iterable[Place]) -> Iterator[Place]:
        for place in places:
            if reason := _shared_in(place):
                self.skipped.append(f"{place.location} is left out: {reason}")
            else:
                yield place

    def _own(self, place: Place) -> list[Place]:
        """The place itself, if it has resources of its own."""
        return [place] if self._children(place, Kind.RESOURCE) else []

    def _children(self, place: Place, kind: Kind) -> list[Place]:
        listing = self.reader.below(place, kind)
        if listing.error is not None:
            raise listing.error
        return [place.child(item) for item in listing.items]

    def _counted(self, place: Place) -> str:
        """The files and bytes that the server now has on record."""
        if place.kind is Kind.EXPERIMENT:
            document = self.reader.document(place)
            items = [
                item
                for listing in document.below.values()
                for item in listing.items
                if item.kind is Kind.RESOURCE
            ]
        elif place.kind is Kind.RESOURCE:
            assert place.item is not None
            siblings = self._children(place.parent, Kind.RESOURCE)
            items = [one.item for one in siblings if one.item is not None and one.item.id == place.item.id]
        else:
            items = [one.item for one in self._children(place, Kind.RESOURCE) if one.item is not None]
        if not items:
            return "no resources"
        uncounted = sum(item.files is None for item in items)
        files, size = sum(item.files or 0 for item in items), sum(item.bytes or 0 for item in items)
        missing = f", {uncounted} resources not counted" if uncounted else ""
        return f"{counted(files, 'file')}, {size_words(size)}{missing}"


def _address(place: Place) -> str:
    """Where a refresh finds an item: subjects only through a project, `in` and `out` through their owner."""
    project = place.of(Kind.PROJECT)
    item: Item | None = place.item
    assert project is not None
    assert item is not None
    if item.side:
        item = place.parent.item
        assert item is not None
    path = item.uri.removeprefix("/data")
    if path.startswith("/subjects/"):
        path = f"/projects/{project.id}{path}"
    return f"/archive{path}"


def _shared_in(place: Place) -> str:
    """Why an item that this project only sees is left alone."""
    owners = [item.shared_from for item in place.items if item.kind in (Kind.SUBJECT, Kind.EXPERIMENT)]
    kind = place.kind
    meant = owners[:1] if kind is Kind.SUBJECT else owners[1:]
    shared = next((owner for owner in meant if owner is not None), None)
    return "" if shared is None else f"it is only shared in from {shared or 'another project'}."


def _changed_fields(before: Document, after: Document) -> int:
    """How many fields of a session and its scans differ."""

    def facts(document: Document) -> dict[tuple[str, str], str]:
        found = {("", name): text for name, text in document.fields.items()}
        for listing in document.below.values():
            for item in listing.items:
                if item.kind is Kind.SCAN:
                    found |= {(item.key, name): text for name, text in item.fields.items()}
        return found

    one, other = facts(before), facts(after)
    return sum(one.get(key, "") != other.get(key, "") for key in one.keys() | other.keys())
