"""Where things arrive: addresses at the destination, by labels, and what stands there already."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xnat_tui.errors import Conflict, XnatTuiError
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.plan import NOWHERE, Lineage
from xnat_tui.services.reading.reader import Reader
from xnat_tui.services.transfers.copying.holdings import Held, Holdings, creatable

_COLLECTIONS = frozenset({Kind.SCAN, Kind.ASSESSOR, Kind.RECONSTRUCTION})


@dataclass(frozen=True, slots=True)
class Spot:
    """One place at the destination. `place` is None where nothing stands yet."""

    kind: Kind
    uri: str
    label: str
    place: Place | None = None
    needs: tuple[int, ...] = ()
    """The steps that make it, and all above it."""
    lineage: Lineage = NOWHERE

    @property
    def item(self) -> Item | None:
        return self.place.item if self.place else None

    @property
    def session(self) -> str:
        """What writes must be serialised for: the session, or what stands above one."""
        return self.uri.partition("/scans/")[0].partition("/assessors/")[0].partition("/reconstructions/")[0]

    def made_by(self, step: int) -> Spot:
        return replace(self, needs=(*self.needs, step))


class Destination:
    """Looks things up at the destination. Every method raises XnatTuiError where that cannot be read."""

    def __init__(self, reader: Reader, target: Place, new_project: str = "") -> None:
        self.reader = reader
        self.target = target
        self.holdings = Holdings(reader.connection)
        self._new_project = new_project

    def label(self, item: Item) -> str:
        """The label that an item of the source gets: its own, unless the target names another."""
        named = self.target.of(item.kind)
        if named is not None:
            return named.key
        if item.kind is Kind.PROJECT and self._new_project:
            return self._new_project
        return item.key or item.id

    def spot(self, item: Item, above: Spot | None) -> Spot:
        """Where an item of the source arrives. Raises Conflict for a label that cannot be made there."""
        label = self.label(item)
        there = self._there(item.kind, label, above)
        if there is None:
            self._check_label(item.kind, label, above)
        lineage = above.lineage if above else Lineage()
        if item.kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT):
            lineage = replace(lineage, **{str(item.kind): label})
        place = None
        if there is not None:
            parent = above.place if above and above.place else Place(self.target.server)
            place = parent.child(there)
        uri = _address(item.kind, self._segment(label, there), above)
        return Spot(item.kind, uri, label, place, above.needs if above else (), lineage)

    def showing(self, spot: Spot, held: Held) -> Spot:
        """The spot of a session that is going to be shown there: what stands at it is known already."""
        above = (
            Item(kind, label, label, uri=f"/data/{kind.plural}/{label}")
            for kind in (Kind.PROJECT, Kind.SUBJECT)
            if (label := spot.lineage.of(kind))
        )
        place = Place(self.target.server, (*above, held.item(Kind.EXPERIMENT, spot.label)))
        return replace(spot, place=place)

    def warm(self, session: Place) -> Place | None:
        """Ask for a session's document ahead of time, where it stands there already; its place there.

        What fails here is asked for again in its turn, and reported then.
        """
        project, subject, item = (session.of(kind) for kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT))
        if project is None or subject is None or item is None:
            return None
        try:
            held = self.holdings.find(self.label(project), Kind.EXPERIMENT, self.label(item))
        except XnatTuiError:
            return None
        if held is None:
            return None
        place = Place(self.target.server, (project, subject, held.item(Kind.EXPERIMENT, self.label(item))))
        self.reader.below(place, Kind.SCAN)
        return place

    def _segment(self, label: str, there: Item | None) -> str:
        """Labels with characters that are sent encoded are not found again: those go by their ID."""
        if there is not None and not creatable(label) and there.kind is not Kind.SCAN:
            return there.id or label
        return label

    def _there(self, kind: Kind, label: str, above: Spot | None) -> Item | None:
        named = self.target.of(kind)
        if named is not None:
            return named
        if kind is Kind.PROJECT:
            return self._find(Place(self.target.server), kind, label)
        if above is None or above.place is None:
            return None
        if kind is Kind.SUBJECT:
            return self._held(kind, label, above)
        if kind is Kind.EXPERIMENT:
            return self._experiment(label, above)
        return self._find(above.place, kind, label)

    def _held(self, kind: Kind, label: str, above: Spot) -> Item | None:
        held = self.holdings.find(above.lineage.project, kind, label)
        return held.item(kind, label) if held else None

    def _experiment(self, label: str, above: Spot) -> Item | None:
        held = self.holdings.find(above.lineage.project, Kind.EXPERIMENT, label)
        if held is None:
            return None
        subject = above.item
        if held.subject and subject is not None and held.subject != subject.id:
            raise Conflict(
                f"{label} stands there already, below another subject.", "Rename one of them first."
            )
        return held.item(Kind.EXPERIMENT, label)

    def _find(self, place: Place, kind: Kind, label: str) -> Item | None:
        listing = self.reader.below(place, kind)
        if listing.error is not None:
            raise listing.error
        return next((item for item in listing.items if label in (item.key, item.id) and label), None)

    def _check_label(self, kind: Kind, label: str, above: Spot | None) -> None:
        if kind in (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR) and not creatable(label):
            raise Conflict(
                f"XNAT accepts only letters, digits, - and _ in a new {kind}'s label.",
                "Rename it at the source, or create it at the destination by other means.",
            )
        if kind in _COLLECTIONS and (not label or any(char in label for char in "/,%#?;\\")):
            raise Conflict(f"This {kind}'s ID cannot be part of an address, so it cannot be created.")
        if kind in (Kind.SUBJECT, Kind.EXPERIMENT) and above is not None:
            self._check_taken(kind, label, above)

    def _check_taken(self, kind: Kind, label: str, above: Spot) -> None:
        project = above.lineage.project
        if above.place is None and kind is Kind.SUBJECT:
            return  # the project is new, and so is everything in it
        if kind is Kind.EXPERIMENT and self.holdings.find(project, kind, label) is not None:
            raise Conflict(
                f"{label} stands there already, below another subject.", "Rename one of them first."
            )
        alike = [one for one in self.holdings.labels(project, kind) if one.casefold() == label.casefold()]
        if alike:
            raise Conflict(
                f"{alike[0]} stands there already and differs only in case; XNAT may take them for one.",
                "Rename one of them first.",
            )


def _address(kind: Kind, segment: str, above: Spot | None) -> str:
    base = above.uri if above else "/data"
    return f"{base}/{kind.plural}/{segment}"


__all__ = ["Destination", "Held", "Spot"]
