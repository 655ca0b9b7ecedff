"""The plan: every step, what it costs, what to know before; nothing is written until it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xnat_tui.model.display import cell_width, clean, clean_lines, fit, short_size
from xnat_tui.model.plan import SIGNS, Finding, OnExisting, Plan, Policy, Step
from xnat_tui.paths import write_private
from xnat_tui.tui.screens.ask import AskText, Confirm
from xnat_tui.tui.screens.panel import KeysLine, Panel

_SHARED = ("skip", "copy", "share")
_COUNTED = ("create", "upload", "update", "delete", "skip", "conflict")


class PlanPanel(Panel[Plan | Policy]):
    """Dismissed with the plan to run, un-ticked steps left out; or with a policy to plan again by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", priority=True),
        Binding("space", "untick", "Untick", tooltip="Leave a step out, or take it in again"),
        Binding("f", "notes", "Notes", tooltip="Everything to know before, and the steps again"),
        Binding("o", "existing", "Existing…", tooltip="When it exists: skip, update, overwrite"),
        Binding("m", "shared", "Shared…", tooltip="Items shared in: skip, copy, share"),
        Binding("s", "save", "Save…", tooltip="Save the plan as JSON"),
        Binding("Y", "copy_command", "Copy command", tooltip="Put the equivalent command on the clipboard"),
    ]
    DEFAULT_CSS = """
    PlanPanel > .panel--box { width: 100; height: 100%; }
    PlanPanel OptionList { height: 1fr; border: none; background: $surface; padding: 0;
                           scrollbar-size-vertical: 1; }
    PlanPanel #notes { display: none; }
    PlanPanel.-notes #notes { display: block; }
    PlanPanel.-notes OptionList { display: none; }
    PlanPanel #totals { height: auto; }
    """
    tall = True

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"Plan · {plan.verb} to {plan.destination} · nothing written yet")
        self._plan = plan
        self._unticked: set[int] = set()

    def body(self) -> list[Widget]:
        return [
            OptionList(id="steps", compact=True, markup=False),
            VerticalScroll(Static(self._notes(), markup=False), id="notes", classes="panel--rest"),
            Static("", id="totals", markup=False),
        ]

    def on_mount(self) -> None:
        self.query_one("#steps").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def keys_entries(self) -> list[str]:
        """What stands after `enter` says how much it does."""
        plan = self.trimmed
        run = "enter Cannot run" if plan.blocked else f"enter Run {_steps(plan)}"
        return [run, *super().keys_entries()[1:]]

    @property
    def trimmed(self) -> Plan:
        """The plan without the steps that were un-ticked, nor those that need them."""
        return self._plan.without(self._unticked)

    def _show(self) -> None:
        steps = self.query_one("#steps", OptionList)
        at = steps.highlighted
        room = max(20, steps.scrollable_content_region.width)
        kept = {step.number for step in self.trimmed.steps}
        steps.clear_options()
        steps.add_options([Option(_line(step, room, step.number in kept)) for step in self._plan.steps])
        steps.highlighted = min(at or 0, len(self._plan.steps) - 1) if self._plan.steps else None
        self.query_one("#totals", Static).update(clean_lines("\n".join(self._totals())))
        self.query_one(KeysLine).say(self.keys_entries())

    def _totals(self) -> Iterator[str]:
        plan, policy = self.trimmed, self._plan.policy
        counts = [f"{count} {word}" for word in _COUNTED if (count := getattr(plan.totals, word))]
        size = f"{plan.totals.files} files {short_size(plan.totals.bytes) or '0'}"
        replaces = "Something is replaced or deleted." if plan.destroys else "Nothing is replaced."
        yield f"{', '.join(counts) or 'Nothing to do'} · {size} · {replaces}"
        if self._plan.verb == "copy":
            yield f"when it exists: {policy.on_existing} · shared items: {policy.shared}"
        findings = sorted(self._plan.findings, key=_weight)
        if findings and findings[0].severity != "info":
            yield f"{_SIGN[findings[0].severity]} {findings[0].message}"
        if findings:
            yield f"{_count(len(findings), 'note')} to read: f"

    def _notes(self) -> str:
        lines = []
        for finding in sorted(self._plan.findings, key=_weight):
            lines += [f"{_SIGN[finding.severity]} {finding.message}"]
            lines += [f"  {finding.hint}"] if finding.hint else []
        lines += ["", "The same from a shell:", f"$ {self._plan.command}"] if self._plan.command else []
        return clean_lines("\n".join(lines) or "There is nothing to note.")

    def action_notes(self) -> None:
        self.toggle_class("-notes")
        self.query_one("#notes" if self.has_class("-notes") else "#steps").focus()

    @on(OptionList.OptionSelected)
    def action_run(self) -> None:
        plan = self.trimmed
        if plan.blocked:
            errors = [finding for finding in plan.findings if finding.severity == "error"]
            self.complain("\n".join(["This cannot be run.", *(error.hint for error in errors if error.hint)]))
        elif not plan.writes:
            self.complain("Nothing is left to do.")
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
        steps = self.query_one("#steps", OptionList)
        at = steps.highlighted
        if at is None:
            return
        self._unticked ^= {self._plan.steps[at].number}
        self._show()
        steps.highlighted = min(at + 1, len(self._plan.steps) - 1)

    def action_existing(self) -> None:
        """Plan again with the next answer to "when it exists"."""
        answers = list(OnExisting)
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
        self.app.copy_to_clipboard(self._plan.command)
        self.complain(f"Copied: {self._plan.command}")


_SIGN = {"error": "!", "warning": "*", "info": "-"}


def _weight(finding: Finding) -> int:
    return list(_SIGN).index(finding.severity)


def _line(step: Step, room: int, kept: bool) -> str:
    sign = SIGNS[step.action] if kept else " "
    word = step.action if kept else "left out"
    figures = f"  {step.files} files {short_size(step.bytes)}" if step.files else ""
    reason = f" ({clean(step.reason)})" if step.reason else ""
    left = room - len(figures) - 11
    text = fit(clean(step.path or ".") + reason, left)
    return f"{sign} {word:<8} {text}{' ' * (left - cell_width(text))}{figures}"


def _steps(plan: Plan) -> str:
    return _count(sum(step.writes for step in plan.steps), "step")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
