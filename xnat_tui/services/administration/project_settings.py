"""What a project is called, who leads it, who sees it and where its DICOM goes; and making a project."""

from __future__ import annotations

from collections.abc import Mapping

from xnat_tui.errors import BadAnswer, Conflict, NotFound, ServerError, Unclear, UsageError, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import ACCESSIBILITIES, label_refusal
from xnat_tui.services.administration.project_users import OPENNESS
from xnat_tui.services.administration.recording import kept
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.reading_back import is_so, not_so
from xnat_tui.xnat.documents import writing

ACCESSIBILITY, PREARCHIVE = "accessibility", "prearchive_code"
TEXTS = ("name", "secondary_ID", "description", "keywords", "pi_firstname", "pi_lastname")
FIELDS = (*TEXTS, ACCESSIBILITY, PREARCHIVE)
"""As XNAT's list of projects calls them (`docs/xnat-contract.md` 3.4); `name` is the title."""
ROUTES = {
    "0": "DICOM that arrives waits in the prearchive",
    "4": "DICOM that arrives is archived, and what conflicts waits",
    "5": "DICOM that arrives is archived, over what is there",
}
_WORDS = {"manual": "0", "archive": "4", "overwrite": "5"}
_ALIASES = {"title": "name", "prearchive": PREARCHIVE, "secondary_id": "secondary_ID"}


def checked(values: Mapping[str, str]) -> dict[str, str]:
    """Fields under XNAT's names, with the codes that it knows. Raises UsageError for others."""
    found = {}
    for given, value in values.items():
        name = _ALIASES.get(given, given)
        if name not in FIELDS:
            raise UsageError(f"{given!r} is no setting of a project.", f"Settings: {', '.join(FIELDS)}.")
        if name == PREARCHIVE:
            value = _WORDS.get(value, value)
        allowed = {ACCESSIBILITY: ACCESSIBILITIES, PREARCHIVE: tuple(ROUTES)}.get(name, ())
        if allowed and value not in allowed:
            words = f" ({', '.join(_WORDS)})" if name == PREARCHIVE else ""
            raise UsageError(f"{name} {value!r} is none of {', '.join(allowed)}{words}.")
        found[name] = value.strip()
    return found


class ProjectSettings:
    """Of one project. Plans read; only `do` writes, and reads back. Raises NotFound for what is none."""

    def __init__(self, reader: Reader, place: Place) -> None:
        if place.item is None or place.kind is not Kind.PROJECT:
            raise NotFound(f"{place.location} is no project.", "Projects have settings: name one.")
        self.reader = reader
        self.place = place
        self.project = place.item.id

    def values(self) -> dict[str, str]:
        """Every field; "" is what is empty, or no word that XNAT knows."""
        fields = self.reader.document(self.place).fields
        found = {name: fields.get(name, "") for name in TEXTS}
        for name in (ACCESSIBILITY, PREARCHIVE):
            found[name] = writing.get_setting(self.reader.connection, self.project, name)
        return found

    def plan_set(self, values: Mapping[str, str]) -> list[Change]:
        """A change for each field that is another one now. Raises UsageError for unknown ones."""
        now, wanted = self.values(), checked(values)
        taken = _taken(self.reader, self.place.server, but=self.project)
        changes = []
        for name, value in wanted.items():
            if value == now[name]:
                continue
            refusal = "" if value else "XNAT ignores an empty value: it cannot be cleared from here."
            refusal = refusal or _clash(name, value, taken)
            note = OPENNESS.get(value, "") if name == ACCESSIBILITY else ""
            note = ROUTES.get(value, "") if name == PREARCHIVE else note
            where, before, after = str(self.place.location), {name: now[name]}, {name: value}
            changes.append(
                Change(where, "set", before, after, note=note, refusal=refusal, project=self.project)
            )
        return changes

    def about(self, change: Change) -> Place:  # noqa: ARG002  (all of them are of one project)
        """The project."""
        return self.place

    @kept(Area.PROJECT)
    def do(self, change: Change) -> str:
        """Set one field and read it back. Raises Conflict for a title or secondary ID that is taken, and
        Forbidden for those who do not own the project."""
        ((name, value),) = change.after.items()
        failure: XnatTuiError | None = None
        try:
            if name in TEXTS:
                _put(self.reader, self.project, {name: value})
            else:
                writing.put_setting(self.reader.connection, self.project, name, value)
        except (ServerError, Unclear) as error:
            failure = error
        what = {ACCESSIBILITY: What.USERS, PREARCHIVE: What.SETTINGS}.get(name, What.ITEMS)
        self.reader.changed(self.place, what)
        if self.values()[name] != value:
            raise not_so(failure, BadAnswer("The server accepted it, and nothing has changed.", "Reload."))
        return is_so(failure)


