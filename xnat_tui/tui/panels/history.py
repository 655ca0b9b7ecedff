"""What was changed through this program on a server, and taking it back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from threading import Event
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change, told_short
from xnat_tui.model.display import counted
from xnat_tui.model.history import Entry, Outcome
from xnat_tui.model.place import Place
from xnat_tui.services.administration.undoing import Undoing, UndoPlan
from xnat_tui.tui.panels.changes import ChangesPanel, about
from xnat_tui.tui.panels.reading import ask_server, refuses_writing
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel

_COLUMNS = (
    *(Column("when", 11), Column("state", 13), Column("what", 10)),
    *(Column("where", 18), Column("old → new", 17)),
)


class HistoryPanel(RowsPanel[Entry]):
    """Entries at or below a place, or of its whole server, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "undo", "Undo…"),
        Binding("o", "scope", "Item/server"),
        Binding("Z,q", "leave", show=False),
    ]
    writes = frozenset({"undo"})
    heeds = frozenset({What.ITEMS, What.USERS, What.SETTINGS})
    empty = "No change made from here is remembered. o shows the whole server's."

    def __init__(self, place: Place) -> None:
        super().__init__(f"History · {place.location}", _COLUMNS)
        self._item = self._place = place
        self._stop = Event()
        self._review_panel: ChangesPanel | None = None

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._place.server)

    def shown_places(self) -> Sequence[Place]:
        return [Place(self._place.server)]

    # rows

    def read(self) -> list[Entry]:
        return self.context.workspace.history(self._place.location)

    def rows_changed(self) -> None:
        self.retitle(f"History · {self._place.location} · {counted(len(self.rows), 'change')}")

    def key_of(self, row: Entry) -> str:
        return str(row.number)

    def sign(self, row: Entry) -> str:
        return " " if row.outcome is Outcome.DONE else "!"

    def cells(self, row: Entry) -> Sequence[str]:
        where = row.location.removeprefix(f"{self._place.server}:")
        return (f"{row.moment:%m-%d %H:%M}", row.state, row.verb, where, _values(row))

    def about(self, row: Entry) -> str:
        change = Change(row.location, row.verb, row.before, row.after)
        head = f"{row.number} · {row.moment:%Y-%m-%d %H:%M:%S} · {row.user} · {row.state}"
        return f"{head}\n{about(change)}"

    # what the user asks for

    def action_scope(self) -> None:
        """Changes of this place, or of its whole server."""
        self._place = Place(self._item.server) if self._place == self._item else self._item
        self.marks.clear()
        self.action_reload()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_undo()

    def action_undo(self) -> None:
        """Plan the marked entries, or the one under the cursor, backwards."""
        chosen = self.chosen()
        if not chosen or refuses_writing(self):
            return
        self.complain("Looking what stands there now …")

        def plan() -> tuple[Undoing, UndoPlan]:
            service = self.context.workspace.undoing(chosen, wait=self._wait, told=self._tell)
            return service, service.plan(chosen)

        def planned(found: tuple[Undoing, UndoPlan]) -> None:
            self.complain("")
            self._review(chosen, *found)

        ask_server(self, "plan", plan, planned)

    def _review(self, chosen: Sequence[Entry], service: Undoing, plan: UndoPlan) -> None:
        numbers = sorted((entry.number for entry in chosen), reverse=True)
        self._stop.clear()
        self._review_panel = ChangesPanel(
            f"undo {counted(len(chosen), 'change')} on {self._place.server}",
            plan.changes,
            service.do,
            server=self._place.server,
            command=shlex.join(["xnat-tui", "history", "undo", *map(str, numbers)]),
            notes=plan.notes,
            ended=lambda _: self.marks.clear(),
            interrupt=self._stop.set,
        )
        self.app.push_screen(self._review_panel)

    def _wait(self, seconds: float) -> bool:
        """A stop ends one watch, and not that of a retry."""
        stopped = self._stop.wait(seconds)
        self._stop.clear()
        return stopped

    def _tell(self, text: str) -> None:
        """From the thread that waits: what it waits for, where the rows are shown."""
        if self._review_panel is not None:
            self.app.call_from_thread(self._review_panel.say_waiting, text)


def _values(entry: Entry) -> str:
    names = dict.fromkeys((*entry.before, *entry.after))
    pairs = ((entry.before.get(name, ""), entry.after.get(name, "")) for name in names)
    return ", ".join(f"{told_short(old)} → {told_short(new)}".strip() for old, new in pairs if old != new)
