"""Copy and export from the screen: marks → options → plan → run; and the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_tui.errors import Forbidden, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.options import CopyOptions, ExportOptions, Layout, TransferOptions, options_or_usual
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.model.transfer import ENDED, State
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice

if TYPE_CHECKING:
    from xnat_tui.jobs.job import StepView
    from xnat_tui.jobs.watch import JobView, Watch
    from xnat_tui.model.transfer import Report
    from xnat_tui.services.transfers.running.following import Worker
    from xnat_tui.tui.explorer.screen import MainScreen
    from xnat_tui.tui.plans.panel import Planner

LOOKS_PER_SECOND = 2
_BUSY = (State.QUEUED, State.RUNNING, State.VERIFYING)
_ASKING = {"pause": "pausing", "cancel": "cancelling", "resume": "resuming", "retry": "retrying"}
_STARTING = ("resuming", "retrying")
_STARTED_SOON = 6
"""Looks for which a job that was told to go on is said to do so: it may have run to its end meanwhile."""
_PATIENCE = 600
"""Looks for which any other wish is shown: a step that is under way may take long to stop."""


class Transferring:
    """Flows of the transfers. Plans are made by the services; jobs run in processes of their own."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self.views: list[JobView] = []
        """Jobs as last seen, newest first."""
        self._watching = False
        self._told: set[str] = set()
        self.asked: dict[str, str] = {}
        """What was asked of a job and has not come about yet, as a word: `pausing`."""
        self._patience: dict[str, int] = {}
        """For how many more looks that is said, by job."""
        self.attended = False
        """Whether the panel is open, which is then kept up to date."""
        self._watch: Watch | None = None

    # what the lines around the panes say

    def describe(self) -> str:
        """The state line's part: how many transfers run, and how far they are."""
        busy = [view for view in self.views if view.state in _BUSY]
        if not busy:
            return ""
        total = sum(view.bytes_total for view in busy)
        share = f" {100 * sum(view.bytes_done for view in busy) // total}%" if total else ""
        return f"{len(busy)} transfer{'s' if len(busy) > 1 else ''}{share}"

    def running(self) -> int:
        return sum(view.state in _BUSY for view in self.views)

    # what the user asks for

    def do_copy(self) -> None:
        screen = self._screen
        places = self.chosen()
        target = screen.other.root
        if not places or target is None:
            screen.say("What is marked is not on this side.")
            return
        workspace = screen.explorer.workspace
        sources = [place.location for place in places]
        destination = _landing(places, target)

        def plan(options: TransferOptions) -> Plan:
            return workspace.plan_copy(
                sources, destination.location, options=options_or_usual(CopyOptions, options)
            )

        self.show_plan(plan, CopyOptions(), f"copy to {destination.location}")

    def do_export(self) -> None:
        screen = self._screen
        places = self.chosen()
        if not places:
            screen.say("What is marked is not on this side.")
            return
        workspace = screen.explorer.workspace
        sources = [place.location for place in places]

        def named(folder: str | None) -> None:
            if not folder:
                return
            path = Path(folder).expanduser()

            def plan(options: TransferOptions) -> Plan:
                return workspace.plan_export(sources, path, options=options_or_usual(ExportOptions, options))

            self._choose_layout(plan, f"export to {path}")

        suggestion = f"~/{places[0].location.steps[0].name if places[0].items else places[0].server}"
        screen.app.push_screen(
            AskText("Export", "Folder to download into:", value=suggestion, done="Choose layout"), named
        )

    def _choose_layout(self, plan: Planner, title: str) -> None:
        choices = [
            Choice(Layout.XNAT.value, "xnat", "as the archive's own zip: subject/session/scans/…"),
            Choice(Layout.FLAT.value, "flat", "one folder per session, plain file names"),
            Choice(Layout.BIDS.value, "bids", "sub-/ses- for NIfTI, DICOM under sourcedata"),
        ]

        def chosen(layout: str | None) -> None:
            if layout:
                self.show_plan(plan, ExportOptions(layout=Layout(layout)), title)

        self._screen.app.push_screen(AskChoice("Layout of the folder", choices), chosen)

    def do_transfers(self) -> None:
        from xnat_tui.tui.transfers.panel import TransfersPanel

        self.watch()
        self._screen.app.push_screen(TransfersPanel(self))

    def chosen(self) -> list[Place]:
        """What is marked in the active pane, or the row under the cursor; groups mean what stands below."""
        screen = self._screen
        pane = screen.active
        if pane.rows is None:
            return []
        cursor = screen.cursor
        marked = list(pane.rows.marks) or ([cursor] if cursor is not None else [])
        places: list[Place] = []
        for pair in marked:
            members = pair.children or [] if pair.group is not None else [pair]
            places += [place for member in members if (place := pane.place_of(member)) is not None]
        return places

    # from a plan to a job

    def show_plan(self, make: Planner, options: TransferOptions, title: str) -> None:
        """Open the panel that makes a plan and shows it: keys pressed meanwhile are the panel's."""
        from xnat_tui.tui.plans.panel import PlanPanel

        def answered(plan: Plan | None) -> None:
            if plan is not None:
                self._run(plan)

        self._screen.app.push_screen(PlanPanel(make, options, title), answered)

    def _run(self, plan: Plan) -> None:
        screen = self._screen
        workspace = screen.explorer.workspace

        def start() -> Worker:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.services.transfers.running import worker

            for name in {step.target.server for step in plan.steps if step.writes and step.target.server}:
                if workspace.server(name).read_only:
                    raise Forbidden(f"{name} is marked read-only here.")
            with Journal() as journal:
                job = workspace.remember(plan, journal)
            return worker.start(job, passwords=workspace.typed_passwords)

        def started(running: Worker) -> None:
            screen.say(f"{running.job} has started; t shows it.")
            if screen.active.rows is not None and screen.active.pair_tree is not None:
                screen.active.pair_tree.clear_marks()
            self.watch()

        screen.explorer.loader.submit("run", start, started, screen.explorer.report)

    def ask_of(self, job: str, wish: str) -> None:
        """`pause`, `cancel`, `resume`, `retry` or `forget` a job, in the background."""
        workspace = self._screen.explorer.workspace
        self._drop(job)
        if wish in _ASKING:
            self.asked[job], self._patience[job] = _ASKING[wish], _PATIENCE

        def ask() -> None:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.jobs.reporting import not_retried
            from xnat_tui.services.transfers.running import worker

            if wish == "resume":
                worker.resume(job, passwords=workspace.typed_passwords)
                return
            if wish == "forget":
                worker.forget(job)
                return
            with Journal() as journal:
                if wish == "retry":
                    if not journal.retry(job):
                        raise not_retried(journal, job) or XnatTuiError(f"Nothing failed in {job}.")
                else:
                    getattr(journal, wish)(job)
            if wish == "retry":
                worker.resume(job, passwords=workspace.typed_passwords)

        def refused(error: XnatTuiError) -> None:
            self._drop(job)
            self._screen.explorer.report(error)

        def asked(_: None) -> None:
            if job in self._patience:
                self._patience[job] = _STARTED_SOON if self.asked[job] in _STARTING else _PATIENCE
            self.watch()

        self._screen.explorer.loader.submit(("job", job), ask, asked, refused)

    def read_report(self, job: str, show: Callable[[Report, list[StepView]], None]) -> None:
        """What became of a job, step by step, read in the background."""

        def read() -> tuple[Report, list[StepView]]:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.jobs.reporting import report

            with Journal() as journal:
                return report(journal, job), journal.steps(job)

        self._screen.explorer.loader.submit(
            "report", read, lambda found: show(*found), self._screen.explorer.report
        )

    def stop_all(self) -> None:
        """Leave every running job resumable, and have its worker end. Nothing is waited for."""
        from xnat_tui.jobs.journal import Journal
        from xnat_tui.services.transfers.running.following import Worker

        with Journal() as journal:
            for view in self.views:
                if view.state in _BUSY:
                    journal.pause(view.id)
                    Worker(view.id).interrupt()  # only paused, it would stay and wait

    # how jobs are watched

    def watch(self) -> None:
        """Read the journal now, and again for as long as something runs."""
        if not self._watching:
            self._watching = True
            self._look()

    def _look(self) -> None:
        screen = self._screen

        def read() -> list[JobView]:
            from xnat_tui.jobs.journal import Journal
            from xnat_tui.jobs.watch import Watch

            if self._watch is None:
                self._watch = Watch(Journal())
            return self._watch.jobs()

        screen.explorer.loader.submit("jobs", read, self._seen, self._not_seen)

    def _seen(self, views: list[JobView]) -> None:
        before = {view.id: view.state for view in self.views}
        self.views = views
        self._forget_answered()
        for view in views:
            if view.state in ENDED and before.get(view.id) in _BUSY and view.id not in self._told:
                self._told.add(view.id)
                self._tell(view)
            elif view.state is State.PAUSED and view.note and before.get(view.id) in _BUSY:
                self._say(f"{view.verb} {view.id}: {view.state}. {view.note}")
        self._screen.show_state()
        self.show_strip()
        if self.running() or self.asked or self.attended:
            looks = 1 if self._screen.explorer.plain else LOOKS_PER_SECOND
            self._screen.set_timer(1 / looks, self._look)
        else:
            self._watching = False

    def _forget_answered(self) -> None:
        """What was asked of a job is said until its state is that, or until nothing came of it for long."""
        states = {view.id: view.state for view in self.views}
        for job, word in list(self.asked.items()):
            state = states.get(job)
            self._patience[job] -= 1
            came = state in _BUSY if word in _STARTING else state not in _BUSY
            if came or state is None or self._patience[job] <= 0:
                self._drop(job)

    def _drop(self, job: str) -> None:
        self.asked.pop(job, None)
        self._patience.pop(job, None)

    def show_strip(self) -> None:
        """Below the panes of a wide terminal: what is under way."""
        from xnat_tui.tui.transfers.panel import strip_line

        screen = self._screen
        busy = [view for view in self.views if view.state in _BUSY]
        room = screen.size.width - 4
        screen.strip.show([strip_line(view, room) for view in busy] if screen.has_class("-wide") else [])

    def _not_seen(self, error: XnatTuiError) -> None:
        self._watching = False
        self._screen.explorer.report(error)

    def _tell(self, view: JobView) -> None:
        """A job has ended: say so, and show what arrived."""
        rest = [(view.failures, "failed"), (view.left, "left alone")]
        told = "".join(f", {count} {word}" for count, word in rest if count)
        text = f"{view.verb} {view.id}: {view.state}, {view.files_done} files{told}. t shows it."
        self._say(text)
        if view.verb == "copy":
            self._show_arrived(view)

    def _say(self, text: str) -> None:
        """Where it covers nothing, unless a panel covers that."""
        screen = self._screen
        screen.explorer.remember(text)
        if screen.is_active:
            screen.say(text, lasting=True)
        else:
            screen.explorer.tell(text)

    def _show_arrived(self, view: JobView) -> None:
        """Read the panes again that show where a copy landed."""
        screen = self._screen
        server = view.title.rpartition(" → ")[2].partition(":")[0]
        if screen.comparing.on:
            screen.sifting.reload_pane(screen.active)
            return
        for pane in (screen.source, screen.destination):
            if pane.root is not None and pane.root.server == server:
                screen.sifting.reload_pane(pane)


def _landing(places: list[Place], target: Place) -> Place:
    """Where a copy lands: the pane's project, or the server where whole projects are copied."""
    if len(places) > 1 and all(place.kind is Kind.PROJECT for place in places):
        return Place(target.server)
    return target.up_to(Kind.PROJECT)
