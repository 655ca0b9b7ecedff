"""A project's title and settings as a form, and the same for one that is to be made."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change, Result
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import ACCESSIBILITIES
from xnat_tui.services.administration.entrance import Service
from xnat_tui.services.administration.project_settings import ACCESSIBILITY, FIELDS, PREARCHIVE, ROUTES
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ReadingPanel, ask_rights, project_of, refuses_writing

_NAMES = {
    "ID": "project ID",
    "name": "title",
    "secondary_ID": "secondary ID",
    "description": "description",
    "keywords": "keywords",
    "pi_firstname": "PI's first name",
    "pi_lastname": "PI's last name",
    ACCESSIBILITY: "accessibility",
    PREARCHIVE: "prearchive code",
}
_HINTS = {
    "ID": "letters, digits, _ and -; it stays for ever",
    ACCESSIBILITY: "public, protected or private",
    PREARCHIVE: "0, 4 or 5: see below",
}
_ROUTES = "\n".join(f"{code}: {words}" for code, words in ROUTES.items())


class ProjectPanel(ReadingPanel[None]):
    """On a project its settings; on a server, or after ctrl+n, those of a new one. Fields that are left as
    they are, or empty, are not sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,enter", "review", "Review"),
        Binding("ctrl+n", "new", "New project", priority=True),
    ]
    DEFAULT_CSS = """
    ProjectPanel .row { height: 1; }
    ProjectPanel .row Static { width: 17; color: $text-muted; }
    ProjectPanel .row Input { width: 1fr; }
    ProjectPanel #row-ID { display: none; }
    ProjectPanel.-new #row-ID { display: block; }
    ProjectPanel #about { height: auto; }
    """
    writes = frozenset({"review"})
    heeds = frozenset({What.ITEMS, What.USERS, What.SETTINGS})

    def __init__(self, place: Place) -> None:
        super().__init__(f"Project · {place.location}")
        self._place = place
        self._new = place.kind is Kind.SERVER
        self._shown: dict[str, str] = {}
        """What the fields held when they were filled: a line cannot hold all that a text may."""
        self._made = False

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._place.server, "" if self._new else project_of(self._place))

    def shown_places(self) -> Sequence[Place]:
        return [] if self._new else [self._place]

    def body(self) -> list[Widget]:
        rows = [self._row(name) for name in _NAMES]
        return [*rows, Static(_ROUTES, id="about", markup=False)]

    @staticmethod
    def _row(name: str) -> Widget:
        choices = {ACCESSIBILITY: ACCESSIBILITIES, PREARCHIVE: tuple(ROUTES)}.get(name)
        line = Input(
            id=f"field-{name}",
            compact=True,
            placeholder=_HINTS.get(name, ""),
            suggester=SuggestFromList(choices) if choices else None,
        )
        return Horizontal(Static(_NAMES[name], markup=False), line, id=f"row-{name}", classes="row")

    def on_mount(self) -> None:
        super().on_mount()
        ask_rights(self, self._place.server, project_of(self._place))
        self._begin()

    def _line(self, name: str) -> Input:
        return self.query_one(f"#field-{name}", Input)

    def _begin(self) -> None:
        self.set_class(self._new, "-new")
        self._line("ID" if self._new else "name").focus()
        self.show_keys()
        if self._new:
            self.retitle(f"New project · {self._place.server}:")
        else:
            self.written()

    def written(self) -> None:
        """Read, and show where nobody has typed: what is typed stays."""
        place = self._place

        def take(values: dict[str, str]) -> None:
            if self._new:
                return
            for name in FIELDS:
                line = self._line(name)
                if line.value == self._shown.get(name, ""):
                    line.value = values[name]
                    self._shown[name] = line.value

        self.read("project", lambda: self.context.workspace.project_settings(place).values(), take)

    def action_new(self) -> None:
        """An empty form for another project of the same server."""
        if self._new:
            return
        self._new = True
        for name in FIELDS:
            self._line(name).value = ""
        self.complain("")
        self._begin()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_review()

    def action_review(self) -> None:
        """Plan what was typed."""
        if refuses_writing(self):
            return
        given = {name: self._line(name).value for name in FIELDS}
        server, project = self._place.server, self._line("ID").value
        if self._new:
            if not project:
                self.complain("A new project needs an ID.")
                return
            values = {name: value for name, value in given.items() if value}
            where, words = f"{server}:{project}", ["create", f"{server}:{project}"]
        else:
            values = {name: value for name, value in given.items() if value != self._shown.get(name, "")}
            where, words = str(self._place.location), ["set", str(self._place.location)]
        command = ["xnat-tui", "project", *words, *(f"{name}={value}" for name, value in values.items())]
        new = self._new

        def plan() -> tuple[Service, list[Change]]:
            workspace = self.context.workspace
            if new:
                creation = workspace.project_creation(server)
                return creation, creation.plan(project, values)
            service = workspace.project_settings(self._place)
            return service, service.plan_set(values)

        self._review(plan, where, shlex.join(command))

    def _review(self, plan: Callable[[], tuple[Service, list[Change]]], where: str, command: str) -> None:
        def planned(found: tuple[Service, list[Change]]) -> None:
            service, changes = found
            self.complain("" if changes else "That is so already.")
            if not changes:
                return
            title = f"project {where}"
            panel = ChangesPanel(
                title,
                changes,
                service.do,
                server=self._place.server,
                command=command,
                label=_named,
                ended=self._ended,
            )
            self.app.push_screen(panel)

        self.read("plan", plan, planned, self.complain_of)

    def _ended(self, results: Sequence[Result]) -> None:
        self._made = self._new and bool(results) and all(result.error is None for result in results)

    def on_screen_resume(self) -> None:
        """Once it is made, nothing is left to do here."""
        if self._made:
            self.dismiss(None)


def _named(change: Change) -> str:
    return change.location if change.verb == "create" else _NAMES[next(iter(change.after))]
