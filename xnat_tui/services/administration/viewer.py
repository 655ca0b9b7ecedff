"""What the OHIF viewer knows of sessions, made anew: one after the other, since each takes minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.location import Location
from xnat_tui.model.place import Place
from xnat_tui.services.reading.prefetch import read_project
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.actions import viewer


class ViewerMetadata:
    """Rebuilding the viewer's metadata on one server."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._planned: dict[str, tuple[str, str]] = {}

    def check(self) -> None:
        """Raises NotFound where the server has no OHIF viewer plugin; where it will not say, nothing."""
        if viewer.installed(self.reader.connection) is False:
            name = self.reader.connection.server.name
            raise NotFound(
                f"{name} has no OHIF viewer plugin ({viewer.PLUGIN}).",
                "Its administrator can install it; XNAT itself needs no such metadata.",
            )

    def plan_rebuild(self, places: Sequence[Place]) -> list[Change]:
        """One row per imaging session at or below these places, each once.

        What is shared in is refused: the viewer keeps its metadata with the project that owns a session.
        Raises NotFound without the plugin, and what listing raises.
        """
        self.check()
        changes: dict[str, Change] = {}
        for place in places:
            for session in self._sessions(place):
                item, project = session.item, session.of(Kind.PROJECT)
                assert item is not None
                assert project is not None
                self._planned[str(session.location)] = project.id, item.id
                refusal = _refusal(item)
                if refusal and session != place:
                    continue
                location = str(session.location)
                changes.setdefault(location, Change(location, "rebuild", refusal=refusal, project=project.id))
        return list(changes.values())

    def do(self, change: Change) -> str:
        """Rebuild one session's metadata. Raises Forbidden, NotFound, Unclear after fifteen minutes."""
        project, session = self._planned[change.location]
        viewer.rebuild(self.reader.connection, project, session)
        self.reader.changed(Location.parse(change.location), What.FILES)
        return ""

    def _sessions(self, place: Place) -> Iterator[Place]:
        if place.kind is Kind.EXPERIMENT:
            yield place
        elif place.kind in (Kind.PROJECT, Kind.SUBJECT):
            if place.kind is Kind.PROJECT:
                with ThreadPoolExecutor(2, "viewer") as pool:
                    read_project(self.reader, place, pool, sessions_below=False)
            kind = Kind.SUBJECT if place.kind is Kind.PROJECT else Kind.EXPERIMENT
            listing = self.reader.below(place, kind)
            if listing.error is not None:
                raise listing.error
            for item in listing.items:
                yield from self._sessions(place.child(item))
        else:
            raise UsageError(
                f"{place.location} has no viewer metadata of its own.", "Name a project, subject or session."
            )


def _refusal(item: Item) -> str:
    if item.shared_from is not None:
        return f"It is shared in: rebuild it in {item.shared_from or 'its own project'}."
    if not item.type.endswith("SessionData"):
        return f"A {item.type or 'session of this type'} has no images to view."
    return ""
