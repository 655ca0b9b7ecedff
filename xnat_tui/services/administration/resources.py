"""Resources at every level: created, and deleted with their files or file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from xnat_tui.errors import BadAnswer, Conflict, NotFound, ServerError, Unclear, UsageError, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import listed
from xnat_tui.model.entities import CHILD_KINDS, Item, Kind, Listing
from xnat_tui.model.naming import RESOURCE_LABEL
from xnat_tui.model.place import Place
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.actions import deleting
from xnat_tui.xnat.documents import writing
from xnat_tui.xnat.documents.writing import Attributes
from xnat_tui.xnat.http.addresses import url_path

SIDES = ("out", "in")
"""What an assessor or a reconstruction was made of goes in, what it gave goes out."""
_WHOLE = "It is still there: only its whole resource can be deleted here, or the file on the server itself."


@dataclass(frozen=True, slots=True)
class _Creation:
    uri: str
    label: str
    side: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class _Deletion:
    place: Place
    others: frozenset[str] = frozenset()
    """Files of the resource that must still be there afterwards."""


class Resources:
    """The resources of one item. Plans read; only `do` writes, and reads back.

    Raises NotFound for what has none.
    """

    def __init__(self, reader: Reader, owner: Place) -> None:
        if Kind.RESOURCE not in CHILD_KINDS[owner.kind]:
            raise NotFound(
                f"{owner.location} has no resources.", "Projects, subjects, sessions and scans do."
            )
        self.reader = reader
        self.owner = owner
        self._planned: dict[tuple[str, str], _Creation | _Deletion] = {}

    def resources(self) -> Listing:
        """All of them, `in` and `out`; a failure is the listing's error."""
        return self.reader.below(self.owner, Kind.RESOURCE)

    def files(self, resource: Item) -> Listing:
        """Those of one resource; a failure is the listing's error."""
        return self.reader.below(self.owner.child(resource), Kind.FILE)

    @property
    def has_sides(self) -> bool:
        return self.owner.kind in (Kind.ASSESSOR, Kind.RECONSTRUCTION)

    def plan_create(self, label: str, attributes: Attributes | None = None, side: str = "") -> Change:
        """A new, empty resource. `side` is "out" or "in" below an assessor or a reconstruction."""
        owner = self.owner.item
        assert owner is not None, "a server has no resources"
        side = (side or "out") if self.has_sides else ""
        given = attributes or Attributes()
        where = str(self.owner.location.child(Kind.RESOURCE, label, side))
        after = {"label": label, "format": given.format, "content": given.content}
        shown = {name: text for name, text in after.items() if text}
        change = Change(
            where, "create", after=shown, refusal=self._refuse_label(label, side), project=self._project
        )
        uri = f"{owner.uri}/{side}/resources/{label}" if side else f"{owner.uri}/resources/{label}"
        self._planned[where, "create"] = _Creation(uri, label, side, given)
        return change

    def plan_delete(self, resources: Iterable[Item]) -> list[Change]:
        """Whole resources with all of their files. XNAT asks for the right to delete: owners have it."""
        found = []
        for item in resources:
            place = self.owner.child(item)
            count = "" if item.files is None else str(item.files)
            before = {"label": item.key, "file_count": count}
            found.append(self._deletion(place, before, "", _Deletion(place)))
        return found

    def plan_delete_files(self, resource: Item, files: Sequence[Item]) -> list[Change]:
        """Single files of one resource, longer paths first.

        Where a server would take other files along, because their paths begin like the one that is to go,
        the change is refused unless these are to go as well. Raises what listing the files raises.
        """
        listing = self.files(resource)
        if listing.error is not None:
            raise listing.error
        paths = {one.key for one in listing.items}
        doomed = {one.key for one in files}
        found = []
        for item in sorted(files, key=lambda one: (-len(one.key), one.key)):
            place = self.owner.child(resource).child(item)
            before = {"Name": item.key, "Size": "" if item.bytes is None else str(item.bytes)}
            refusal = _refuse_file(item.key, paths - doomed)
            change = self._deletion(place, before, refusal, _Deletion(place, frozenset(paths - doomed)))
            found.append(replace(change, note="" if change.refusal else _note_address(item.key)))
        return found

    def do(self, change: Change) -> str:
        """Carry out one planned change and read it back.

        Raises Conflict where the resource exists, Forbidden without the right, BadAnswer where the server
        accepted it and it is not so, or more is gone than was meant.
        """
        planned = self._planned[change.location, change.verb]
        failure: XnatTuiError | None = None
        try:
            if isinstance(planned, _Creation):
                writing.put_resource(self.reader.connection, planned.uri, planned.attributes)
            elif planned.place.kind is Kind.FILE:
                deleting.delete_file(self.reader.connection, _uri(planned.place))
            else:
                deleting.delete_resource(self.reader.connection, _uri(planned.place))
        except (NotFound, ServerError, Unclear) as error:
            failure = error
        holder = self.owner if isinstance(planned, _Creation) else planned.place.parent
        self.reader.changed(holder, What.FILES)
        wrong = self._missing(planned) if isinstance(planned, _Creation) else self._standing(planned)
        if wrong is not None:
            if isinstance(failure, NotFound) and change.note:
                raise NotFound(f"{change.note[0].upper()}{change.note[1:]}, and did not.", _WHOLE)
            raise not_so(failure, wrong)
        return is_so(failure)

    @property
    def _project(self) -> str:
        project = self.owner.of(Kind.PROJECT)
        return project.id if project is not None else ""

    def _refuse_label(self, label: str, side: str) -> str:
        if not RESOURCE_LABEL.fullmatch(label):
            return f"{label!r} is no label for a resource: letters, digits, dot, _ and -, not digits alone."
        listing = self.resources()
        if listing.error is not None:
            return listing.error.message
        same = [one.key for one in listing.items if one.key.lower() == label.lower() and one.side == side]
        return f"{same[0]} exists already." if same else ""

    def _deletion(self, place: Place, before: dict[str, str], refusal: str, planned: _Deletion) -> Change:
        where = str(place.location)
        shared = next((one for one in place.items if one.shared_from is not None), None)
        if shared is not None and not refusal:
            refusal = (
                f"{shared.key} is shared in: delete it in {shared.shared_from or 'the project it is of'}."
            )
        self._planned[where, "delete"] = planned
        return Change(where, "delete", before, refusal=refusal, destroys=True, project=self._project)

    def _missing(self, planned: _Creation) -> XnatTuiError | None:
        listing = self.resources()
        if listing.error is not None:
            return listing.error
        if any((one.key, one.side) == (planned.label, planned.side) for one in listing.items):
            return None
        return BadAnswer("The server accepted it and does not list it.", "Check your rights, then reload.")

    def _standing(self, planned: _Deletion) -> XnatTuiError | None:
        """Why a deletion cannot be called done; what is read comes from the server, not from memory."""
        place = planned.place
        item = place.item
        assert item is not None, "what is deleted is an item"
        listing = self.reader.below(place.parent, place.kind)
        if listing.error is not None and not (place.kind is Kind.FILE and listing.items):
            if place.kind is Kind.FILE and not planned.others:
                return None  # an empty list is what is left, and XNAT's own count may be older
            return listing.error
        if any(one.uri == item.uri for one in listing.items):
            return BadAnswer(
                "The server accepted it, and it is still there.", "Check your rights, then reload."
            )
        lost = planned.others - {one.key for one in listing.items}
        if lost:
            return Conflict(
                f"It is gone, and with it {', '.join(sorted(lost)[:3])}.", "Tell the administrator."
            )
        return None


