"""The plan: every step, what it costs, what to know before; nothing is written until it is run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import clean, clean_lines, fit, short_size
from xnat_tui.model.plan import SIGNS, OnExisting, Plan, Policy, Step
from xnat_tui.paths import write_private
from xnat_tui.tui.screens.ask import AskText, Confirm
from xnat_tui.tui.screens.panel import Panel

_WIDTH = 72
_MOST_FINDINGS = 5
_SHARED = ("skip", "copy", "share")
_EXISTING = {
    OnExisting.SKIP: "skip: add what is missing, touch nothing that is there",
    OnExisting.UPDATE: "update: also replace what differs",
    OnExisting.OVERWRITE: "overwrite: send everything again",
}


class PlanPanel(Panel[Plan | Policy]):
    """Dismissed with the plan to run, un-ticked steps left out; or with a policy to plan again by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", priority=True),
        Binding("space", "untick", "Untick"),
        Binding("o", "existing", "Existing…"),
        Binding("m", "shared", "Shared…"),
        Binding("s", "save", "Save…"),
        Binding("Y", "copy_command", "Copy command"),
    ]
    DEFAULT_CSS = """
    PlanPanel > .panel--box { width: 78; }
    PlanPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    PlanPanel #totals, PlanPanel #findings { height: auto; }
    PlanPanel #findings { max-height: 8; }
    """
    tall = True

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"Plan · {plan.verb} to {plan.destination} · nothing written yet")
        self._plan = plan
        self._unticked: set[int] = set()

    def body(self) -> list[Widget]:
        return [
            OptionList(*map(self._option, self._plan.steps), id="steps", compact=True, markup=False),
            Static("", id="totals", markup=False),
            Static(self._findings(), id="findings", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._show_totals()

    @property
    def trimmed(self) -> Plan:
        """The plan without the steps that were un-ticked, nor those that need them."""
        return self._plan.without(self._unticked)

    def _option(self, step: Step) -> Option:
        return Option(self._line(step), id=str(step.number))

    def _line(self, step: Step) -> str:
        tick = " " if step.number in self._unticked else SIGNS[step.action]
        figures = f"{step.files} files {short_size(step.bytes)}" if step.files else ""
        reason = f" ({clean(step.reason)})" if step.reason else ""
        room = _WIDTH - len(figures) - 12
        return f"{tick} {step.action:<8} {fit(clean(step.path or '.') + reason, room):<{room}} {figures}"

    def _show_totals(self) -> None:
        totals = self.trimmed.totals
        words = [
            f"{count} {name}"
            for name, count in (
                ("create", totals.create),
                ("upload", totals.upload),
                ("update", totals.update),
                ("delete", totals.delete),
                ("skip", totals.skip),
                ("conflict", totals.conflict),
            )
            if count
        ]
        replaces = "Something is replaced or deleted." if self.trimmed.destroys else "Nothing is replaced."
        policy = self._plan.policy
        choices = f"when it exists: {policy.on_existing}    shared items: {policy.shared}"
        self.query_one("#totals", Static).update(
            f"{', '.join(words) or 'Nothing to do.'}\n"
            f"{totals.files} files, {short_size(totals.bytes) or 0} bytes. {replaces}\n{choices}"
        )

    def _findings(self) -> str:
        lines = []
        for finding in self._plan.findings[:_MOST_FINDINGS]:
            lines.append(f"{finding.severity}: {finding.message}")
        more = len(self._plan.findings) - _MOST_FINDINGS
        lines += [f"and {more} more notes"] if more > 0 else []
        lines += [f"$ {self._plan.command}"] if self._plan.command else []
        return clean_lines("\n".join(lines))

    def action_run(self) -> None:
        plan = self.trimmed
        if plan.blocked:
            self.notify("An error above forbids it.", severity="error")
        elif not plan.writes:
            self.notify("Nothing is left to do.")
        elif plan.destroys:
            text = f"This replaces or deletes in project {plan.root}."
            panel = Confirm("Replace", text, yes=f"Run {_steps(plan)}", danger=True, typed=plan.root)

            def answered(yes: bool | None) -> None:
                if yes:
                    self.dismiss(plan)

            self.app.push_screen(panel, answered)
        else:
            self.dismiss(plan)

    def action_untick(self) -> None:
        """Un-tick a step, or tick it again; what needs it goes with it."""
        steps = self.query_one(OptionList)
        at = steps.highlighted
        if at is None:
            return
        self._unticked ^= {self._plan.steps[at].number}
        kept = {step.number for step in self.trimmed.steps}
        for index, step in enumerate(self._plan.steps):
            line = self._line(step) if step.number in kept else f" {self._line(step)[1:]}"
            steps.replace_option_prompt_at_index(index, line)
        steps.highlighted = min(at + 1, len(self._plan.steps) - 1)
        self._show_totals()

    def action_existing(self) -> None:
        """Plan again with the next answer to "when it exists"."""
        answers = list(_EXISTING)
        following = answers[(answers.index(self._plan.policy.on_existing) + 1) % len(answers)]
        self.dismiss(replace(self._plan.policy, on_existing=following))

    def action_shared(self) -> None:
        """Plan again with the next way to treat items shared in."""
        following = _SHARED[(_SHARED.index(self._plan.policy.shared) + 1) % len(_SHARED)]
        self.dismiss(replace(self._plan.policy, shared=following))

    def action_save(self) -> None:
        def named(name: str | None) -> None:
            if name:
                path = Path(name).expanduser()
                try:
                    write_private(path, json.dumps(self.trimmed.to_dict(), indent=1))
                    self.notify(f"Saved the plan as {clean(str(path))}", markup=False)
                except OSError as error:
                    self.notify(clean(str(error)), severity="error", markup=False)

        def problem(name: str) -> str:
            return f"{name} exists already." if Path(name).expanduser().exists() else ""

        question = AskText(
            "Save plan", "File:", value=f"{self._plan.verb}.plan.json", problem=problem, done="Save"
        )
        self.app.push_screen(question, named)

    def action_copy_command(self) -> None:
        self.app.copy_to_clipboard(self._plan.command)
        self.notify(f"Copied: {clean(self._plan.command)}", markup=False)


def _steps(plan: Plan) -> str:
    count = sum(step.writes for step in plan.steps)
    return f"{count} step{'s' if count != 1 else ''}"
