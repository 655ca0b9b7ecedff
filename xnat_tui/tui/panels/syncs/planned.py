"""What a run of a sync would do: that, and nothing else, is what `enter` runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from xnat_tui.model.display import clean, counted
from xnat_tui.model.threeway import PLAIN, Wishes
from xnat_tui.tui.panels.ask import Confirm
from xnat_tui.tui.panels.reading import ask_rights, refuses_writing
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.tui.panels.syncs.lines import Line, lines_of
from xnat_tui.tui.plans.options import PlanOptions

if TYPE_CHECKING:
    from xnat_tui.model.plan import Plan
    from xnat_tui.services.syncing.planning import SyncPlan

_COLUMNS = (Column("does", 10), Column("what", 28), Column("why, or now → then", 28))


class SyncPlanPanel(RowsPanel[Line]):
    """Makes the plan while one looks on, and again by other options. `run` gets what is to be run; without
    one it is only looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", priority=True),
        Binding("o", "options", "Options…", tooltip="Prefer a side in conflicts; restore what is gone there"),
        Binding("Y", "copy_command", "Copy command", tooltip="Put the equivalent command on the clipboard"),
        Binding("space", "step(1)", show=False),
        Binding("q", "leave", show=False),
    ]
    writes = frozenset({"run"})
    empty = "Nothing changed since the last run: nothing is to be written."

    def __init__(self, name: str, run: Callable[[SyncPlan], None] | None) -> None:
        super().__init__(f"Plan · sync {name} · nothing written yet", _COLUMNS)
        self._sync = name
        self._run = run
        self._wishes: Wishes = PLAIN
        self._made: SyncPlan | None = None
        self._planned: SyncPlan | None = None
        """What is shown; None while it is being made, or could not be."""
        self._server = self._project = ""
        """What it writes to; known with the plan."""

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._server, self._project) if self._server else ""

    def keys_entries(self) -> list[str]:
        entries = super().keys_entries()
        if not entries[0].startswith("enter"):
            return entries
        return [f"enter {self._word()}", *entries[1:]] if self._word() else entries[1:]

    def _word(self) -> str:
        """What `enter` does now; "" for nothing."""
        if self._planned is None or self._run is None:
            return ""
        plan = self._planned.plan
        if plan is not None and plan.blocked:
            return "Cannot run"
        return f"Run {counted(_count(plan), 'step')}" if _count(plan) else "Run: remember what is alike"

    # rows

    def action_reload(self) -> None:
        self._planned = None
        self.complain("Planning …")
        super().action_reload()
        self.show_keys()

    def read(self) -> list[Line]:
        workspace, wishes = self.context.workspace, self._wishes
        made = workspace.plan_sync(self._sync, prefer=wishes.prefer, restore=wishes.restore)
        self._server = workspace.location(made.sync.destination).server
        self._made = made
        return lines_of(made)

    def rows_changed(self) -> None:
        planned = self._planned = self._made
        assert planned is not None, "rows are those of a plan"
        self._project = planned.plan.root if planned.plan is not None else ""
        ask_rights(self, self._server, self._project)
        left = sum(not one.moves for one in planned.told)
        counts = f"{counted(_count(planned.plan), 'step')}, {left} told"
        self.retitle(f"Plan · sync {self._sync} · {counts} · nothing written yet")
        self.show_keys()

    def key_of(self, row: Line) -> str:
        return row.key

    def sign(self, row: Line) -> str:
        return row.sign

    def cells(self, row: Line) -> Sequence[str]:
        return row.word, row.path, row.detail

    def about(self, row: Line) -> str:
        return row.about

    # what the user asks for

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """`enter` in the filter only ends that; nothing is marked here."""
        if action == "run":
            return self._run is not None and not self.query_one("#only", Input).has_focus
        return action not in ("mark", "invert")

    @on(OptionList.OptionSelected)
    def action_run(self) -> None:
        planned = self._planned
        if planned is None or self._run is None:  # a list can be chosen from without its key
            return
        plan = planned.plan
        if plan is not None and plan.blocked:
            self.complain("This cannot be run: the rows marked ! say why.")
        elif plan is None or not plan.writes:
            self._go(planned)
        elif refuses_writing(self):
            return
        elif planned.overwrites:
            text = f"What was changed at {planned.sync.destination} is overwritten by the source's."
            panel = Confirm(
                "Overwrite", text, yes=f"Run {counted(_count(plan), 'step')}", danger=True, typed=plan.root
            )
            self.app.push_screen(panel, lambda yes: self._go(planned) if yes else None)
        else:
            self._go(planned)

    def _go(self, planned: SyncPlan) -> None:
        assert self._run is not None, "it can be run"
        self._run(planned)
        self.dismiss(None)

    def action_options(self) -> None:
        def chosen(wishes: Wishes | None) -> None:
            if wishes is not None and wishes != self._wishes:
                self._wishes = wishes
                self.action_reload()

        self.app.push_screen(PlanOptions(self._wishes), chosen)

    def action_copy_command(self) -> None:
        words = ["xnat-tui", "sync", "run", self._sync]
        words += ["--prefer", str(self._wishes.prefer)] if self._wishes.prefer else []
        words += ["--restore"] if self._wishes.restore else []
        command = shlex.join(words)
        self.app.copy_to_clipboard(command)
        self.notify(f"Copied: {clean(command)}", markup=False)


def _count(plan: Plan | None) -> int:
    return sum(step.writes for step in plan.steps) if plan is not None else 0
