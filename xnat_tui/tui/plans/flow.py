"""From a plan on the screen to a transfer in the queue."""

from __future__ import annotations

from xnat_tui.model.options import TransferOptions
from xnat_tui.model.plan import Plan
from xnat_tui.tui.context import Context
from xnat_tui.tui.plans.panel import Planner, PlanPanel


def show_plan(context: Context, make: Planner, options: TransferOptions, title: str) -> None:
    """Open the panel that makes a plan and shows it: keys pressed meanwhile are the panel's. What it is
    dismissed with runs in a process of its own."""

    def answered(plan: Plan | None) -> None:
        if plan is not None:
            context.main.start(plan)

    context.ask(PlanPanel(make, options, title), answered)
