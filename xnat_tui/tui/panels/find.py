"""Where something stands on a site, whatever project it is in: found, gone to, and marked in the trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList

from xnat_tui.model.display import counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.browsing.site_search import WHERE_LOOKED, SiteFound, search
from xnat_tui.tui.panels.reading import ask_server, complain_of, stop_asking
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel

if TYPE_CHECKING:
    from xnat_tui.services.browsing.site_search import Found

_COLUMNS = (
    *(Column("label", 20), Column("kind", 8), Column("project", 14)),
    *(Column("date", 10), Column("found by", 12)),
)


class FindPanel(RowsPanel["Found"]):
    """Three questions to a server, however large it is; what is shared is found once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go there"),
        Binding("m", "mark_in_trees", "Mark in trees"),
        Binding("n", "other", "Other text"),
        Binding("q", "leave", show=False),
    ]
    focused_first = "#text"

    def __init__(self, place: Place) -> None:
        super().__init__(f"Find on {place.server}", _COLUMNS)
        self._server = place.server
        self._text = ""
        self._answer = SiteFound()
        self._user = ""

    def body(self) -> list[Widget]:
        hint = "a label, ID, DICOM patient ID or study UID, or a part of one"
        return [Input(id="text", compact=True, placeholder=hint), *super().body()]

    @property
    def empty(self) -> str:  # type: ignore[override]  # it depends on what was looked for
        if not self._text:
            return f"Looked at are {WHERE_LOOKED}."
        seen = f"Looked at: {WHERE_LOOKED}; as seen by {self._user}."
        if self._answer.unreadable:
            return f"Nothing found in what could be searched.\n{seen}"
        return f"{self._server} has nothing that is called {self._text!r}.\n{seen}"

    # rows

    def read(self) -> list[Found]:
        text = self._text
        if not text:
            return []
        reader = self.context.workspace.reader(self._server)
        self._answer, self._user = search(reader, text), reader.connection.user or "guest"
        return [*self._answer.found]

    def rows_changed(self) -> None:
        if self._text:
            found = f"{len(self.rows):,} found"
            self.retitle(f"Find on {self._server} · {found} · as seen by {self._user}")
        said = (f"! {what} could not be searched: {error.message}" for what, error in self._answer.unreadable)
        self.complain("\n".join(said))

    def key_of(self, row: Found) -> str:
        return str(row.location)

    def cells(self, row: Found) -> Sequence[str]:
        because = "" if row.because == "label" else f"{row.because} {row.value}"
        return (row.label, _kind(row), row.project, row.date, because)

    def about(self, row: Found) -> str:
        words = [row.id, f"{row.because} {row.value}"]
        words += [f"shared into {', '.join(row.shared_into)}"] if row.shared_into else []
        return f"{row.address}\n{' · '.join(words)}"

    # what the user asks for

    @on(Input.Submitted, "#text")
    def _find(self, event: Input.Submitted) -> None:
        event.stop()
        self._text = event.value.strip()
        if self._text:
            self.marks.clear()
            self.rows, self._answer = [], SiteFound()
            self.show_rows()
            self.listed.focus()
            self.action_reload()

    def action_other(self) -> None:
        self.query_one("#text", Input).focus()

    @on(OptionList.OptionSelected, "#rows")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_go()

    def action_go(self) -> None:
        """To the row's place in the tree of the active pane, with the marks."""
        if self.current is not None:
            self._reach(self.current, [row for row in self.rows if self.key_of(row) in self.marks])

    def action_mark_in_trees(self) -> None:
        self._reach(None, self.chosen())

    def _reach(self, to: Found | None, marked: Sequence[Found]) -> None:
        workspace = self.context.workspace
        if to is None and not marked:
            return
        self.complain(f"Asking where {counted(len(marked) or 1, 'row')} stand …")

        def look_up() -> tuple[Place | None, list[Place]]:
            here = workspace.find_one(to.location) if to is not None else None
            return here, [workspace.find_one(one.location) for one in marked]

        def reached(found: tuple[Place | None, list[Place]]) -> None:
            self.dismiss(None)
            self.context.main.reach(*found)

        ask_server(self, "places", look_up, reached, lambda error: complain_of(self, error))

    def action_leave(self) -> None:
        """Undo one thing: what is asked, the filter, the marks, the panel."""
        if stop_asking(self, "panel", [self._server]) or stop_asking(self, "places", [self._server]):
            self._stopped()
        else:
            super().action_leave()

    def _stopped(self) -> None:
        self._waiting = False
        self.complain("Stopped. r asks again.")
        self._say_about()


def _kind(row: Found) -> str:
    return "session" if row.kind is Kind.EXPERIMENT else str(row.kind)
