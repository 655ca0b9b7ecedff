"""What an archive's staff does: prearchive, workflows, catalogs. Each opens its panel on a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place

if TYPE_CHECKING:
    from xnat_tui.tui.explorer.screen import MainScreen


class Administering:
    """Flows that begin at what is under the cursor or marked in the active pane."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def do_prearchive(self) -> None:
        """Of the cursor's project, or of the whole server."""
        from xnat_tui.tui.panels.prearchive.panel import PrearchivePanel

        place = self._place()
        if place is None:
            self._screen.say("Open a server or project in this pane first (o).")
            return
        project = place.of(Kind.PROJECT)
        screen = self._screen
        pane = screen.active
        panel = PrearchivePanel(
            place.server,
            project.id if project is not None else "",
            lambda: screen.sifting.show_written(pane),
        )
        screen.app.push_screen(panel, lambda _: None)

    def do_workflows(self) -> None:
        """Of the item under the cursor, else of the pane's project."""
        from xnat_tui.tui.panels.workflows import WorkflowsPanel

        place = self._place()
        if place is None or not place.items:
            self._screen.say("Put the cursor on a project, or on something in one.")
            return
        self._screen.app.push_screen(WorkflowsPanel(_worked_on(place)))

    def do_catalog(self) -> None:
        """Of what is marked, or under the cursor, else of the pane's place."""
        from xnat_tui.tui.panels.catalog import CatalogPanel

        screen = self._screen
        root = screen.active.root
        places = screen.transferring.chosen() or ([root] if root is not None else [])
        places = [place for place in places if place.items]
        if not places:
            screen.say("Put the cursor on a project, or on something in one.")
            return
        pane = screen.active

        def left(_: None) -> None:
            if pane.pair_tree is not None:
                pane.pair_tree.clear_marks()

        screen.app.push_screen(CatalogPanel(places, lambda: screen.sifting.show_written(pane)), left)

    def _place(self) -> Place | None:
        """What is under the cursor on this side, or else what the pane shows."""
        pane = self._screen.active
        return pane.place_of(self._screen.cursor) or pane.root


def _worked_on(place: Place) -> Place:
    """The item that XNAT keeps workflows of: scans and files have none of their own."""
    kinds = [item.kind for item in place.items]
    for kind in (Kind.ASSESSOR, Kind.EXPERIMENT, Kind.SUBJECT):
        if kind in kinds:
            return place.up_to(kind)
    return place.up_to(Kind.PROJECT)
