"""Catalog maintenance: what may be refreshed, recounted and rebuilt of some places, and its figures."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import clean, fit, short_count, short_size
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.xnat.documents.catalogs import DEFAULT_OPTIONS, OPTIONS

if TYPE_CHECKING:
    from xnat_tui.services.administration.catalog_entries import Digests
    from xnat_tui.services.reading.reader import Reader

_WIDTH = 73
_TASKS = {
    "refresh": ("Refresh", "bring catalogs in line with the disk, as ticked above"),
    "recount": ("Recount", "count files and bytes anew, and nothing else"),
    "pull-headers": ("Pull headers", "read session and scan fields from DICOM headers again"),
    "fix-scan-types": ("Fix scan types", "as the project's scans of that description have them"),
    "ohif": ("Rebuild viewer", "the OHIF viewer's data, made anew; minutes per session"),
    "clear-caches": ("Clear caches", "have the whole server forget what it has cached"),
}
_OF_SESSIONS = ("pull-headers", "fix-scan-types", "ohif")
_LARGE = (Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT)


class CatalogPanel(RowsPanel[Place]):
    """What can be done stands above, the resources below; with marks there, only those are refreshed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Toggle"),
        Binding("enter", "review", "Review plan"),
        Binding("tab", "app.focus_next", "Other list"),
        Binding("o", "scope", "Item/project"),
    ]
    DEFAULT_CSS = """
    CatalogPanel #work { height: 10; max-height: 50%; }
    CatalogPanel #about { max-height: 10%; }
    """
    focused_first = "#work"
    heeds = frozenset({What.ITEMS, What.FILES})
    empty = "No resources of its own; a project's sessions are refreshed one after the other."

    def __init__(self, places: Sequence[Place]) -> None:
        columns = [
            *(Column("resource", 44), Column("entries", 7, right=True)),
            *(Column("bytes", 5, right=True), Column("digests", 10, right=True)),
        ]
        super().__init__(_title(places), columns)
        self._asked = self._places = list(places)
        self._server = places[0].server
        self._options = set(DEFAULT_OPTIONS)
        self._digests: dict[str, Digests | XnatTuiError] = {}
        self._asking = ""
        self._refusals: dict[str, str] = {}

    def body(self) -> list[Widget]:
        return [OptionList(id="work", compact=True, markup=False), *super().body()]

    def on_mount(self) -> None:
        self._show_work()
        self.context.run(("rights", id(self)), self._ask_rights, self._take_rights, self.complain_of)

    def shown_places(self) -> Sequence[Place]:
        return self._places

    # what may be done

    def _reader(self) -> Reader:
        return self.context.workspace.reader(self._server)

    def _ask_rights(self) -> dict[str, str]:
        """Why tasks cannot be done here, by task; in a thread."""
        from xnat_tui.services.transfers.preflight import rights

        workspace = self.context.workspace
        found: dict[str, str] = {}
        try:
            workspace.viewer(self._server).check()
        except NotFound:
            found["ohif"] = "this server has no OHIF viewer plugin."
        project = self._places[0].of(Kind.PROJECT)
        if project is not None:
            for finding in rights(workspace.connection(self._server), project.id, creates=False):
                if finding.severity == "error":
                    found |= dict.fromkeys(_TASKS, finding.message)
        if workspace.catalogs(self._server).may_clear_caches() is False:
            found["clear-caches"] = "only a site administrator may."
        return found

    def _take_rights(self, refusals: dict[str, str]) -> None:
        self._refusals = refusals
        if self.is_attached:
            self._show_work()

    def _show_work(self) -> None:
        work = self.query_one("#work", OptionList)
        at = work.highlighted
        work.clear_options()
        for name, meaning in OPTIONS.items():
            tick = "x" if name in self._options else " "
            danger = "  !" if name == "delete" else ""
            work.add_option(Option(f"[{tick}] {name:<14} {meaning}{danger}", id=name))
        for task, (word, meaning) in _TASKS.items():
            refusal = self._why_not_task(task)
            text = fit(f"  > {word:<14} {clean('not now: ' + refusal if refusal else meaning)}", _WIDTH)
            work.add_option(Option(Content.styled(text, "dim") if refusal else text, id=task))
        work.highlighted = at if at is not None else len(OPTIONS)

    def _why_not_task(self, task: str) -> str:
        refusal = self._refusals.get(task, "")
        if not refusal and task in _OF_SESSIONS and not any(one.kind in _LARGE for one in self._places):
            return "mark sessions, subjects or a project for it."
        return refusal

    def action_scope(self) -> None:
        """What this was opened on, or its whole project."""
        project = self._asked[0].up_to(Kind.PROJECT)
        self._places = [project] if self._places == self._asked else self._asked
        self.marks.clear()
        self.rows = []
        self.retitle(_title(self._places))
        self._show_work()
        self.action_reload()

    # resources

    def read(self) -> list[Place]:
        from xnat_tui.services.administration.catalog_entries import resources

        return list(resources(self._reader(), self._places))

    def action_reload(self) -> None:
        reader = self.context.workspace.reader
        if self.rows:
            for place in self._places:
                reader(self._server).forget(place)
        self._digests.clear()
        super().action_reload()

    def key_of(self, row: Place) -> str:
        return row.item.uri if row.item is not None else ""

    def cells(self, row: Place) -> Sequence[str]:
        item = row.item
        assert item is not None
        found = self._digests.get(item.uri)
        digests = "?" if isinstance(found, XnatTuiError) else ""
        if found is not None and not isinstance(found, XnatTuiError):
            digests = f"{found.known} of {found.entries}"
        return [self._way_to(row), short_count(item.files) or "?", short_size(item.bytes) or "?", digests]

    def _way_to(self, row: Place) -> str:
        """The resource as it is called below its session."""
        above = row.up_to(Kind.EXPERIMENT) if row.of(Kind.EXPERIMENT) is not None else row.parent
        return " / ".join(item.key or item.id for item in (*above.items[-1:], *row.items[len(above.items) :]))

    def about(self, row: Place) -> str:
        item = row.item
        assert item is not None
        found = self._digests.get(item.uri)
        if isinstance(found, XnatTuiError):
            return f"{row.location}\n! {found.message}"
        if found is not None and item.files is not None and found.entries != item.files:
            return f"{row.location}\n{found.entries} entries listed, {item.files} on record: recount it."
        return str(row.location)

    def rows_changed(self) -> None:
        self._ask_digests()

    def cursor_moved(self) -> None:
        self._ask_digests()

    def _ask_digests(self) -> None:
        """Look through the files of one resource that is on screen; its answer asks for the next."""
        listed = self.listed
        top = int(listed.scroll_y)
        visible = self.shown[top : top + max(listed.size.height, 1)]
        row = next((one for one in visible if self.key_of(one) not in self._digests), None)
        if row is None or self._asking:
            return
        self._asking = self.key_of(row)

        def ask() -> Digests:
            from xnat_tui.services.administration.catalog_entries import digests

            return digests(self._reader(), row)

        def take(found: Digests | XnatTuiError) -> None:
            self._digests[self._asking] = found
            self._asking = ""
            if self.is_attached:
                self.show_row(row)
                self._ask_digests()

        self.context.run(("digests", id(self)), ask, take, take)

    # what the user asks for

    def action_mark(self) -> None:
        """Toggle an option, or mark a resource."""
        work = self.query_one("#work", OptionList)
        if not work.has_focus:
            super().action_mark()
            return
        option = work.highlighted_option
        if option is not None and option.id in OPTIONS:
            self._options ^= {option.id}
            self._show_work()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_review()

    def action_review(self) -> None:
        """The plan of the task under the cursor; of a refresh on an option."""
        option = self.query_one("#work", OptionList).highlighted_option
        task = str(option.id) if option is not None and option.id in _TASKS else "refresh"
        if refusal := self._why_not_task(task):
            self.complain(f"! {_TASKS[task][0]}: {refusal}")
            return
        if task == "refresh" and not self._options:
            self.complain("! Tick an option first: without any, XNAT would do them all, delete included.")
            return
        self.complain("")
        self._plan(task)

    def _plan(self, task: str) -> None:
        from xnat_tui.services.administration.maintenance import FIX, PULL

        workspace = self.context.workspace
        maintenance, viewer = workspace.catalogs(self._server), workspace.viewer(self._server)
        targets, options = self._targets(task), sorted(self._options)
        do = viewer.do if task == "ohif" else maintenance.do

        def make() -> list[Change]:
            match task:
                case "ohif":
                    return viewer.plan_rebuild([place for place in targets if place.kind in _LARGE])
                case "pull-headers" | "fix-scan-types":
                    return maintenance.plan_step(targets, PULL if task == "pull-headers" else FIX)
                case "clear-caches":
                    return maintenance.plan_clear_caches(Place(self._server))
            return maintenance.plan_refresh(targets, options if task == "refresh" else ["populateStats"])

        name = str(self._places[0].location) if len(self._places) == 1 else f"{len(self._places)} items"
        if task == "clear-caches":
            name = self._server

        def show(changes: list[Change]) -> None:
            if not self.is_active:
                return
            panel = ChangesPanel(
                f"{_TASKS[task][0]} · {name}",
                changes,
                do,
                server=self._server,
                notes=maintenance.skipped,
                command=self._command(task),
                ended=self._ended,
            )
            self.app.push_screen(panel)

        self.context.run("plan", make, show, self.complain_of)

    def _targets(self, task: str) -> list[Place]:
        """The marked resources, where a task is about resources; else the places this was opened on."""
        marked = [row for row in self.rows if self.key_of(row) in self.marks]
        return marked if marked and task in ("refresh", "recount") else self._places

    def _command(self, task: str) -> str:
        words = ["xnat-tui", *(["ohif", "rebuild"] if task == "ohif" else ["catalog", task])]
        if task == "clear-caches":
            return shlex.join([*words, f"{self._server}:"])
        words += [str(place.location) for place in self._targets(task)]
        flags = {"append": "--append", "checksum": "--checksum", "delete": "--delete"}
        flags["populateStats"] = "--populate-stats"
        words += [flags[name] for name in OPTIONS if name in self._options] if task == "refresh" else []
        return shlex.join(words)

    def _ended(self, _: object) -> None:
        self.marks.clear()


def _title(places: Sequence[Place]) -> str:
    name = str(places[0].location) if len(places) == 1 else f"{len(places)} marked items"
    return f"Catalog maintenance · {name}"
