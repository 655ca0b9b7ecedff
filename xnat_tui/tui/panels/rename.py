"""Another label for a subject or session, or for many by a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import NotFound
from xnat_tui.model.changes import Result
from xnat_tui.model.display import clean
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import label_refusal
from xnat_tui.services.administration.renaming import RenamePlan, Renaming
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.widgets.tick import Tick

Plan = Callable[[Renaming, bool], RenamePlan]


class RenamePanel(ReadingPanel[None]):
    """An AutoRun that blocks it is shown, and ended only with consent; other workflows never are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,enter", "review", "Review"),
        Binding("ctrl+t", "table", "Table…", priority=True),
    ]
    DEFAULT_CSS = """
    RenamePanel Tick { border: none; background: $surface; padding: 0; height: 1; }
    RenamePanel #about { height: auto; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(f"Rename · {place.location}")
        self._place = place
        self._stop = Event()
        self._done = False
        self._review_panel: ChangesPanel | None = None

    def body(self) -> list[Widget]:
        item = self._place.item
        label = item.key if item is not None else ""
        parts: list[Widget] = [
            Static(f"New label of {self._place.kind} {clean(label)}:", markup=False),
            Input(label, compact=True),
        ]
        if self._place.kind is Kind.SUBJECT:
            parts.append(Tick("also its sessions whose labels begin with it", compact=True))
        hint = "Letters, digits, _ and -. Accession IDs, links and files stay as they are."
        return [*parts, Static(hint, id="about", markup=False)]

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        item = self._place.item
        same = item is not None and event.value == item.key
        self.complain("" if same or not event.value else label_refusal(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_review()

    def action_review(self) -> None:
        label = self.query_one(Input).value
        item = self._place.item
        if item is not None and label == item.key:
            self.complain("That is its label already.")
            return
        if reason := label_refusal(label):
            self.complain(reason)
            return
        with_sessions = any(box.value for box in self.query(Tick))

        def plan(service: Renaming, dismiss: bool) -> RenamePlan:
            location = self._place.location
            return service.plan_item(location, label, with_sessions=with_sessions, dismiss=dismiss)

        self._plan(plan)

    def action_table(self) -> None:
        """Many at once, in the item's project."""

        def given(name: str | None) -> None:
            if name:
                path = Path(name).expanduser()
                self._plan(lambda service, dismiss: _from_table(service, self._place, path, dismiss=dismiss))

        question = "CSV with subject, new_label, and perhaps session:"
        self.app.push_screen(AskPath("Rename by table", question, done="Review"), given)

    def _plan(self, plan: Plan) -> None:
        self.complain("Looking for what stands in the way …")

        def begin() -> tuple[Renaming, RenamePlan]:
            service = self.context.workspace.renaming(self._place.server, wait=self._wait, told=self._tell)
            return service, plan(service, False)

        def planned(found: tuple[Renaming, RenamePlan]) -> None:
            self.complain("")
            service, first = found
            if first.blocking:
                self._ask_dismissal(service, first, plan)
            else:
                self._review(service, first)

        self.read("plan", begin, planned)

    def _ask_dismissal(self, service: Renaming, first: RenamePlan, plan: Plan) -> None:
        lines = [
            f"{one.name} is {one.status} on {one.label or one.item} since {one.started}."
            for one in first.blocking
        ]
        text = "\n".join([*lines, "", "It blocks renaming. Ending it cannot be undone; it can be run again."])

        def answered(yes: bool | None) -> None:
            if yes:
                self.read("plan", lambda: plan(service, True), lambda second: self._review(service, second))
            else:
                self._review(service, first)

        self.app.push_screen(
            Confirm("AutoRun blocks it", text, yes="Plan to dismiss it", no="Leave it", danger=True), answered
        )

    def _review(self, service: Renaming, plan: RenamePlan) -> None:
        if not plan.changes:
            self.complain(". ".join([*plan.notes, "That is so already."]))
            return

        def ended(results: Sequence[Result]) -> None:
            self._done = bool(results) and all(result.error is None for result in results)

        self._stop.clear()
        self._review_panel = panel = ChangesPanel(
            f"rename in {self._place.up_to(Kind.PROJECT).location}",
            plan.changes,
            service.do,
            server=self._place.server,
            notes=plan.notes,
            ended=ended,
            interrupt=self._stop.set,
        )
        self.app.push_screen(panel)

    def _wait(self, seconds: float) -> bool:
        """A stop ends one watch, and not that of a retry."""
        stopped = self._stop.wait(seconds)
        self._stop.clear()
        return stopped

    def _tell(self, text: str) -> None:
        """From the thread that waits: what it waits for, where the rows are shown."""
        panel = self._review_panel
        if panel is not None:
            self.app.call_from_thread(panel.say_waiting, text)

    def on_screen_resume(self) -> None:
        """Once all is renamed the old label is on no item any more: nothing is left to do here."""
        if self._done:
            self.dismiss(None)


def _from_table(service: Renaming, place: Place, path: Path, *, dismiss: bool) -> RenamePlan:
    from xnat_tui.services import tables
    from xnat_tui.services.administration.renaming import TABLE_OPTIONAL, TABLE_REQUIRED

    if not path.is_file():
        raise NotFound(f"{path} is no file.")
    key = ("subject", "session")
    table = tables.read(path, required=TABLE_REQUIRED, optional=TABLE_OPTIONAL, key=key)
    return service.plan_table(place.up_to(Kind.PROJECT), table, dismiss=dismiss)