class ProjectCreation:
    """Makes projects on one server. `plan` reads; only `do` writes, and reads back."""

    def __init__(self, reader: Reader, server: str) -> None:
        self.reader = reader
        self.server = server

    def plan(self, project: str, values: Mapping[str, str]) -> list[Change]:
        """A change that makes a project. What is not given is as XNAT has it, but that nobody else sees it.

        Raises UsageError for unknown fields.
        """
        after = {name: value for name, value in checked(values).items() if value}
        after = {"ID": project, ACCESSIBILITY: "private", **after}
        taken = _taken(self.reader, self.server)
        refusal = label_refusal(project)
        for name in ("ID", *TEXTS):
            refusal = refusal or _clash(name, after.get(name, ""), taken)
        where = Location(self.server).child(Kind.PROJECT, project)
        note = OPENNESS[after[ACCESSIBILITY]]
        return [Change(str(where), "create", {}, after, note=note, refusal=refusal, project=project)]

    def do(self, change: Change) -> str:
        """Make the project, then its settings; each field is read back.

        Raises Conflict where it is there already, and BadAnswer with the fields that did not arrive.
        """
        project = change.after["ID"]
        fields = {name: value for name, value in change.after.items() if name != "ID"}
        if self._find(project) is not None:
            raise Conflict(f"{project} is there by now.", "Look at it: nothing was sent.")
        failure: XnatTuiError | None = None
        sent = {name: value for name, value in fields.items() if name != PREARCHIVE}
        try:
            _put(self.reader, project, sent)
        except (ServerError, Unclear) as error:
            failure = error
        self.reader.changed(Place(self.server), What.ITEMS)
        place = self._find(project)
        if place is None:
            raise not_so(
                failure, BadAnswer("The server accepted it, and there is no such project.", "Reload.")
            )
        if PREARCHIVE in fields:
            writing.put_setting(self.reader.connection, project, PREARCHIVE, fields[PREARCHIVE])
        now = ProjectSettings(self.reader, place).values()
        if lost := [name for name, value in fields.items() if now[name] != value]:
            raise BadAnswer(f"It was made, but without its {', '.join(lost)}.", "Set these again.")
        return is_so(failure)

    def _find(self, project: str) -> Place | None:
        """Asked anew."""
        server = Place(self.server)
        self.reader.forget(server)
        listing = self.reader.below(server, Kind.PROJECT)
        if listing.error is not None:
            raise listing.error
        return next((server.child(item) for item in listing.items if item.id == project), None)


def _put(reader: Reader, project: str, values: Mapping[str, str]) -> None:
    writing.put_fields(reader.connection, f"/data/projects/{project}", values)


def _taken(reader: Reader, server: str, but: str = "") -> dict[str, str]:
    """IDs, titles and secondary IDs of other projects that this user sees, lower case, with whose they are:
    one space of names (`docs/xnat-contract.md` 3.4)."""
    listing = reader.below(Place(server), Kind.PROJECT)
    if listing.error is not None:
        raise listing.error
    return {
        text.casefold(): item.id
        for item in listing.items
        for text in (item.id, item.fields.get("name", ""), item.fields.get("secondary_ID", ""))
        if text and item.id != but
    }


def _clash(name: str, value: str, taken: Mapping[str, str]) -> str:
    holder = taken.get(value.casefold(), "") if name in ("ID", "name", "secondary_ID") else ""
    return f"{holder} has the ID, title or secondary ID {value} already." if holder else ""