def plan_deletions(reader: Reader, places: Iterable[Place]) -> tuple[list[Change], Callable[[Change], str]]:
    """Changes that delete resources and files wherever they stand, and what carries one out.

    Raises UsageError for a place that is neither, and what listing raises.
    """
    by_owner: dict[Place, list[Item]] = {}
    by_resource: dict[Place, list[Item]] = {}
    for place in dict.fromkeys(places):
        item = place.item
        if item is None or place.kind not in (Kind.RESOURCE, Kind.FILE):
            raise UsageError(
                f"{place.location} is no resource and no file.", "Name .../resources/LABEL[/files/PATH]."
            )
        (by_resource if place.kind is Kind.FILE else by_owner).setdefault(place.parent, []).append(item)
    changes: list[Change] = []
    services: dict[str, Resources] = {}
    for owner in dict.fromkeys((*by_owner, *(resource.parent for resource in by_resource))):
        service = Resources(reader, owner)
        planned = service.plan_delete(by_owner.get(owner, []))
        for resource, files in by_resource.items():
            if resource.parent == owner and resource.item is not None:
                planned += service.plan_delete_files(resource.item, files)
        services |= {change.location: service for change in planned}
        changes += planned
    return changes, lambda change: services[change.location].do(change)


def _uri(place: Place) -> str:
    if place.item is None:
        raise UsageError("A server cannot be deleted.")
    return place.item.uri


def _note_address(path: str) -> str:
    """What is to be known of a name whose address XNAT may take for its encoded text
    (`docs/xnat-contract.md` 4.3)."""
    address = "/".join(url_path(part) for part in path.split("/"))
    if address == path:
        return ""
    if "%20" in address or "%2B" in address:
        return f"XNAT before 1.8 may not find it by its address, {address}"
    return f"XNAT may not find it by its address, {address}"


def _refuse_file(path: str, staying: Iterable[str]) -> str:
    """Why deleting this path could take others along, as XNAT 1.8 matches by beginnings
    (`docs/xnat-contract.md` 4.8)."""
    if "*" in path:
        return "XNAT would read the * in its name as any text: delete the whole resource."
    forms = {path, "/".join(url_path(part) for part in path.split("/"))}
    caught = sorted(one for one in staying if any(one.startswith(form) for form in forms) and one != path)
    if not caught:
        return ""
    return f"XNAT would delete {listed(caught)} with it, because their paths begin alike."
