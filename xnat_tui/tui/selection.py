"""What an action is about: the marks or the row under the cursor, and what a panel takes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place

Taken = tuple[Any, ...] | None
"""What a panel is made with; None where the cursor stands on nothing of the kind."""

_SHAREABLE = (Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR)
_DELETABLE = (
    *(Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION),
    *(Kind.RESOURCE, Kind.FILE),
)
_IMAGING = (
    *(Kind.EXPERIMENT, Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION),
    *(Kind.RESOURCE, Kind.FILE),
)


class Selection(Protocol):
    """Where the cursor stands and what is marked, in the active pane."""

    @property
    def marks(self) -> int:
        """How many rows are marked."""

    @property
    def pointed(self) -> bool:
        """Whether there is a row under the cursor: only where there is none, a pane's root is meant."""

    @property
    def unread(self) -> bool:
        """Whether the cursor stands on a heading, and what is below it was not asked for yet."""

    @property
    def root(self) -> Place | None:
        """What the pane shows."""

    @property
    def sides(self) -> tuple[Place | None, Place | None]:
        """What is under the cursor, in the source and in the destination; one of them while browsing."""

    @property
    def here(self) -> Place | None:
        """What is under the cursor on the pane's side."""

    @property
    def elsewhere(self) -> Place | None:
        """What the other pane shows."""

    def chosen(self) -> list[Place]:
        """What is marked on the pane's side, or the row under the cursor; headings mean what stands below."""


def nothing(_: Selection) -> Taken:
    """For panels that are about no place."""
    return ()


def place(selection: Selection) -> Taken:
    """What is under the cursor, else what the pane shows, be it a server."""
    found = selection.here or selection.root
    return (found,) if found is not None else None


def item(selection: Selection) -> Taken:
    found = _one(selection)
    return (found,) if found is not None and found.items else None


def project(selection: Selection) -> Taken:
    found = selection.here or selection.root
    return (found.up_to(Kind.PROJECT),) if found is not None and found.items else None


def project_or_site(selection: Selection) -> Taken:
    found = selection.here or selection.root
    return (found.up_to(Kind.PROJECT),) if found is not None else None


def project_or_site_of_both(selection: Selection) -> Taken:
    """The project or server here, and that of the other pane, if any is open there."""
    found, other = selection.here or selection.root, selection.elsewhere
    if found is None:
        return None
    return (found.up_to(Kind.PROJECT), other.up_to(Kind.PROJECT) if other is not None else None)


def worked_on(selection: Selection) -> Taken:
    """The item that XNAT keeps workflows of: scans and files have none of their own."""
    found = _one(selection)
    if found is None or not found.items:
        return None
    kinds = [one.kind for one in found.items]
    for kind in (Kind.ASSESSOR, Kind.EXPERIMENT, Kind.SUBJECT):
        if kind in kinds:
            return (found.up_to(kind),)
    return (found.up_to(Kind.PROJECT),)


def renamable(selection: Selection) -> Taken:
    """Subjects and sessions that are marked or under the cursor, or a project, whose subjects are meant."""
    found = _chosen(selection)
    kinds = {one.kind for one in found}
    alone = len(found) == 1 and kinds == {Kind.PROJECT}
    return (found,) if found and (alone or kinds <= {Kind.SUBJECT, Kind.EXPERIMENT}) else None


def items(selection: Selection) -> Taken:
    """What is marked or under the cursor, else what the pane shows."""
    found = [one for one in _chosen(selection) if one.items]
    return (found,) if found else None


def shareable(selection: Selection) -> Taken:
    found = [one for one in _chosen(selection) if one.kind in _SHAREABLE]
    return (found,) if found else None


def deletable(selection: Selection) -> Taken:
    """What is marked or under the cursor, if all of it can go: never what the pane shows."""
    found = selection.chosen() if selection.marks or selection.pointed else []
    return (found,) if found and all(one.kind in _DELETABLE for one in found) else None


def images(selection: Selection) -> Taken:
    found = selection.here
    return (found,) if found is not None and found.kind in _IMAGING else None


def images_of_both(selection: Selection) -> Taken:
    """While comparing, of both sides."""
    found = selection.sides
    return found if any(one is not None and one.kind in _IMAGING for one in found) else None


def why_nothing(selection: Selection, on: Callable[[Selection], Taken]) -> str:
    """Why a panel has nothing to be about, whatever kind it wants; "" where that is not why."""
    if on not in (*_ABOUT_ONE, *_ABOUT_ALL) or not (selection.marks or selection.pointed):
        return ""
    chosen = selection.chosen()
    if on in _ABOUT_ONE and selection.marks and len(chosen) > 1:
        return f"it is about one item, and {len(chosen)} are marked (esc unmarks)"
    if chosen:
        return ""
    if selection.marks:
        return "nothing of what is marked is on this side"
    if selection.unread:
        return "what stands below this heading is not read yet: open it first"
    if selection.here is not None:
        return "nothing stands below this heading"
    return "no item of this side is under the cursor"


_ABOUT_ONE = (item, worked_on)
_ABOUT_ALL = (items, shareable, deletable, renamable)


def _one(selection: Selection) -> Place | None:
    """The one that is marked, or what is under the cursor: a heading means what it stands below."""
    if selection.marks:
        chosen = selection.chosen()
        return chosen[0] if len(chosen) == 1 else None
    return selection.here if selection.pointed else selection.root


def _chosen(selection: Selection) -> list[Place]:
    """Nothing chosen is never everything: the root is meant only where no row could be."""
    if selection.marks or selection.pointed:
        return selection.chosen()
    return [selection.root] if selection.root is not None else []
