"""The anonymisation scripts of both panes' projects or sites beside each other; replaced and switched."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import clean, clean_lines, counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.administration.anonymisation import Anonymisation, beside, script_in
from xnat_tui.tui.panels.ask import AskText
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ReadingPanel, ask_rights, project_of, refuses_writing
from xnat_tui.xnat.actions.anonymisation import Script


@dataclass(frozen=True, slots=True)
class _Side:
    """One script, or why it could not be read."""

    place: Place
    service: Anonymisation | None = None
    script: Script | None = None
    error: XnatTuiError | None = None

    @property
    def words(self) -> str:
        if self.script is None:
            return f"{self.place.location}: {self.error.message if self.error is not None else 'not read'}"
        text = self.script.text
        shown = counted(len(text.splitlines()), "line") if text else "none, or not shown by the server"
        return f"{self.place.location}: {'in force' if self.script.enabled else 'not in force'}, {shown}"


class AnonymisationPanel(ReadingPanel[None]):
    """What is written here is written to the place of the pane that it was opened from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "switch", "Switch on/off…"),
        Binding("f", "file", "From a file…"),
        Binding("t", "take", "Take the other's…"),
        Binding("o", "scope", "Project/site"),
        Binding("r", "reload", "Reload"),
        Binding("j", "row(1)", show=False),
        Binding("k", "row(-1)", show=False),
        Binding("A,q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    AnonymisationPanel > .panel--box { width: 100; }
    AnonymisationPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                                    text-wrap: nowrap; scrollbar-size-vertical: 1; }
    AnonymisationPanel #about { height: auto; }
    """
    tall = True
    writes = frozenset({"switch", "file", "take"})
    heeds = frozenset({What.SETTINGS})

    def __init__(self, here: Place, other: Place | None) -> None:
        super().__init__(f"Anonymisation · {here.location}")
        self._opened = (here, other)
        self._places = self._opened
        self._here: _Side | None = None
        self._other: _Side | None = None

    @property
    def refusal(self) -> str:
        here = self._places[0]
        return self.context.rights.refusal(here.server, project_of(here))

    def shown_places(self) -> Sequence[Place]:
        return [place for place in self._places if place is not None]

    def body(self) -> list[Widget]:
        return [Static("Reading …", id="about", markup=False), OptionList(compact=True, markup=False)]

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).focus()
        here = self._places[0]
        ask_rights(self, here.server, project_of(here))
        self.action_reload()

    # reading and showing

    def written(self) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        here, other = self._places
        same = other is None or other.location == here.location

        def read() -> tuple[_Side, _Side | None]:
            return self._read_side(here), None if same or other is None else self._read_side(other)

        self.read("scripts", read, self._take)

    def _read_side(self, place: Place) -> _Side:
        try:
            service = self.context.workspace.anonymisation(place)
            return _Side(place, service, service.script())
        except XnatTuiError as error:
            return _Side(place, error=error)

    def _take(self, sides: tuple[_Side, _Side | None]) -> None:
        self._here, self._other = here, other = sides
        lines = [here.words]
        if other is not None:
            lines += [other.words, *self._compared(here, other)]
        self.query_one("#about", Static).update(clean_lines("\n".join(lines)))
        texts = [side.script.text or "" if side and side.script else "" for side in sides]
        rows = beside(*texts) if other is not None else beside(texts[0], texts[0])
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options([Option(f"{row.sign} {clean(row.text)}") for row in rows])
        self.retitle(f"Anonymisation · {here.place.location}")
        self.show_keys()

    @staticmethod
    def _compared(here: _Side, other: _Side) -> list[str]:
        if here.script is None or other.script is None or not (here.script.text and other.script.text):
            return []
        if here.script.text == other.script.text:
            return ["The two texts are the same."]
        return [f"< is only in {here.place.location}, > only in {other.place.location}"]

    def action_row(self, step: int) -> None:
        """j and k, as in the trees."""
        rows = self.query_one(OptionList)
        move = rows.action_cursor_down if step > 0 else rows.action_cursor_up
        move()

    def action_scope(self) -> None:
        """The scripts of the two sites, or again those of the projects."""
        if self._places[0].kind is Kind.SERVER:
            self._places = self._opened
        else:
            here, other = self._opened
            self._places = (Place(here.server), Place(other.server) if other is not None else None)
        self.action_reload()

    # writing

    def action_switch(self) -> None:
        """Put the script here in force, or out of it."""
        here = self._here
        if refuses_writing(self) or here is None or here.script is None:
            return
        enabled = not here.script.enabled
        word = "enable" if enabled else "disable"
        self._plan(lambda service: service.plan_enabled(enabled), word)

    def action_file(self) -> None:
        if refuses_writing(self) or self._here is None:
            return

        def given(name: str | None) -> None:
            if name:
                path = Path(name)
                self._plan(lambda service: service.plan_set(script_in(path)), "set", str(path.expanduser()))

        self.app.push_screen(AskText("Script from a file", "DicomEdit script:", done="Review"), given)

    def action_take(self) -> None:
        """Set what the other pane's place has."""
        other = self._other.script if self._other is not None else None
        if refuses_writing(self):
            return
        if other is None or not other.text:
            self.complain("No script of another place is shown here.")
            return
        text = other.text
        self._plan(lambda service: service.plan_set(text))

    def _plan(self, make: Callable[[Anonymisation], list[Change]], *words: str) -> None:
        service = self._here.service if self._here is not None else None
        if service is None:
            self.complain("The script here could not be read, so nothing is written.")
            return
        where = str(service.place.location)
        verb, *rest = words or ("",)
        command = shlex.join(["xnat-tui", "anon", verb, where, *rest]) if verb else ""

        def review(changes: list[Change]) -> None:
            self.complain("" if changes else "That is so already.")
            if changes:
                title, server = f"script of {where}", service.place.server
                self.app.push_screen(ChangesPanel(title, changes, service.do, server=server, command=command))

        self.read("plan", lambda: make(service), review)
