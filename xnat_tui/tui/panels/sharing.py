"""Where items are shared, under which labels; sharing them, ending that, giving them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from xnat_tui.errors import NotFound
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.entities import Item, Kind
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import Shared, label_refusal
from xnat_tui.services.administration.sharing.shares import Sharing, Wish
from xnat_tui.services.reading.reader import Reader
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ask_server, refuses_writing
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.xnat.http.access import READ_AT_MOST

_COLUMNS = (
    Column("item", 17),
    Column("project", 14),
    Column("label there", 16),
    Column("your access", 18),
)


@dataclass(frozen=True, slots=True)
class Share:
    """One item in one project, the owner's own included."""

    place: Place
    shared: Shared
    owner: str

    @property
    def owned(self) -> bool:
        return self.shared.project == self.owner


class SharingPanel(RowsPanel[Share]):
    """A row per item and project, its owner first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Share into…", tooltip="A project of this server, under its own label"),
        Binding("A", "add_as", "Share as…", tooltip="Under another label, or with what stands below it"),
        Binding("e", "relabel", "Relabel…"),
        Binding("u", "unshare", "Unshare…"),
        Binding("t", "table", "Table…"),
        Binding("T", "give_away", "Give away…"),
        Binding("s,q", "leave", show=False),
    ]
    writes = frozenset({"add", "add_as", "relabel", "unshare", "table", "give_away"})
    heeds = frozenset({What.ITEMS})
    empty = "Nothing is shared."

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = list(places)
        self._server = places[0].server
        what = str(places[0].location) if len(places) == 1 else f"{len(places)} items"
        super().__init__(f"Sharing · {what}", _COLUMNS)
        self._service: Sharing | None = None
        self._access: Mapping[str, str] | None = None
        self._projects: list[Item] = []

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._server)

    def shown_places(self) -> Sequence[Place]:
        return self._places

    # rows

    def read(self) -> list[Share]:
        service = self._service = self.context.workspace.sharing(self._server)
        self._access = service.access()
        listing = service.reader.below(Place(self._server), Kind.PROJECT)
        if listing.error is not None:
            raise listing.error
        self._projects = list(listing.items)
        found = []
        for place in self._places:
            projects = service.projects_of(place)
            found += [Share(place, one, projects.owner.project) for one in (projects.owner, *projects.shares)]
        return found

    def key_of(self, row: Share) -> str:
        return f"{row.place.location}\n{row.shared.project}"

    def cells(self, row: Share) -> Sequence[str]:
        name = row.place.item.key if row.place.item is not None else ""
        if self._access is None:
            access = "not told"
        else:
            access = self._access.get(row.shared.project, "not visible to you")
        return (name, row.shared.project, row.shared.label, access)

    def sign(self, row: Share) -> str:
        return ">" if row.owned else " "

    def about(self, row: Share) -> str:
        title = f" ({row.shared.name})" if row.shared.name and row.shared.name != row.shared.project else ""
        word = "owns" if row.owned else "only sees"
        lines = [f"{row.shared.project}{title} {word} {row.place.location}."]
        lines.append("Sharing moves no files: the other project shows the same item.")
        return "\n".join(lines)

    # writing

    @property
    def _refused(self) -> bool:
        return refuses_writing(self) or self._service is None

    def action_add(self) -> None:
        self._ask_project(lambda project: self._share(project, "", ""))

    def action_add_as(self) -> None:
        self._ask_project(self._ask_label)

    def _ask_project(self, go_on: Callable[[str], None]) -> None:
        if self._refused:
            return

        def chosen(project: str | None) -> None:
            if project:
                go_on(project)

        owners = {row.owner for row in self.rows}
        self.app.push_screen(AskChoice("Share into", self._targets(owners)), chosen)

    def _targets(self, owners: set[str]) -> list[Choice]:
        """Projects of this server but those that own an item; those dimmed that cannot take the items."""
        access = self._access or {}
        choices = []
        for one in (project for project in self._projects if project.id not in owners):
            refusal = _refuse_target(one.id, access)
            told = f"not now: {refusal}" if refusal else access.get(one.id, "")
            choices.append(Choice(one.id, one.id, told, refusal))
        return choices

    def _ask_label(self, project: str) -> None:
        if len(self._places) > 1:
            self._ask_below(project, "")
            return
        item = self._places[0].item
        own = item.key if item is not None else ""

        def named(label: str | None) -> None:
            if label is not None:
                self._ask_below(project, "" if label in ("", own) else label)

        question = f"Label in {project}:"
        panel = AskText("Share", question, value=own, problem=lambda text: _refuse(text, own), done="Go on")
        self.app.push_screen(panel, named)

    def _ask_below(self, project: str, label: str) -> None:
        """A subject or session can bring what stands below it along."""
        kinds = {place.kind for place in self._places}
        choices = [
            Choice("", "this alone", "with the subject and session above it, where these are not there")
        ]
        if Kind.SUBJECT in kinds:
            choices += [
                Choice("sessions", "with its sessions"),
                Choice("assessors", "with its sessions and their assessors"),
            ]
        elif Kind.EXPERIMENT in kinds:
            choices.append(Choice("assessors", "with its assessors"))
        if len(choices) == 1:
            self._share(project, label, "")
            return

        def chosen(below: str | None) -> None:
            if below is not None:
                self._share(project, label, below)

        self.app.push_screen(AskChoice(f"Share into {project}", choices), chosen)

    def _share(self, project: str, label: str, below: str) -> None:
        def plan(service: Sharing) -> list[Change]:
            wishes = [Wish(place, project, label) for place in self._places]
            if below:
                found = [one for place in self._places for one in _below(service.reader, place, below)]
                wishes += [Wish(place, project) for place in found]
            return service.plan_share(wishes)

        self._plan(f"share into {project}", plan)

    def action_relabel(self) -> None:
        row = self.current
        if self._refused or row is None:
            return
        if row.owned:
            self.complain("! Its owner's label is changed by renaming it: M on the main screen.")
            return

        def named(label: str | None) -> None:
            if label and label != row.shared.label:
                wish = Wish(row.place, row.shared.project, label)
                self._plan(f"relabel in {row.shared.project}", lambda service: service.plan_share([wish]))

        question = f"Label in {row.shared.project}:"
        panel = AskText("Relabel", question, value=row.shared.label, problem=label_refusal, done="Review")
        self.app.push_screen(panel, named)

    def action_unshare(self) -> None:
        chosen = self.chosen()
        if self._refused or not chosen:
            return
        projects = {row.shared.project for row in chosen}
        if any(row.owned for row in chosen):
            self.complain("! The owner cannot be taken away: that would delete the item.")
        elif len(projects) > 1:
            self.complain("! One project at a time: mark rows of one project.")
        else:
            (project,) = projects
            places = [row.place for row in chosen]
            self._plan(f"unshare from {project}", lambda service: service.plan_unshare(places, project))

    def action_give_away(self) -> None:
        row = self.current
        if self._refused or row is None:
            return
        if row.place.kind is Kind.ASSESSOR:
            self.complain("! An assessor goes with its session.")
            return

        def chosen(project: str | None) -> None:
            if project:
                place = row.place
                self._plan(f"give away to {project}", lambda service: service.plan_transfer(place, project))

        self.app.push_screen(
            AskChoice(f"New owner of {row.place.location.name}", self._targets({row.owner})), chosen
        )

    def action_table(self) -> None:
        """Many at once, from a CSV table of any items of this server."""
        if self._refused:
            return

        def given(name: str | None) -> None:
            if name:
                self._plan(
                    f"share by {Path(name).name}", lambda service: _from_table(service, self._server, name)
                )

        question = "CSV with subject, source, destination, and perhaps session, label:"
        self.app.push_screen(AskPath("Share by table", question, done="Review"), given)

    def _plan(self, title: str, make: Callable[[Sharing], list[Change]]) -> None:
        service = self._service
        assert service is not None, "refused without one"

        def review(changes: list[Change]) -> None:
            if not changes:
                self.complain("That is so already.")
                return
            self.app.push_screen(ChangesPanel(title, changes, service.do, server=self._server))

        ask_server(self, "plan", lambda: make(service), review)


def _refuse(label: str, own: str) -> str:
    """Its own label may be an old one that XNAT would not accept anew."""
    return "" if label in ("", own) else label_refusal(label)


def _refuse_target(project: str, access: Mapping[str, str]) -> str:
    rights = access.get(project, "")
    return f"You may not edit it ({rights})." if rights in READ_AT_MOST else ""


def _below(reader: Reader, place: Place, depth: str) -> list[Place]:
    """The sessions of a subject, and with `assessors` also those of each session."""
    if place.kind is Kind.SUBJECT:
        sessions = _children(reader, place, Kind.EXPERIMENT)
        if depth == "sessions":
            return sessions
        return [one for session in sessions for one in (session, *_children(reader, session, Kind.ASSESSOR))]
    return _children(reader, place, Kind.ASSESSOR) if place.kind is Kind.EXPERIMENT else []


def _children(reader: Reader, place: Place, kind: Kind) -> list[Place]:
    listing = reader.below(place, kind)
    if listing.error is not None:
        raise listing.error
    return [place.child(item) for item in listing.items]


def _from_table(service: Sharing, server: str, name: str) -> list[Change]:
    from xnat_tui.services import tables
    from xnat_tui.services.administration.sharing.shares import TABLE_OPTIONAL, TABLE_REQUIRED

    path = Path(name).expanduser()
    if not path.is_file():
        raise NotFound(f"{path} is no file.")
    key = ("subject", "source", "destination", "session")
    table = tables.read(path, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=key)
    return service.plan_table(Place(server), table)
