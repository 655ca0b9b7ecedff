"""Another label for a subject or session, or for many by a pattern or a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.errors import NotFound, UsageError
from xnat_tui.model.changes import Change, Result
from xnat_tui.model.display import clean, counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.label_pattern import LabelPattern
from xnat_tui.model.place import Place
from xnat_tui.model.sharing import label_refusal
from xnat_tui.services.administration.renaming import RenamePlan, Renaming
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.ask_path import AskPath
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.widgets.tick import Tick

Plan = Callable[[bool], RenamePlan]
Do = Callable[[Change], str]
_MERGE = "merge: move sessions of subjects whose label another has"


class RenamePanel(ReadingPanel[None]):
    """One label for one item; a pattern for several, or for a project's subjects.

    An AutoRun that blocks it is shown, and ended only with consent; other workflows never are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,enter", "review", "Review"),
        Binding("ctrl+t", "table", "Table…", priority=True),
    ]
    DEFAULT_CSS = """
    RenamePanel Tick { border: none; background: $surface; padding: 0; height: 1; }
    RenamePanel #about { height: auto; }
    """

    def __init__(self, places: Sequence[Place]) -> None:
        one = len(places) == 1
        super().__init__(f"Rename · {places[0].location if one else counted(len(places), 'item')}")
        self._places = list(places)
        self._place = places[0]
        self._by_pattern = not one or self._place.kind is Kind.PROJECT
        self._stop = Event()
        self._done = False
        self._review_panel: ChangesPanel | None = None

    def body(self) -> list[Widget]:
        ticks = []
        if any(one.kind in (Kind.SUBJECT, Kind.PROJECT) for one in self._places):
            ticks.append(Tick("also its sessions whose labels begin with it", id="sessions", compact=True))
        if self._by_pattern:
            ticks += [Tick(_MERGE, id="merge", compact=True)] if ticks else []
            whose = "the project's subjects" if self._place.kind is Kind.PROJECT else "what is marked"
            hint = f"Of {whose}, those whose whole label the pattern matches."
            about = f"{hint} {{1}} is its first group, {{0}} all."
            return [
                Static("Pattern, a regular expression:", markup=False),
                Input(id="pattern", placeholder=r"SUB-0*(\d+)", compact=True),
                Static("New label:", markup=False),
                Input(id="to", placeholder="S{1}", compact=True),
                *ticks,
                Static(about, id="about", markup=False),
            ]
        item = self._place.item
        label = item.key if item is not None else ""
        hint = "Letters, digits, _ and -. Accession IDs, links and files stay as they are."
        return [
            Static(f"New label of {self._place.kind} {clean(label)}:", markup=False),
            Input(label, id="label", compact=True),
            *ticks,
            Static(hint, id="about", markup=False),
        ]

    def on_mount(self) -> None:
        self.query(Input).first().focus()

    @on(Input.Changed, "#label")
    def _typed(self, event: Input.Changed) -> None:
        item = self._place.item
        same = item is not None and event.value == item.key
        self.complain("" if same or not event.value else label_refusal(event.value))

    @on(Input.Changed, "#pattern, #to")
    def _pattern_typed(self) -> None:
        self.complain("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "pattern":
            self.query_one("#to", Input).focus()
        else:
            self.action_review()

    def action_review(self) -> None:
        if self._by_pattern:
            self._review_pattern()
            return
        label = self.query_one(Input).value
        item = self._place.item
        if item is not None and label == item.key:
            self.complain("That is its label already.")
            return
        if reason := label_refusal(label):
            self.complain(reason)
            return
        with_sessions, location = self._ticked("sessions"), self._place.location
        self._plan(
            lambda service, dismiss: service.plan_item(
                location, label, with_sessions=with_sessions, dismiss=dismiss
            )
        )

    def _review_pattern(self) -> None:
        try:
            pattern = LabelPattern.parse(
                self.query_one("#pattern", Input).value, self.query_one("#to", Input).value
            )
        except UsageError as error:
            self.complain_of(error)
            return
        with_sessions, merge = self._ticked("sessions"), self._ticked("merge")

        def begin() -> tuple[Plan, Do]:
            many = self.context.workspace.renaming_by_pattern(
                self._place.server, wait=self._wait, told=self._tell
            )

            def plan(dismiss: bool) -> RenamePlan:
                return many.plan(
                    self._places, pattern, with_sessions=with_sessions, merge=merge, dismiss=dismiss
                )

            return plan, many.do

        self._look(begin)

    def _ticked(self, name: str) -> bool:
        return any(box.value for box in self.query(f"#{name}").results(Tick))

    def action_table(self) -> None:
        """Many at once, in the item's project."""

        def given(name: str | None) -> None:
            if name:
                path = Path(name).expanduser()
                self._plan(lambda service, dismiss: _from_table(service, self._place, path, dismiss=dismiss))

        question = "CSV with subject, new_label, and perhaps session:"
        self.app.push_screen(AskPath("Rename by table", question, done="Review"), given)

    def _plan(self, make: Callable[[Renaming, bool], RenamePlan]) -> None:
        def begin() -> tuple[Plan, Do]:
            service = self.context.workspace.renaming(self._place.server, wait=self._wait, told=self._tell)
            return lambda dismiss: make(service, dismiss), service.do

        self._look(begin)

    def _look(self, begin: Callable[[], tuple[Plan, Do]]) -> None:
        """Plan off the screen, ask what is to become of AutoRuns that block, and show the plan."""
        self.complain("Looking for what stands in the way …")

        def first() -> tuple[Plan, Do, RenamePlan]:
            plan, do = begin()
            return plan, do, plan(False)

        def planned(found: tuple[Plan, Do, RenamePlan]) -> None:
            self.complain("")
            plan, do, first = found
            if first.blocking:
                self._ask_dismissal(plan, do, first)
            else:
                self._review(do, first)

        self.read("plan", first, planned)

    def _ask_dismissal(self, plan: Plan, do: Do, first: RenamePlan) -> None:
        lines = [
            f"{one.name} is {one.status} on {one.label or one.item} since {one.started}."
            for one in first.blocking
        ]
        text = "\n".join([*lines, "", "It blocks renaming. Ending it cannot be undone; it can be run again."])

        def answered(yes: bool | None) -> None:
            if yes:
                self.read("plan", lambda: plan(True), lambda second: self._review(do, second))
            else:
                self._review(do, first)

        self.app.push_screen(
            Confirm("AutoRun blocks it", text, yes="Plan to dismiss it", no="Leave it", danger=True), answered
        )

    def _review(self, do: Do, plan: RenamePlan) -> None:
        if not plan.changes:
            self.complain(". ".join([*plan.notes, "That is so already."]))
            return

        def ended(results: Sequence[Result]) -> None:
            self._done = bool(results) and all(result.error is None for result in results)

        self._stop.clear()
        self._review_panel = panel = ChangesPanel(
            f"rename in {self._place.up_to(Kind.PROJECT).location}",
            plan.changes,
            do,
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
