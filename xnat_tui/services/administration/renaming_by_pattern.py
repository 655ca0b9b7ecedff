"""Many new labels by a pattern: the table of old and new is the plan.

Two items that would get one label are refused, both. Where they are subjects, the sessions of one can go to
the other instead, if that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xnat_tui.errors import Conflict, NotFound, UsageError
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted, listed
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.label_pattern import LabelPattern
from xnat_tui.model.place import Place
from xnat_tui.model.workflow import Workflow
from xnat_tui.services.administration.merging import Merging
from xnat_tui.services.administration.renaming import RenamePlan, Renaming, Wish
from xnat_tui.xnat.actions.sharing import projects_of

MERGE = "merge"
_OFFER = "--merge moves the sessions to that one."
_RENAMABLE = (Kind.SUBJECT, Kind.EXPERIMENT)


@dataclass(slots=True)
class _Sorted:
    """What becomes of the wishes of one project and kind."""

    renames: list[Wish] = field(default_factory=list)
    merges: list[tuple[Wish, str, str]] = field(default_factory=list)
    """Beside each the accession ID of its new subject, and the location of that one if it is to be renamed
    first."""
    refused: list[Change] = field(default_factory=list)


class PatternRenaming:
    """Renames by pattern on one server. Plans read; only `do` writes."""

    def __init__(self, renaming: Renaming) -> None:
        self._renaming = renaming
        self._reader = renaming.reader
        self._merging = Merging(renaming.reader, renaming.patience)
        self._first: dict[str, str] = {}
        """The rename that a merged session waits for."""
        self._renamed: set[str] = set()

    def items(self, places: Iterable[Place]) -> list[Place]:
        """What is to be renamed: subjects and sessions as they are, the subjects of a project.

        Raises UsageError for other kinds, and what listing the subjects raises.
        """
        found: dict[str, Place] = {}
        for place in places:
            if place.kind is Kind.PROJECT:
                listing = self._reader.below(place, Kind.SUBJECT)
                if listing.error is not None:
                    raise listing.error
                below = [place.child(item) for item in listing.items]
            elif place.kind in _RENAMABLE:
                below = [place]
            else:
                raise UsageError(f"{place.location} cannot be renamed.", "Subjects and sessions can.")
            found.update({str(one.location): one for one in below})
        return list(found.values())

    def plan(
        self,
        places: Iterable[Place],
        pattern: LabelPattern,
        *,
        with_sessions: bool = False,
        merge: bool = False,
        dismiss: bool = False,
    ) -> RenamePlan:
        """Old → new for every label that the pattern matches; with `merge` subjects whose new label another
        one has, or gets, give it their sessions."""
        wishes, unmatched = [], 0
        for place in self.items(places):
            assert place.item is not None
            label = pattern.label(place.item.key)
            unmatched += label is None
            if label is not None and label != place.item.key:
                wishes.append(Wish(place, label))
        done = _Sorted()
        for group in _groups(wishes):
            self._sort(group, done, merge=merge)
        renames, notes = self._with_sessions(done.renames) if with_sessions else (done.renames, [])
        plan = self._renaming.plan(renames, dismiss=dismiss)
        plan.notes += notes
        plan.changes += done.refused
        self._add_merges(plan, done)
        if unmatched:
            plan.notes.append(
                f"left as they are: {counted(unmatched, 'label')} that the pattern does not match"
            )
        return plan

    def do(self, change: Change) -> str:
        """Rename, dismiss or move; raises what that raises, and Conflict for a session whose new subject was
        not renamed."""
        if change.verb != MERGE:
            note = self._renaming.do(change)
            self._renamed.add(change.location)
            return note
        first = self._first.get(change.location, "")
        if first and first not in self._renamed:
            raise Conflict("Its new subject was not renamed.", "Rename that first.")
        return self._merging.do(change)

    def _sort(self, wishes: Sequence[Wish], done: _Sorted, *, merge: bool) -> None:
        """Wishes of one project and kind: those whose label an earlier one frees come after it."""
        project, kind = wishes[0].place.up_to(Kind.PROJECT).item, wishes[0].place.kind
        assert project is not None
        taken = self._renaming.labels(project, wishes)[kind]
        moving = {_item(wish).id for wish in wishes}
        by_label: dict[str, list[Wish]] = {}
        for wish in wishes:
            by_label.setdefault(wish.label, []).append(wish)
        merging = merge and kind is Kind.SUBJECT
        offer = f" {_OFFER}" if kind is Kind.SUBJECT else ""
        alone: list[Wish] = []
        for label, same in by_label.items():
            holder = taken.get(label, "")
            stays = bool(holder) and holder not in moving
            if merging and (stays or len(same) > 1):
                rest = same if stays else same[1:]
                first = "" if stays else str(same[0].place.location)
                target = holder if stays else _item(same[0]).id
                done.merges += [(wish, target, first) for wish in rest]
                alone += [] if stays else same[:1]
            elif len(same) > 1:
                names = listed([_item(wish).key for wish in same])
                done.refused += [_refused(wish, f"{names} would all be {label}.{offer}") for wish in same]
            elif stays and offer:
                done.refused.append(_refused(same[0], f"{project.id} has another {label} already.{offer}"))
            else:
                alone += same
        done.renames += _in_order(alone)

    def _with_sessions(self, wishes: Iterable[Wish]) -> tuple[list[Wish], list[str]]:
        found: list[Wish] = []
        notes: list[str] = []
        for wish in wishes:
            more, kept = self._renaming.wishes(wish.place, wish.label, with_sessions=True)
            found += more
            notes += kept
        return found, notes

    def _add_merges(self, plan: RenamePlan, done: _Sorted) -> None:
        refused = {change.location for change in plan.changes if change.verb == "rename" and change.refusal}
        running: dict[str, Mapping[str, Sequence[Workflow]]] = {}
        for wish, target, first in done.merges:
            project = wish.place.up_to(Kind.PROJECT)
            if str(project.location) not in running:
                found, unknown = self._renaming.open_workflows(project)
                running[str(project.location)] = found
                plan.notes += [unknown] if unknown else []
            changes = self._merge(wish, target, running[str(project.location)])
            if first in refused:
                reason = f"{first} is not renamed to {wish.label}, so there is nothing to merge with."
                changes = [replace(change, refusal=change.refusal or reason) for change in changes]
            self._first.update({change.location: first for change in changes})
            plan.changes += changes
            name = _item(wish).key
            plan.notes.append(
                f"{name} stays, without sessions, with its own fields and files: delete it yourself"
                if changes
                else f"{name} has no session that could go to {wish.label}, and stays"
            )
        if any(change.verb == MERGE and not change.refusal for change in plan.changes):
            plan.notes += [note for note in self._renaming.anonymisation() if note not in plan.notes]

    def _merge(self, wish: Wish, target: str, running: Mapping[str, Sequence[Workflow]]) -> list[Change]:
        project = wish.place.of(Kind.PROJECT)
        assert project is not None
        changes = self._merging.plan(wish.place, target, wish.label, running)
        uri = f"/data/projects/{project.id}/subjects/{target}"
        owner = projects_of(self._reader.connection, uri).owner.project
        if owner == project.id:
            return changes
        reason = f"{wish.label} is only shared in from {owner}."
        return [replace(change, refusal=change.refusal or reason) for change in changes]


def _groups(wishes: Iterable[Wish]) -> list[list[Wish]]:
    """By project and kind: those share a space of labels."""
    found: dict[tuple[str, Kind], list[Wish]] = {}
    for wish in wishes:
        project = wish.place.of(Kind.PROJECT)
        if project is None:
            raise NotFound(f"{wish.place.location} is in no project.")
        found.setdefault((project.id, wish.place.kind), []).append(wish)
    return list(found.values())


def _in_order(wishes: Sequence[Wish]) -> list[Wish]:
    """Those that free a label before those that get it; in a circle nobody comes first."""
    waiting = {_item(wish).key: wish for wish in wishes}
    found: list[Wish] = []
    for wish in wishes:
        way: list[Wish] = []
        one: Wish | None = wish
        while one is not None and _item(one).key in waiting:
            way.append(waiting.pop(_item(one).key))
            one = waiting.get(one.label)
        found += reversed(way)
    return found


def _item(wish: Wish) -> Item:
    item = wish.place.item
    assert item is not None, "only items have labels"
    return item


def _refused(wish: Wish, reason: str) -> Change:
    before, after = {"label": _item(wish).key}, {"label": wish.label}
    return Change(str(wish.place.location), "rename", before, after, refusal=reason)
