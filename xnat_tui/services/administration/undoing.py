"""Changes of the history taken back: planned from what the server holds now, by the services that made them.

An entry whose "after" does not stand any more is refused: what somebody did since is not undone unasked. What
is taken back is a change like any other, kept as an entry of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from xnat_tui.errors import XnatTuiError
from xnat_tui.model import demographics as rules
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Kind
from xnat_tui.model.history import Area, Entry
from xnat_tui.model.location import Location, Step
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import Role
from xnat_tui.services.administration.anonymisation import ENABLED, SCRIPT, Anonymisation, differs
from xnat_tui.services.administration.demographics import Demographics
from xnat_tui.services.administration.merging import SUBJECT, SUBJECT_ID, Merging
from xnat_tui.services.administration.project_settings import ProjectSettings
from xnat_tui.services.administration.project_users import ProjectUsers
from xnat_tui.services.administration.renaming import Renaming
from xnat_tui.services.administration.renaming import Wish as NewLabel
from xnat_tui.services.administration.sharing.shares import Sharing, Wish
from xnat_tui.services.browsing.find import find_one
from xnat_tui.services.reading.reader import Reader

Do = Callable[[Change], str]
_GONE = "XNAT keeps nothing of what was deleted."
_SO_ALREADY = "it is as it was before already."


@dataclass(frozen=True, slots=True)
class _Found:
    """An entry with the item that it is about, as it stands now."""

    entry: Entry
    place: Place


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """Changes in the order in which they are made, and what is to be known of them."""

    changes: list[Change]
    notes: list[str]


class Undoing:
    """Takes changes of one server back. Plans read; only `do` writes, and reads back.

    `reader` has to remember nothing; `renaming` is the service on it that renames.
    """

    def __init__(self, reader: Reader, server: str, renaming: Renaming) -> None:
        self.reader = reader
        self.server = server
        self._renaming = renaming
        self._planned: list[tuple[Change, Do]] = []
        self._notes: list[str] = []

    def plan(self, entries: Iterable[Entry]) -> UndoPlan:
        """Changes that take entries of this server back, the newest first; those that cannot be are refused
        with the reason."""
        chosen = sorted(entries, key=lambda entry: -entry.number)
        changes = [_refused(entry, _GONE) for entry in chosen if entry.area is Area.DELETION]
        found = []
        for entry in chosen:
            if entry.area is Area.DELETION:
                continue
            try:
                found.append(_Found(entry, self._find(entry)))
            except XnatTuiError as error:
                changes.append(_refused(entry, error.message))
        planned = (self._of_fields(found), self._of_labels(found), self._of_shares(found))
        others = (
            self._of_users(found),
            self._of_scripts(found),
            self._of_merges(found),
            self._of_projects(found),
        )
        changes = [*chain(*planned, *others), *changes]
        return UndoPlan(changes, list(dict.fromkeys(self._notes)))

    def do(self, change: Change) -> str:
        """Carry out one planned change; raises what its service raises."""
        return next(do for planned, do in self._planned if planned == change)(change)

    def _find(self, entry: Entry) -> Place:
        """By accession ID: labels may have changed since."""
        start = Location(self.server)
        if entry.kind is Kind.SERVER:
            return Place(self.server)
        if entry.kind is Kind.PROJECT:
            return find_one(self.reader, start.child(Kind.PROJECT, entry.item))
        kind = Kind.SUBJECT if entry.kind is Kind.SUBJECT else Kind.EXPERIMENT
        return find_one(self.reader, Location(start.server, (Step(kind, entry.item),)))

    def _keep(self, entry: Entry, changes: Iterable[Change], do: Do) -> list[Change]:
        marked = [replace(change, undoes=entry.number) for change in changes]
        self._planned += [(change, do) for change in marked]
        return marked

    def _each(
        self, found: Iterable[_Found], plan: Callable[[_Found], tuple[Sequence[Change], Do] | str]
    ) -> Iterator[Change]:
        """Plan entries one by one; a text is why one cannot be taken back."""
        for one in found:
            try:
                planned = plan(one)
            except XnatTuiError as error:
                planned = error.message
            if isinstance(planned, str) or not planned[0]:
                yield _refused(one.entry, planned if isinstance(planned, str) else _SO_ALREADY)
            else:
                yield from self._keep(one.entry, *planned)

    # demographics

    def _of_fields(self, found: Iterable[_Found]) -> Iterator[Change]:
        service = Demographics(self.reader)

        def plan(one: _Found) -> tuple[Sequence[Change], Do] | str:
            (subject,) = service.subjects([one.place])
            now = subject.person.values
            for name, text in one.entry.after.items():
                if not rules.same(name, now.get(name, ""), text):
                    return _not_so(now.get(name, ""), one.entry.after, name)
            return service.plan_set([one.place], one.entry.before), service.do

        return self._each((one for one in found if one.entry.area is Area.DEMOGRAPHICS), plan)

    # labels

    def _of_labels(self, found: Iterable[_Found]) -> list[Change]:
        """All together, so that a label which one of them frees is free for another."""
        changes: list[Change] = []
        entries: dict[str, Entry] = {}
        wishes = []
        for entry, place in _of(found, Area.RENAMING):
            assert place.item is not None, "a server has no label"
            if place.item.key != entry.after["label"]:
                changes.append(_refused(entry, _not_so(place.item.key, entry.after, "label")))
            else:
                wishes.append(NewLabel(place, entry.before["label"]))
                entries[str(place.location)] = entry
        if not wishes:
            return changes
        service = self._renaming
        try:
            planned = service.plan(wishes)
        except XnatTuiError as error:
            return changes + [_refused(entry, error.message) for entry in entries.values()]
        self._notes += planned.notes
        for change in planned.changes:
            changes += self._keep(entries[change.location], [change], service.do)
        return changes

    # shares

    def _of_shares(self, found: Iterable[_Found]) -> list[Change]:
        shares = [one for one in found if one.entry.area is Area.SHARING]
        made = [one for one in shares if one.entry.verb == "share"]
        changes = [change for one in _by_project(made) for change in self._unshare(one)]
        ended = [one for one in shares if one.entry.verb in ("unshare", "relabel")]
        changes += self._share(ended)
        given = [one for one in reversed(shares) if one.entry.verb == "give away"]  # the subject first, again
        return [*changes, *self._give_back(given)]

    def _unshare(self, made: Sequence[_Found]) -> list[Change]:
        """Shares of one project that are ended; what hangs below has to be chosen as well, or be gone."""
        changes: list[Change] = []
        there: dict[str, Entry] = {}
        service, places = Sharing(self.reader), []
        for one in made:
            project = one.entry.after["project"]
            share = service.projects_of(one.place).share(project)
            if share is None:
                changes.append(_refused(one.entry, f"it is not shared into {project} any more."))
            elif share.label != one.entry.after["label"]:
                changes.append(_refused(one.entry, _not_so(share.label, one.entry.after, "label")))
            else:
                there[str(one.place.location)] = one.entry
                places.append(one.place)
        planned = service.plan_unshare(places, made[0].entry.after["project"]) if places else []
        for place in reversed(places):
            entry = there[str(place.location)]
            below = [
                change.location for change in planned if change.location.startswith(f"{place.location}/")
            ]
            if others := [location for location in below if location not in there]:
                changes.append(_refused(entry, f"{others[0]} is shared there as well: that comes first."))
                del there[str(place.location)]
        for change in planned:
            if change.location in there:
                changes += self._keep(there[change.location], [change], service.do)
        return changes

    def _share(self, ended: Sequence[_Found]) -> list[Change]:
        """Shares that were ended, and labels of shares that were changed, all in one plan: each subject comes
        before its sessions."""
        changes: list[Change] = []
        service, wishes, entries = Sharing(self.reader), [], dict[tuple[str, str], Entry]()
        for one in ended:
            entry, projects = one.entry, service.projects_of(one.place)
            project = (entry.before if entry.verb == "unshare" else entry.after)["project"]
            share = projects.share(project)
            if entry.verb == "unshare" and share is not None:
                changes.append(_refused(entry, f"it is shared into {project} again."))
            elif entry.verb == "relabel" and (share is None or share.label != entry.after["label"]):
                now = share.label if share is not None else ""
                changes.append(_refused(entry, _not_so(now, entry.after, "label")))
            else:
                label = entry.before["label"]
                own = entry.verb == "unshare" and label == projects.owner.label
                wishes.append(Wish(one.place, project, "" if own else label))
                entries[str(one.place.location), project] = entry
        for change in service.plan_share(wishes) if wishes else []:
            first = next(iter(entries.values()))
            entry = entries.get((change.location, change.after["project"]), replace(first, number=0))
            changes += self._keep(entry, [change], service.do)
        return changes

    def _give_back(self, given: Sequence[_Found]) -> Iterator[Change]:
        """What was given away with its subject goes back with it, in one plan."""
        entries = {str(one.place.location): one.entry for one in given}
        alone = [
            one
            for one in given
            if one.place.kind is Kind.SUBJECT or str(one.place.up_to(Kind.SUBJECT).location) not in entries
        ]
        planned = set()
        for one in alone:
            entry, service = one.entry, Sharing(self.reader)
            try:
                owner = service.projects_of(one.place).owner.project
                changes = service.plan_transfer(one.place, entry.before["project"])
            except XnatTuiError as error:
                yield _refused(entry, error.message)
                continue
            if owner != entry.after["project"]:
                yield _refused(entry, _not_so(owner, entry.after, "project"))
                continue
            for change in changes:
                if change.verb == "share" or change.location in entries:
                    planned.add(change.location)
                    yield from self._keep(entries.get(change.location, entry), [change], service.do)
        for one in given:
            if one not in alone and str(one.place.location) not in planned:
                yield _refused(one.entry, "it does not go back with its subject.")

    # users

    def _of_users(self, found: Iterable[_Found]) -> Iterator[Change]:
        def plan(one: _Found) -> tuple[Sequence[Change], Do] | str:
            service, entry = ProjectUsers(self.reader, one.place), one.entry
            if entry.verb == "set":
                now = service.accessibility()
                if now != entry.after["accessibility"]:
                    return _not_so(now, entry.after, "accessibility")
                return service.plan_accessibility(entry.before["accessibility"]), service.do
            login = {**entry.before, **entry.after}["login"]
            groups = ", ".join(member.group for member in service.members() if member.login == login)
            if groups != entry.after.get("GROUP_ID", ""):
                return _not_so(groups, entry.after, "GROUP_ID")
            before = entry.before.get("GROUP_ID", "")
            if not before:
                return service.plan_remove([login]), service.do
            role = next((role for role in Role if service.group(role) == before), None)
            if role is None:
                return f"{login} was in {before}, which is no role that this program gives."
            return service.plan_add([login], role), service.do

        return self._each((one for one in found if one.entry.area is Area.USERS), plan)

    # sessions of other subjects

    def _of_merges(self, found: Iterable[_Found]) -> Iterator[Change]:
        service = Merging(self.reader, self._renaming.patience)

        def plan(one: _Found) -> tuple[Sequence[Change], Do] | str:
            now, entry = service.subject_of(one.place), one.entry
            if now != entry.after[SUBJECT_ID]:
                return _not_so(now, entry.after, SUBJECT_ID)
            running, _ = self._renaming.open_workflows(one.place.up_to(Kind.PROJECT))
            return [
                service.plan_session(one.place, entry.before[SUBJECT_ID], entry.before[SUBJECT], running)
            ], service.do

        return self._each((one for one in found if one.entry.area is Area.MERGING), plan)

    # settings of projects

    def _of_projects(self, found: Iterable[_Found]) -> Iterator[Change]:
        def plan(one: _Found) -> tuple[Sequence[Change], Do] | str:
            service, entry = ProjectSettings(self.reader, one.place), one.entry
            now = service.values()
            for name, text in entry.after.items():
                if now[name] != text:
                    return _not_so(now[name], entry.after, name)
            return service.plan_set(entry.before), service.do

        return self._each((one for one in found if one.entry.area is Area.PROJECT), plan)

    # anonymisation

    def _of_scripts(self, found: Iterable[_Found]) -> Iterator[Change]:
        def plan(one: _Found) -> tuple[Sequence[Change], Do] | str:
            service, entry = Anonymisation(self.reader, one.place), one.entry
            if differs(service.script(), entry.after):
                return "the script is another one now, or was switched since."
            text = entry.before.get(SCRIPT)
            return service.plan_state(text, enabled=entry.before[ENABLED] == "true"), service.do

        return self._each((one for one in found if one.entry.area is Area.ANONYMISATION), plan)


def _of(found: Iterable[_Found], area: Area) -> Iterator[tuple[Entry, Place]]:
    return ((one.entry, one.place) for one in found if one.entry.area is area)


def _by_project(made: Iterable[_Found]) -> list[list[_Found]]:
    found: dict[str, list[_Found]] = {}
    for one in made:
        found.setdefault(one.entry.after["project"], []).append(one)
    return list(found.values())


def _refused(entry: Entry, reason: str) -> Change:
    return Change(
        entry.location,
        f"undo {entry.verb}",
        entry.after,
        entry.before,
        refusal=f"{entry.number}: {reason}",
        project=entry.project,
        undoes=entry.number,
    )


def _not_so(now: str, after: Mapping[str, str], name: str) -> str:
    """Why an entry is not taken back: it is not the last word."""
    return f"{name} is {now or '(none)'} now, and not {after.get(name) or '(none)'} as this left it."
