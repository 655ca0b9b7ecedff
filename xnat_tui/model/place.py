"""A place that was looked up: a server, and the items that lead to it."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location, Step, relative_path


@dataclass(frozen=True, slots=True)
class Place:
    """An item with all that stands above it, project first; no items is the server itself."""

    server: str
    items: tuple[Item, ...] = ()

    @property
    def item(self) -> Item | None:
        """The last item; None for a server."""
        return self.items[-1] if self.items else None

    @property
    def kind(self) -> Kind:
        return self.items[-1].kind if self.items else Kind.SERVER

    @property
    def parent(self) -> Place:
        """One item less; a server is its own."""
        return Place(self.server, self.items[:-1])

    def child(self, item: Item) -> Place:
        return Place(self.server, (*self.items, item))

    def of(self, kind: Kind) -> Item | None:
        """The item of a kind on the way here, the last one included."""
        return next((item for item in self.items if item.kind is kind), None)

    def up_to(self, kind: Kind) -> Place:
        """The same way, ended at an item of this kind."""
        kinds = [item.kind for item in self.items]
        return Place(self.server, self.items[: kinds.index(kind) + 1]) if kind in kinds else self

    @property
    def location(self) -> Location:
        """The same by names, as `step_of` gives them."""
        return Location(self.server, tuple(step_of(item) for item in self.items))

    def path_below(self, other: Place) -> str:
        """XNAT's own words from `other` down to here: `experiments/E/scans/3`."""
        return relative_path(step_of(item) for item in self.items[len(other.items) :])


def step_of(item: Item) -> Step:
    """A resource without a label, or with one that another has too, is named by its number, as XNAT
    addresses it. Two scans of one ID have no other name."""
    named = item.id if item.kind is Kind.RESOURCE and item.twin else item.key
    return Step(item.kind, named or item.id, side=item.side)
