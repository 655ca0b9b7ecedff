"""Places that are kept by name in the configuration."""

from __future__ import annotations

from xnat_tui import config
from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice


class Bookmarks:
    def __init__(self, context: Context, panes: Panes, places: Places) -> None:
        self._context = context
        self._panes = panes
        self._places = places

    def open(self) -> None:
        """Open one in the active pane."""
        saved = self._context.workspace.settings.bookmarks
        if not saved:
            self._context.say("No bookmark is saved yet; B saves one.")
            return

        def chosen(name: str | None) -> None:
            if name:
                self._places.open_text(self._panes.active, saved[name])

        choices = [Choice(name, name, location) for name, location in saved.items()]
        self._context.ask(AskChoice("Bookmarks", choices), chosen)

    def add(self) -> None:
        """Keep the cursor's place."""
        place = self._panes.here
        if place is None:
            self._context.say("That is not on this side.")
            return
        location = str(place.location)

        def named(name: str | None) -> None:
            if name:
                try:
                    config.save_bookmark(name, location)
                    self._context.workspace.reload_settings()
                except XnatTuiError as error:
                    self._context.report(error)
                    return
                self._context.say(f"Saved bookmark {name}: {location}")

        panel = AskText("Add bookmark", f"Name for {location}:", value=place.location.name, done="Save")
        self._context.ask(panel, named)
