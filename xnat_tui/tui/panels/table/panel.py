"""A table of what stands at and below some places, quick however many rows it has."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.display import clean, clean_lines, counted, fit
from xnat_tui.model.place import Place
from xnat_tui.services.asking.table import text_of
from xnat_tui.tui.panels.ask import AskChoice
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.panel import KeyHelp, Panel
from xnat_tui.tui.panels.reading import ask_server, complain_of, stop_asking
from xnat_tui.tui.panels.table.arranging import Arranged, Wanted, arrange, key_of
from xnat_tui.tui.panels.table.columns import ColumnsPanel
from xnat_tui.tui.panels.table.grid import TableGrid
from xnat_tui.tui.panels.table.kinds import choices, first_columns, first_kind, holder

if TYPE_CHECKING:
    from xnat_tui.services.asking.table import Table


class TablePanel(Panel[None]):
    """`all` is what was read, `shown` what is sorted and filtered of it. What takes long
    runs off the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go there"),
        Binding("space", "mark", "Mark"),
        Binding("m", "mark_in_trees", "Mark in trees"),
        Binding("slash", "filter", "Filter"),
        Binding("f", "filter_column", "Filter column"),
        Binding("s", "sort", "Sort"),
        Binding("c", "columns", "Columns…"),
        Binding("o", "kind", "Of what…"),
        Binding("backspace", "wider", "Wider"),
        Binding("w", "write", "Write…"),
        Binding("r", "reload", "Read again"),
        Binding("a", "mark_all", "Mark all shown", show=False),
        Binding("T,q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    TablePanel > .panel--box { width: 100%; }
    TablePanel > .panel--box.-tall { height: 100%; }
    TablePanel #counts, TablePanel #here { height: 1; text-wrap: nowrap; }
    TablePanel #here { color: $text-muted; height: 2; }
    TablePanel #only { display: none; }
    TablePanel #only.-shown { display: block; }
    """
    tall = True
    heeds = frozenset({What.ITEMS})

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = list(places)
        self.kind = first_kind(places)
        super().__init__(self._titled())
        self.all: Table[Place] | None = None
        self.shown: Table[Place] | None = None
        self.columns: tuple[str, ...] = ()
        self.sort = ""
        self.marks: dict[Hashable, Place] = {}
        self._ordered: tuple[str, Table[Place]] | None = None
        self._wish: object = None
        """Changes when other rows are wanted: who still looks for earlier ones stops."""
        self._ticking: Timer | None = None
        self._held: Hashable = None
        """The row that the user went to: the cursor comes back to it when a filter is gone."""

    def _titled(self) -> str:
        several = counted(len(self._places), "place")
        return f"Table of {self.kind} · {self._places[0].location if len(self._places) == 1 else several}"

    def body(self) -> list[Widget]:
        return [
            Static("", id="counts", markup=False),
            TableGrid(self.context.glyphs, self.marks, key_of),
            Static("", id="here", markup=False),
            Input(
                id="only",
                compact=True,
                select_on_focus=False,
                placeholder="filter: words, !word leaves out, column:word",
            ),
        ]

    def on_mount(self) -> None:
        super().on_mount()
        self.grid.focus()
        self.action_reload()

    @property
    def grid(self) -> TableGrid:
        return self.query_one(TableGrid)

    @property
    def line(self) -> Input:
        return self.query_one("#only", Input)

    # reading

    def shown_places(self) -> Sequence[Place]:
        return self._places

    def written(self) -> None:
        self.complain("Something was written here: r reads it again.")

    def action_reload(self) -> None:
        self.complain("")
        workspace, kind, places = self.context.workspace, self.kind, self._places
        self._ticking = self.context.every(1, self._say_counts)

        def read() -> tuple[Table[Place], tuple[str, ...]]:
            table = workspace.table(kind, *places, remember=True)
            return table, first_columns(table)

        ask_server(self, "table", read, lambda found: self._take(*found), self._refuse)
        self._say_counts()

    @property
    def reading(self) -> bool:
        return self.context.loader.waits(("table", id(self)))

    def _take(self, table: Table[Place], first: tuple[str, ...]) -> None:
        self._stop_ticking()
        known = {*table.known}
        kept = tuple(name for name in self.columns if name in known)
        self.columns = kept or first
        self.sort = self.sort if self.sort.removeprefix("-") in known else ""
        self.all, self._ordered = table, None
        for one in table.unread:
            self.context.remember(f"{one.location}: {one.error}")
        self._arrange()
        if table.unread:
            more = f" ({len(table.unread) - 1} more: ctrl+g in the trees)" if len(table.unread) > 1 else ""
            self.complain(f"! {table.unread[0].location}: {table.unread[0].error}{more}")

    def _refuse(self, error: XnatTuiError) -> None:
        self._stop_ticking()
        self.context.remember(f"{error.title}: {error.message}")
        complain_of(self, error)
        self._say_counts()

    def _stop_ticking(self) -> None:
        if self._ticking is not None:
            self._ticking.stop()

    def on_unmount(self) -> None:
        super().on_unmount()
        self._stop()

    def _stop(self) -> None:
        """Nobody waits for rows any more; where nobody waits for those servers, they are left alone."""
        self._wish = object()
        self._stop_ticking()
        stop_asking(self, "table", {place.server for place in self._places})

    # which rows are shown

    def _arrange(self) -> None:
        """Sort and filter in the background; the cursor stays with the row that the user went to."""
        if self.all is None:
            return
        wish = self._wish = object()
        wanted = Wanted(self.all, self.columns, self.sort, self.line.value, self._held)
        ordered = self._ordered

        def done(found: Arranged) -> None:
            if self._wish is wish:
                self._ordered, self.shown = found.ordered, found.shown
                self.grid.show(found.shown, wanted.columns, wanted.sort, found.row)
                self._say_counts()

        ask_server(self, "rows", lambda: arrange(wanted, ordered, lambda: self._wish is wish), done)

    # telling

    def _say_counts(self) -> None:
        self.query_one("#counts", Static).update(fit(clean(self._counts()), max(20, self.size.width - 4)))

    def _counts(self) -> str:
        if self.reading:
            asked = sum(
                self.context.workspace.reader(server).connection.requests
                for server in {place.server for place in self._places}
                if self.context.workspace.signed_in(server)
            )
            return f"Reading {self.kind} … {asked} requests so far, esc stops it."
        if self.all is None or self.shown is None:
            return "Nothing was read. r reads again, o asks for something else."
        words = [counted(len(self.all), self.kind.removesuffix("s"))]
        if len(self.shown) != len(self.all):
            words.insert(0, f"{len(self.shown):,} shown of")
        said = [" ".join(words)]
        said += [f"{len(self.marks):,} marked"] if self.marks else []
        downwards = self.sort.startswith("-")
        said += [f"by {self.sort.removeprefix('-')}{' downwards' if downwards else ''}"] if self.sort else []
        return " · ".join([*said, f"as seen by {self.all.seen_by}"])

    @on(TableGrid.Moved)
    def _moved(self, event: TableGrid.Moved) -> None:
        place = self.grid.current
        if event.by_user and place is not None:
            self._held = key_of(place)
        self._say_here()

    def _say_here(self) -> None:
        place, name = self.grid.current, self.grid.column_name
        text = "No row is shown." if self.all is not None else ""
        if place is not None and self.shown is not None:
            cell = self.shown.cell_of(name)(place)
            told = "! not answered by the server" if cell is None else text_of(cell) or "(empty)"
            text = f"{place.location}\n{name}: {told}"
        room = max(20, self.size.width - 4)
        lines = clean_lines(text).split("\n", 1)
        self.query_one("#here", Static).update("\n".join(fit(clean(one), room) for one in lines))

    # what the user asks for

    def action_go(self) -> None:
        """To the row's place in the tree of the active pane, with the marks."""
        place = self.grid.current
        if place is not None:
            self.dismiss(None)
            self.context.main.reach(place, list(self.marks.values()))

    def action_mark(self) -> None:
        place = self.grid.current
        if place is None:
            return
        if self.marks.pop(key_of(place), None) is None:
            self.marks[key_of(place)] = place
        self.grid.refresh_row(self.grid.row)
        self.grid.action_move(1)
        self._say_counts()

    def action_mark_all(self) -> None:
        """All that are shown; none of them where all are."""
        entries = self.shown.entries if self.shown is not None else ()

        def found(places: dict[Hashable, Place]) -> None:
            if places.keys() <= self.marks.keys():
                for key in places:
                    del self.marks[key]
            else:
                self.marks |= places
            self.grid.refresh()
            self._say_counts()

        ask_server(self, "marks", lambda: {key_of(place): place for place in entries}, found)

    def action_mark_in_trees(self) -> None:
        """The marked rows, or the one under the cursor, are marked in the tree of the active pane."""
        current = self.grid.current
        marked = list(self.marks.values()) or ([current] if current is not None else [])
        if marked:
            self.dismiss(None)
            self.context.main.reach(None, marked)

    def action_filter(self) -> None:
        self.line.add_class("-shown")
        self.line.focus()

    def action_filter_column(self) -> None:
        """By the column under the cursor."""
        self.action_filter()
        self.line.value = " ".join([*self.line.value.split(), f"{self.grid.column_name}:"])
        self.line.cursor_position = len(self.line.value)

    @on(Input.Changed, "#only")
    def _filtering(self) -> None:
        self._arrange()

    @on(Input.Submitted, "#only")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter(keep=bool(event.value))

    def _leave_filter(self, *, keep: bool) -> None:
        if not keep:
            self.line.value = ""
            self.line.remove_class("-shown")
        self.grid.focus()

    def action_sort(self) -> None:
        """By the column under the cursor; again: downwards; again: as the server lists them."""
        name = self.grid.column_name
        self.sort = {name: f"-{name}", f"-{name}": ""}.get(self.sort, name)
        self._arrange()

    def action_columns(self) -> None:
        def chosen(names: tuple[str, ...]) -> None:
            self.columns = names
            self._arrange()

        if self.all is not None:
            self.app.push_screen(ColumnsPanel(self.all.known, self.columns, chosen))

    def action_kind(self) -> None:
        def chosen(kind: str | None) -> None:
            if kind and kind != self.kind:
                self.kind, self.columns, self.sort = kind, (), ""
                self._ask_for_others()

        self.app.push_screen(AskChoice("Table of", choices(self._places)), chosen)

    def action_wider(self) -> None:
        """Of what holds these places, up to the server."""
        if self._places == [Place(self._places[0].server)]:
            self.complain("This is the whole server.")
        else:
            self._places = [holder(self._places)]
            self._ask_for_others()

    def _ask_for_others(self) -> None:
        self._stop()
        self.all = self.shown = None
        self._held = None
        self.marks.clear()
        self.line.value = ""
        self.line.remove_class("-shown")
        self.grid.clear()
        self.retitle(self._titled())
        self.action_reload()

    def action_write(self) -> None:
        """What is shown, columns and rows, into a new file."""
        table = self.shown
        if table is None:
            return

        def problem(name: str) -> str:
            from xnat_tui.services.asking.writing import check_name

            try:
                check_name(Path(name).expanduser())
            except XnatTuiError as error:
                return f"{error.message} {error.hint}"
            return ""

        def named(name: str | None) -> None:
            if name:
                self._write(table, Path(name).expanduser())

        question = "New file (.csv, .xlsx or .parquet), readable by you only:"
        value = f"{self.kind}.csv"
        panel = AskPath("Write table", question, value=value, problem=problem, done="Write")
        self.app.push_screen(panel, named)

    def _write(self, table: Table[Place], path: Path) -> None:
        def write() -> str:
            from xnat_tui.services.asking.writing import write

            write(table, path)
            return f"Wrote {counted(len(table), 'row')} to {path}, as seen by {table.seen_by}."

        ask_server(self, "write", write, self.complain)

    def help_lines(self) -> tuple[str, list[KeyHelp]]:
        title, lines = super().help_lines()
        return title, [KeyHelp("left,right", "Choose the column for s, f and the last line"), *lines]

    def action_leave(self) -> None:
        """Undo one thing: reading, the filter, the marks, the panel."""
        if self.reading:
            self._stop()
            self.complain("Stopped. r reads again.")
            self._say_counts()
        elif self.line.has_class("-shown"):
            self._leave_filter(keep=False)
        elif self.marks:
            self.marks.clear()
            self.grid.refresh()
            self._say_counts()
        else:
            self.dismiss(None)
