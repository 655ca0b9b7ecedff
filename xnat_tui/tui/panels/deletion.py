"""What is marked, deleted for good: counted first, then the plan, then the project's ID typed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from threading import Event

from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.model.display import clean, counted
from xnat_tui.model.place import Place
from xnat_tui.services.administration.deleting.deletion import Deletion, DeletionPlan
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ReadingPanel


class DeletionPanel(ReadingPanel[None]):
    """Stands while the server is asked what hangs on the items, and gives way to their plan."""

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__(f"Delete · {_named(places)}")
        self._places = list(places)
        self._stop = Event()
        self._review: ChangesPanel | None = None

    def body(self) -> list[Widget]:
        return [Static(f"Counting what hangs on {clean(_named(self._places))} …", markup=False)]

    def on_mount(self) -> None:
        super().on_mount()
        server = self._places[0].server

        def plan() -> tuple[Deletion, DeletionPlan]:
            service = self.context.workspace.deletion(server, wait=self._wait, told=self._tell)
            return service, service.plan(self._places)

        self.read("plan", plan, lambda found: self._show(*found))

    def _show(self, service: Deletion, plan: DeletionPlan) -> None:
        self._stop.clear()
        self._review = ChangesPanel(
            f"delete {_named(self._places)}",
            plan.changes,
            service.do,
            server=self._places[0].server,
            command=shlex.join(["xnat-tui", "delete", *(str(one.location) for one in self._places)]),
            notes=plan.notes,
            interrupt=self._stop.set,
        )
        self.app.push_screen(self._review)

    def on_screen_resume(self) -> None:
        """When the plan is left, nothing is left to do here."""
        if self._review is not None:
            self.dismiss(None)

    def _wait(self, seconds: float) -> bool:
        """A stop ends one watch, and not that of a retry."""
        stopped = self._stop.wait(seconds)
        self._stop.clear()
        return stopped

    def _tell(self, text: str) -> None:
        """From the thread that waits: what it waits for, where the rows are shown."""
        if self._review is not None:
            self.app.call_from_thread(self._review.say_waiting, text)


def _named(places: Sequence[Place]) -> str:
    return str(places[0].location) if len(places) == 1 else counted(len(places), "item")
