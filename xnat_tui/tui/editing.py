"""What changes items in place, and what looks into DICOM files. Each opens its panel on a place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Location
from xnat_tui.model.options import OnExisting, TransferOptions, UploadOptions, options_or_usual
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan

if TYPE_CHECKING:
    from xnat_tui.tui.explorer.screen import MainScreen


class Editing:
    """Flows that begin at what is under the cursor or marked in the active pane."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def do_demographics(self) -> None:
        """Of the subjects at, above or below what is marked."""
        from xnat_tui.tui.panels.demographics import DemographicsPanel

        places = [place for place in self._chosen() if place.items]
        if not places:
            self._screen.say("Put the cursor on a subject, or on a project for all of its subjects.")
        else:
            pane = self._screen.active
            self._screen.app.push_screen(
                DemographicsPanel(places, lambda: self._screen.sifting.show_written(pane))
            )

    def do_sharing(self) -> None:
        from xnat_tui.tui.panels.sharing import SharingPanel, shareable

        places = shareable(self._chosen())
        if not places:
            self._screen.say("Subjects, sessions and assessors can be shared: put the cursor on one.")
            return
        pane = self._screen.active
        self._screen.app.push_screen(SharingPanel(places, lambda: self._screen.sifting.show_written(pane)))

    def do_users(self) -> None:
        """Of the cursor's project."""
        from xnat_tui.tui.panels.users import UsersPanel

        place = self._place()
        if place is None or place.of(Kind.PROJECT) is None:
            self._screen.say("Projects have users: put the cursor on one.")
            return
        self._screen.app.push_screen(UsersPanel(place.up_to(Kind.PROJECT)))

    def do_rename(self) -> None:
        """The subject or session under the cursor, or many of its project by a table."""
        from xnat_tui.tui.panels.rename import RenamePanel

        place = self._place()
        if place is None or place.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            self._screen.say("Subjects and sessions can be renamed: put the cursor on one.")
            return
        pane = self._screen.active
        self._screen.app.push_screen(RenamePanel(place, lambda: self._screen.sifting.show_written(pane)))

    def do_resources(self) -> None:
        """Of the item under the cursor; on a resource or file, opened there."""
        from xnat_tui.tui.panels.resources import ResourcesPanel

        place = self._place()
        if place is None or not place.items:
            self._screen.say("Put the cursor on a project, or on something in one.")
            return
        pane = self._screen.active
        self._screen.app.push_screen(
            ResourcesPanel(place, self._upload, lambda: self._screen.sifting.show_written(pane))
        )

    def do_header(self) -> None:
        """Of the file under the cursor, or the first one below it; of both sides while comparing."""
        from xnat_tui.tui.panels.header import HeaderPanel

        screen = self._screen
        pair, model = screen.cursor, screen.active.model
        if pair is None or model is None:
            return
        source, destination = model.place(pair), model.place(pair, right=True)
        if source is not None or destination is not None:
            screen.app.push_screen(HeaderPanel(source, destination))

    def do_image(self) -> None:
        """Slices of the scan under the cursor."""
        from xnat_tui.tui.panels.image import ImagePanel

        explorer, place = self._screen.explorer, self._place()
        if place is not None:
            few = explorer.console.color_system in (None, "standard")  # 16 colours have four greys
            colours, ascii_only = not (few or explorer.no_color), explorer.settings.ui.ascii
            panel = ImagePanel(place, explorer.graphics, colours=colours, ascii_only=ascii_only)
            explorer.push_screen(panel)

    def _chosen(self) -> list[Place]:
        """What is marked or under the cursor; else what the pane shows."""
        root = self._screen.active.root
        return self._screen.transferring.chosen() or ([root] if root is not None else [])

    def _place(self) -> Place | None:
        pane = self._screen.active
        return pane.place_of(self._screen.cursor) or pane.root

    def _upload(self, paths: Sequence[Path], where: Location, replace: bool) -> None:
        """Plan it, show the plan, and let the queue of transfers do it."""
        workspace = self._screen.explorer.workspace

        def plan(options: TransferOptions) -> Plan:
            from xnat_tui.services.transfers.uploading.planning import plan_upload

            return plan_upload(workspace, paths, where, options=options_or_usual(UploadOptions, options))

        options = UploadOptions(on_existing=OnExisting.OVERWRITE if replace else OnExisting.SKIP)
        self._screen.transferring.show_plan(plan, options, f"upload to {where}")
