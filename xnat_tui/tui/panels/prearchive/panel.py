"""The prearchive: what has arrived and waits, of one project or of all that the user may see."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.clock import Clock, short_age
from xnat_tui.model.display import counted, short_size
from xnat_tui.model.entities import Kind
from xnat_tui.model.location import Step
from xnat_tui.model.place import Place
from xnat_tui.model.prearchive import ORDERS, UNASSIGNED, Received, Selection, ordered
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ask_rights, project_of, refuses_writing
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel

if TYPE_CHECKING:
    from xnat_tui.services.administration.prearchive.contents import Figures
    from xnat_tui.services.administration.prearchive.sessions import Prearchive
    from xnat_tui.tui.panels.prearchive.archive_form import Archiving

LOOK_AGAIN_SECONDS = 10.0
"""How often the list is read while the server works on one of its sessions."""
_AGE = re.compile(r"([<>])(\d+)([hd])")
_STATUS_TELLS = {
    "READY": "It waits to be archived.",
    "CONFLICT": "Something in the archive stands against it: enter shows what differs.",
    "ERROR": "It could not be built or archived: enter shows its log.",
    "RECEIVING": "Files are still arriving.",
}


class PrearchivePanel(RowsPanel[Received]):
    """Of a place's project, or of its whole server."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "Details"),
        Binding("a", "archive", "Archive, relabel…", tooltip="Archive, under other labels if wanted…"),
        Binding("m", "move", "Move…"),
        Binding("b", "rebuild", "Rebuild"),
        Binding("d", "delete", "Delete…"),
        Binding("o", "scope", "Project/all"),
        Binding("comma", "sort", "Sort…"),
    ]
    writes = frozenset({"archive", "move", "rebuild", "delete"})
    heeds = frozenset({What.PREARCHIVE})
    empty = "Nothing waits in the prearchive."

    def __init__(self, place: Place) -> None:
        project = project_of(place)
        super().__init__("Prearchive", _columns(not project))
        self._place = place.up_to(Kind.PROJECT)
        self._server = place.server
        self._project = project
        self._whole = not project
        self._figures: dict[str, Figures | XnatTuiError] = {}
        self._asking = ""
        self._told: dict[str, str] = {}
        self._order = ""
        self._working = False
        self._ticking = False
        self._clock = Clock()

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._server, "" if self._whole else self._project)

    def on_mount(self) -> None:
        super().on_mount()
        ask_rights(self, self._server, self._project)

    def shown_places(self) -> Sequence[Place]:
        return [Place(self._server) if self._whole else self._place]

    # rows

    def read(self) -> list[Received]:
        step = () if self._whole else (Step(Kind.PROJECT, self._project),)
        service = self._service()
        self._clock = service.clock
        return self._in_order(service.sessions(Selection(step)))

    def _in_order(self, rows: Sequence[Received]) -> list[Received]:
        """As the user wants them; in the server's order as long as nothing else was asked for."""
        held = self._figures.items()
        sizes = {url: None if isinstance(one, XnatTuiError) else one.bytes for url, one in held}
        return ordered(rows, self._order, sizes) if self._order else [*rows]

    def _service(self) -> Prearchive:
        return self.context.workspace.prearchive(self._server)

    def key_of(self, row: Received) -> str:
        return row.url

    def sign(self, row: Received) -> str:
        if row.status in ("CONFLICT", "ERROR"):
            return "!"
        return " " if row.settled else ">"

    def cells(self, row: Received) -> Sequence[str]:
        held = self._figures.get(row.url)
        dash = self.context.glyphs.dash
        scans, size = ("?", "?") if isinstance(held, XnatTuiError) else ("", "")
        if held is not None and not isinstance(held, XnatTuiError):
            scans, size = str(held.scans), short_size(held.bytes) or "?"
        arrived = row.arrived(self._clock)
        where = [row.project or UNASSIGNED] if self._whole else []
        return [
            row.status,
            *where,
            row.subject or dash,
            row.name or dash,
            scans,
            size,
            f"{arrived:%m-%d %H:%M}" if arrived is not None else "",
            short_age(self._clock.age(arrived)) if arrived is not None else "",
        ]

    def matches(self, row: Received, word: str) -> bool:
        """`>7d` and `<12h` mean the age; everything else is looked for in the row."""
        found = _AGE.fullmatch(word)
        if found is None:
            return super().matches(row, word)
        arrived = row.arrived(self._clock)
        if arrived is None:
            return False
        limit = timedelta(**{"hours" if found[3] == "h" else "days": int(found[2])})
        age = self._clock.age(arrived)
        return age > limit if found[1] == ">" else age < limit

    def about(self, row: Received) -> str:
        lines = [row.location(self._server)]
        arrived = row.arrived(self._clock)
        when = f", arrived {arrived:%Y-%m-%d %H:%M}" if arrived is not None else ""
        if arrived is not None and self._clock.age(arrived) < timedelta(0):
            when += " by the server's clock, which is ahead (timezone in config.toml names its zone)"
        held, files = self._figures.get(row.url), ""
        if isinstance(held, XnatTuiError):
            lines.append(f"! {held.message}")
        elif held is not None and held.files is not None:
            files = f", {counted(held.files, 'file')}"
        working = "" if row.settled else "The server works on it. "
        told = self._told.get(row.url) or working + _STATUS_TELLS.get(row.status, "")
        return "\n".join([*lines, f"{row.status}{when}{files}", told])

    # what the rows say more than the list does

    def rows_changed(self) -> None:
        found = counted(len(self.rows), "session")
        scope = "all projects" if self._whole else self._project
        user = self.context.workspace.connection(self._server).user
        self.retitle(f"Prearchive · {self._server} {scope} · {found} seen by {user}")
        self._ask_figures()
        if not self._ticking and (self._working or any(not row.settled for row in self.rows)):
            self._ticking = True
            self.set_timer(LOOK_AGAIN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._ticking = False
        self.action_reload()

    def cursor_moved(self) -> None:
        self._ask_figures()

    def _ask_figures(self) -> None:
        """Count one session that is on screen and was not counted yet; its answer asks for the next.

        Sorted by size, all of them are counted.
        """
        listed = self.listed
        top = int(listed.scroll_y)
        wanted = self.shown[top : top + max(listed.size.height, 1)]
        if self._order == "size":
            wanted = self.rows
        row = next((one for one in wanted if one.url not in self._figures), None)
        if row is None or self._asking:
            return
        self._asking = row.url

        def ask() -> Figures:
            from xnat_tui.services.administration.prearchive.contents import figures

            return figures(self.context.workspace.connection(self._server), row)

        def take(found: Figures | XnatTuiError) -> None:
            self._asking = ""
            self._figures[row.url] = found
            if self.is_attached:
                self.show_row(row)
                self._ask_figures()
                if self._order == "size" and not self._asking:
                    self._sort()

        self.context.run(("figures", id(self)), ask, take, take)

    # what the user asks for

    def action_scope(self) -> None:
        """This project's sessions, or those of all projects."""
        if not self._project:
            self.notify("The list shows all projects already; put the cursor on one before p.")
            return
        self._whole = not self._whole
        self.columns = _columns(self._whole)
        self.show_heading()
        self.rows = []
        self.show_rows()
        self.action_reload()

    def action_sort(self) -> None:
        """By age, project, status or size."""

        def chosen(order: str | None) -> None:
            if order:
                self._order = order
                self._sort()
                self._ask_figures()

        choices = [Choice(order, order, words) for order, words in ORDERS.items()]
        self.app.push_screen(AskChoice("Sort by", choices), chosen)

    def _sort(self) -> None:
        self.rows = self._in_order(self.rows)
        self.show_rows()

    def on_option_list_option_selected(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        from xnat_tui.tui.panels.prearchive.received import ReceivedPanel

        row = self.current
        if row is not None:
            self.app.push_screen(ReceivedPanel(self._server, row, self._tell))

    def _tell(self, row: Received, text: str) -> None:
        """Keep what its details said of a session in a line."""
        self._told[row.url] = text
        self.show_row(row)

    def action_archive(self) -> None:
        from xnat_tui.tui.panels.prearchive.archive_form import ArchiveForm

        chosen = self._writable()
        if not chosen:
            return

        def answered(asked: Archiving | None) -> None:
            if asked is not None:
                self._plan(
                    f"archive {counted(len(chosen), 'session')}",
                    lambda service: _planned(service, chosen, asked),
                    self._command("archive", chosen, *asked.options),
                )

        self.app.push_screen(ArchiveForm(chosen), answered)

    def action_move(self) -> None:
        chosen = self._writable()
        if not chosen:
            return
        workspace, server = self.context.workspace, self._server

        def read() -> Sequence[Choice]:
            listing = workspace.reader(server).below(Place(server), Kind.PROJECT)
            if listing.error is not None:
                raise listing.error
            return [Choice(item.id, item.key, item.fields.get("name", "")) for item in listing.items]

        def show(projects: Sequence[Choice]) -> None:
            title = f"Move {counted(len(chosen), 'session')} to"
            self.app.push_screen(AskChoice(title, projects), moved)

        def moved(project: str | None) -> None:
            if project:
                title = f"move {counted(len(chosen), 'session')} to {project}"
                command = self._command("move", chosen, "--to", project)
                self._plan(title, lambda service: service.plan_move(chosen, project), command)

        self.context.run("choose", read, show, self.complain_of)

    def action_rebuild(self) -> None:
        chosen = self._writable()
        if chosen:
            command = self._command("rebuild", chosen)
            title = f"rebuild {counted(len(chosen), 'session')}"
            self._plan(title, lambda service: service.plan_rebuild(chosen), command)

    def action_delete(self) -> None:
        chosen = self._writable()
        if chosen:
            title = f"delete {counted(len(chosen), 'session')} from the prearchive"
            command = self._command("delete", chosen)
            self._plan(title, lambda service: service.plan_delete(chosen), command)

    def _command(self, verb: str, chosen: Sequence[Received], *options: str) -> str:
        """The same on the command line, where one command can say it."""
        if len(chosen) != 1:
            return ""
        return shlex.join(["xnat-tui", "prearchive", verb, chosen[0].location(self._server), *options])

    def _writable(self) -> list[Received]:
        """What is chosen; nothing, and the reason said, where nothing may be written."""
        chosen = self.chosen()
        if refuses_writing(self):
            return []
        if not any(row.settled for row in chosen):
            self.complain("! Only READY, CONFLICT and ERROR sessions may be worked on." if chosen else "")
            return []
        self.complain("")
        return chosen

    def _plan(self, title: str, make: Callable[[Prearchive], list[Change]], command: str) -> None:
        """Make a plan in the background, and show it."""
        service = self._service()

        def do(change: Change) -> str:
            self._working = True
            return service.do(change)

        def show(changes: list[Change]) -> None:
            if not self.is_active:
                return
            panel = ChangesPanel(
                *(title, changes, do),
                server=self._server,
                command=command,
                label=lambda change: change.location.rpartition("/")[2],
                ended=self._ended,
                interrupt=service.interrupt,
            )
            self.app.push_screen(panel, lambda _: self.action_reload() if self._working else None)

        self.context.run("plan", lambda: make(service), show, self.complain_of)

    def _ended(self, _: object) -> None:
        self._working = False
        self.marks.clear()


def _planned(service: Prearchive, chosen: Sequence[Received], asked: Archiving) -> list[Change]:
    if asked.table is None:
        return service.plan_archive(chosen, asked.labels, asked.overwrite)
    from xnat_tui.services import tables
    from xnat_tui.services.administration.prearchive.sessions import TABLE_KEY, TABLE_OPTIONAL, TABLE_REQUIRED

    table = tables.read(asked.table, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=TABLE_KEY)
    return service.plan_archive_table(chosen, table, asked.overwrite)


def _columns(whole: bool) -> list[Column]:
    project = [Column("project", 9)] if whole else []
    subject, session = (9, 11) if whole else (11, 18)
    return [
        Column("status", 9),
        *project,
        Column("subject", subject),
        Column("session", session),
        Column("scans", 5, right=True),
        Column("size", 4, right=True),
        Column("received", 11),
        Column("age", 4, right=True),
    ]
