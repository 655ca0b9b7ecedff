"""The plan: every step, what it costs, what to know before; nothing is written until it is run."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.changed import What
from xnat_tui.model.display import clean_lines, counted, short_size
from xnat_tui.model.options import TransferOptions
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Action, Plan, Step
from xnat_tui.model.plan_documents import plan_document
from xnat_tui.paths import write_private
from xnat_tui.tui.choices import described
from xnat_tui.tui.panels.ask import AskText, Confirm
from xnat_tui.tui.panels.panel import SHORT
from xnat_tui.tui.panels.reading import ReadingPanel
from xnat_tui.tui.plans.lines import (
    FINDING_SIGNS,
    about,
    counted_steps,
    key,
    left_out,
    line,
    searched,
    seen,
    weight,
)
from xnat_tui.tui.plans.options import PlanOptions
from xnat_tui.tui.wording import in_keys, told

Planner = Callable[[TransferOptions], Plan]
"""Makes a plan by these options; waits on the network."""

FRESH_SECONDS = 60.0
"""A plan that is older is made again before it runs: the servers may have changed meanwhile."""

_MOST_LISTED = 1000
_ROWS_A_NOTE = 10
"""Below the steps one note is shown for so many rows of the screen, and all of them by their key."""
_COUNTED = ("create", "upload", "update", "delete", "skip", "conflict")


class PlanPanel(ReadingPanel[Plan]):
    """Makes the plan while one looks on, and again when options change. Dismissed with the plan to run,
    un-ticked steps left out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", priority=True),
        Binding("space", "untick", "Untick", tooltip="Leave a step out, or take it in again"),
        Binding("a", "all", "All steps", tooltip="Also the steps that skip what is there, or not"),
        Binding(
            "slash", "filter", "Filter", tooltip="Only steps whose action, path or reason has these words"
        ),
        Binding("f", "notes", "Notes", tooltip="Everything to know before, and the steps again"),
        Binding("o", "options", "Options…", tooltip="What exists, shared items, types, rate: plan again"),
        Binding("s", "save", "Save…", tooltip="Save the plan as JSON"),
        Binding("Y", "copy_command", "Copy command", tooltip="Put the equivalent command on the clipboard"),
    ]
    DEFAULT_CSS = """
    PlanPanel > .panel--box { width: 100; height: 100%; }
    PlanPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                           scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    PlanPanel #notes { display: none; }
    PlanPanel.-notes #notes { display: block; }
    PlanPanel.-notes OptionList { display: none; }
    PlanPanel #totals { height: auto; }
    PlanPanel #about { height: auto; max-height: 4; color: $text-muted; }
    PlanPanel Input { display: none; }
    PlanPanel Input.-shown { display: block; }
    """
    tall = True
    heeds = frozenset({What.ITEMS, What.FILES})

    def __init__(self, make: Planner, options: TransferOptions, title: str) -> None:
        super().__init__(f"Plan · {title} · nothing written yet")
        self._make = make
        self._options = options
        self._plan: Plan | None = None
        self._made = 0.0
        self._unticked: set[tuple[str, str]] = set()
        """Steps that were left out, by what is the same in a plan made again."""
        self._changed: set[int] = set()
        """Numbers of the steps that the plan before did not have."""
        self._everything = False
        self._listed: list[Step] = []
        self._unlisted = 0
        """Steps that would be shown if there were not so many."""
        self._ticking: Timer | None = None
        self._waited = 0

    def body(self) -> list[Widget]:
        return [
            OptionList(id="steps", compact=True, markup=False),
            VerticalScroll(Static("", id="told", markup=False), id="notes", classes="panel--rest"),
            Input(id="only", compact=True, placeholder="filter: an action, a label, a reason"),
            Static("", id="about", markup=False),
            Static("", id="totals", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one("#steps").focus()
        self._again(self._options, self._take)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def keys_entries(self) -> list[str]:
        """What stands after `enter` says how much it does."""
        if self._plan is None:
            return ["esc Back"] if self._planning else ["o Options…", "esc Back"]
        plan = self.trimmed
        run = f"Run {counted_steps(plan)}" if plan.writes else "Nothing to run"
        run = "Cannot run" if plan.blocked else run
        return [f"enter {run}", *super().keys_entries()[1:]]

    @property
    def trimmed(self) -> Plan:
        """The plan without the steps that were un-ticked, nor those that need them."""
        assert self._plan is not None, "keys do nothing before there is a plan"
        return self._plan.without(step.number for step in self._plan.steps if key(step) in self._unticked)

    def shown_places(self) -> Iterator[Place]:
        """Whatever is written to a server that the plan writes to."""
        steps = self._plan.steps if self._plan is not None else ()
        return (Place(server) for server in {step.target.server for step in steps if step.target.server})

    def written(self) -> None:
        self._made = -math.inf  # it is made again before it runs

    # making it

    def _again(self, options: TransferOptions, take: Callable[[Plan], None]) -> None:
        """Have the plan made in the background; until then nothing here can be run."""

        def made(plan: Plan) -> None:
            self._wait_no_more()
            self._options, self._made = options, time.monotonic()
            take(plan)

        def failed(error: XnatTuiError) -> None:
            self._wait_no_more()
            if self._plan is None:
                self._options = options
            self.context.remember(f"{error.title}: {error.message}")
            self.complain_of(error)
            self.show_keys()

        self._waited = 0
        self._ticking = self.set_interval(1, self._tick)
        self._say_waiting()
        self.read("plan", lambda: self._make(options), made, failed)

    @property
    def _planning(self) -> bool:
        return self._ticking is not None

    def _tick(self) -> None:
        self._waited += 1
        self._say_waiting()

    def _say_waiting(self) -> None:
        seconds = f" {self._waited} s" if self._waited else ""
        self.complain(f"Planning …{seconds}")

    def _wait_no_more(self) -> None:
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self.complain("")

    def _take(self, plan: Plan, before: Plan | None = None) -> None:
        """Show a plan; with the one before, what has changed by itself is marked."""
        known = {seen(step) for step in (before or plan).steps}
        self._changed = {step.number for step in plan.steps if seen(step) not in known}
        self._plan = plan
        self.retitle(f"Plan · {plan.verb} to {plan.destination} · nothing written yet")
        self.query_one("#told", Static).update(self._notes(plan))
        self._show()

    # showing it

    def _show(self) -> None:
        if self._plan is None:
            return
        steps = self.query_one("#steps", OptionList)
        at = steps.highlighted
        room = max(20, steps.scrollable_content_region.width)
        kept = {step.number for step in self.trimmed.steps}
        self._listed = self._chosen(self._plan.steps)
        steps.clear_options()
        steps.add_options(
            [
                Option(line(step, room, self._word(self._plan, step, kept), step.number in self._changed))
                for step in self._listed
            ]
        )
        steps.highlighted = min(at or 0, len(self._listed) - 1) if self._listed else None
        self.query_one("#totals", Static).update(clean_lines("\n".join(self._totals(self._plan))))
        self._show_about()
        self.show_keys()

    @on(OptionList.OptionHighlighted)
    def _show_about(self) -> None:
        """The step under the cursor: what its row had no room for."""
        at = self.query_one("#steps", OptionList).highlighted
        if self._plan is None or at is None or self.app.size.height < SHORT:
            text = ""
        else:
            step = self._listed[at]
            text = "\n".join(about(step, self._plan.details.get(step.number, ())))
        self.query_one("#about", Static).update(clean_lines(text))

    @staticmethod
    def _word(plan: Plan, step: Step, kept: Container[int]) -> str:
        return plan.word(step.action) if step.number in kept else "left out"

    def _chosen(self, steps: Sequence[Step]) -> list[Step]:
        """Conflicts first: they have to be read. No more than a list can hold and stay quick."""
        words = self.query_one("#only", Input).value.casefold().split()
        if words:
            listed = [step for step in steps if all(word in searched(step) for word in words)]
        else:
            listed = [step for step in steps if self._everything or self._tells(step)] or list(steps)
        self._unlisted = max(0, len(listed) - _MOST_LISTED)
        return sorted(listed, key=lambda step: step.action is not Action.CONFLICT)[:_MOST_LISTED]

    def _tells(self, step: Step) -> bool:
        told = step.action is not Action.SKIP or step.stays_behind
        return told or key(step) in self._unticked or step.number in self._changed

    def _totals(self, whole: Plan) -> Iterator[str]:
        plan = self.trimmed
        totals = plan.totals
        counts = [f"{n} {plan.word(word)}" for word in _COUNTED if (n := getattr(totals, word))]
        counts += [f"{len(plan.left_out)} left out"] if plan.left_out else []
        size = f"{counted(plan.totals.files, 'file')} {short_size(plan.totals.bytes)}".rstrip()
        if plan.writes:
            yield f"{', '.join(counts)} · {size} · {_replacing(plan)}"
        else:
            yield f"{', '.join(counts) or 'No step'} · Nothing to do."
        if self.app.size.height < SHORT:
            return
        hidden = len(whole.steps) - len(self._listed)
        if self._unlisted or self.query_one("#only", Input).value:
            yield f"{counted(len(self._listed), 'step')} of {len(whole.steps)} shown (/ filters)"
        elif hidden:
            yield f"{counted(hidden, 'step')} not shown: what is there already is skipped (a shows all)"
        if said := described(whole.options):
            yield said
        notes = [
            f"{FINDING_SIGNS[one.severity]} {in_keys(one.message)}"
            for one in sorted(whole.findings, key=weight)
        ]
        notes += [left_out(one) for one in whole.left_out]
        yield from notes[: self.app.size.height // _ROWS_A_NOTE]
        if notes:
            yield f"{counted(len(notes), 'note')} to read: f"

    @staticmethod
    def _notes(plan: Plan) -> str:
        lines = []
        for finding in sorted(plan.findings, key=weight):
            said = told(finding.message, finding.hint)
            lines += [f"{FINDING_SIGNS[finding.severity]} {said[0]}", *(f"  {line}" for line in said[1:])]
        lines += [left_out(one) for one in plan.left_out]
        lines += ["", "The same from a shell:", f"$ {plan.command}"] if plan.command else []
        return clean_lines("\n".join(lines) or "There is nothing to note.")

    # what the user asks for

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """While a plan is being made there is nothing to run, un-tick or save. One that could not be made may
        need other options: they can be chosen."""
        needs = ("run", "untick", "all", "filter", "notes", "options", "save", "copy_command")
        if action == "run" and self.query_one("#only", Input).has_focus:
            return False  # enter there only ends the filter
        if action == "options":
            return not self._planning
        return action not in needs or (self._plan is not None and not self._planning)

    def action_notes(self) -> None:
        self.toggle_class("-notes")
        self.query_one("#notes" if self.has_class("-notes") else "#steps").focus()

    def action_leave(self) -> None:
        """First out of the filter, then out of the panel."""
        only = self.query_one("#only", Input)
        if only.has_class("-shown"):
            only.value = ""
            only.remove_class("-shown")
            self.query_one("#steps").focus()
        else:
            super().action_leave()

    def action_filter(self) -> None:
        line = self.query_one("#only", Input)
        line.add_class("-shown")
        line.focus()

    @on(Input.Changed, "#only")
    def _filter(self) -> None:
        self._show()

    @on(Input.Submitted, "#only")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#steps").focus()

    def action_all(self) -> None:
        self._everything = not self._everything
        self._show()

    @on(OptionList.OptionSelected)
    def action_run(self) -> None:
        if self._plan is None or self._planning:  # a list can be chosen from without its key
            return
        plan = self.trimmed
        if plan.blocked:
            errors = [finding for finding in plan.findings if finding.severity == "error"]
            hints = [in_keys(error.hint) for error in errors if error.hint]
            self.complain("\n".join(["This cannot be run.", *hints]))
        elif not plan.writes:
            self.complain("Nothing is left to do.")
        elif time.monotonic() - self._made > FRESH_SECONDS:
            self._again(self._options, self._run_unless_changed)
        else:
            self._run()

    def _run_unless_changed(self, plan: Plan) -> None:
        """A plan that no longer holds is shown anew, what has changed marked, and not run."""
        before = self._plan
        held = before is not None and before.steps == plan.steps
        self._take(plan, before)
        if held:
            self._run()
        else:
            self.complain("The servers have changed since this was planned: read it again, then run it.")

    def _run(self) -> None:
        plan = self.trimmed
        if not (plan.destroys or _replaces(plan)):
            self.dismiss(plan)
            return
        text = f"This replaces or deletes in project {plan.root}." if plan.destroys else _replacing(plan)
        typed = plan.root if plan.destroys else ""
        panel = Confirm("Replace", text, yes=f"Run {counted_steps(plan)}", danger=True, typed=typed)

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(plan)

        self.app.push_screen(panel, answered)

    def action_untick(self) -> None:
        """Un-tick a step, or tick it again; what needs it goes with it."""
        steps = self.query_one("#steps", OptionList)
        at = steps.highlighted
        if at is None:
            return
        self._unticked ^= {key(self._listed[at])}
        self._show()
        steps.highlighted = min(at + 1, len(self._listed) - 1)

    def action_options(self) -> None:
        def chosen(options: TransferOptions | None) -> None:
            if options is not None and options != self._options:
                self._again(options, self._take)

        self.app.push_screen(PlanOptions(self._options), chosen)

    def action_save(self) -> None:
        assert self._plan is not None, "keys do nothing before there is a plan"

        def named(name: str | None) -> None:
            if name:
                path = Path(name).expanduser()
                try:
                    write_private(path, json.dumps(plan_document(self.trimmed), indent=1))
                    self.complain(f"Saved the plan as {path}")
                except OSError as error:
                    self.complain(f"! {error}")

        def problem(name: str) -> str:
            return f"{name} exists already." if Path(name).expanduser().exists() else ""

        question = AskText(
            "Save plan", "File:", value=f"{self._plan.verb}.plan.json", problem=problem, done="Save"
        )
        self.app.push_screen(question, named)

    def action_copy_command(self) -> None:
        assert self._plan is not None, "keys do nothing before there is a plan"
        self.app.copy_to_clipboard(self._plan.command)
        but = " (It does not know of steps that were left out.)" if self._unticked else ""
        self.complain(f"Copied: {self._plan.command}{but}")


def _replaces(plan: Plan) -> bool:
    """Whether files or fields there are changed, though all that is there stays."""
    return any(step.writes and step.replaces for step in plan.steps)


def _replacing(plan: Plan) -> str:
    if plan.destroys:
        return "Something is replaced or deleted."
    return "What differs is replaced." if _replaces(plan) else "Nothing is replaced."
