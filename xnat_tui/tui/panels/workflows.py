"""Workflows of an item or a project: what runs, what is stuck, and ending it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from xnat_tui.model.changed import What
from xnat_tui.model.changes import Change
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.model.workflow import Workflow
from xnat_tui.tui.panels.changes import ChangesPanel
from xnat_tui.tui.panels.reading import refuses_writing
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel

if TYPE_CHECKING:
    from xnat_tui.services.administration.workflows import Workflows

_WHO_MAY = "Only the one who started it, or a site administrator, may dismiss it."


class WorkflowsPanel(RowsPanel[Workflow]):
    """AutoRuns first: they are what blocks renaming when they are stuck."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dismiss_chosen", "Dismiss…"),
        Binding("D", "dismiss_stuck", "All open AutoRuns…"),
        Binding("a", "pipelines", "AutoRun/all"),
        Binding("o", "scope", "Item/project"),
    ]
    writes = frozenset({"dismiss_chosen", "dismiss_stuck"})
    heeds = frozenset({What.WORKFLOWS})
    empty = "No such workflow. a shows every pipeline or AutoRun only, o the whole project."

    def __init__(self, place: Place) -> None:
        columns = [
            *(Column("status", 18), Column("pipeline", 14), Column("session", 14)),
            *(Column("step", 9), Column("started", 11)),
        ]
        super().__init__(f"Workflows · {place.location}", columns)
        self._item = self._place = place
        self._every = False

    @property
    def refusal(self) -> str:
        return self.context.rights.refusal(self._place.server)

    def shown_places(self) -> Sequence[Place]:
        return [self._place]

    # rows

    def _service(self) -> Workflows:
        return self.context.workspace.workflows(self._place.server)

    def read(self) -> list[Workflow]:
        found = self._service().at(self._place, every_pipeline=self._every)
        return found[::-1]  # the newest first

    def key_of(self, row: Workflow) -> str:
        return row.key

    def sign(self, row: Workflow) -> str:
        if row.open:
            return ">"
        return "!" if row.status == "Failed" else " "

    def cells(self, row: Workflow) -> Sequence[str]:
        dash = self.context.glyphs.dash
        share = f"{row.percent}%" if row.percent and row.open else ""
        step = " ".join(part for part in (row.step, share) if part)
        return [row.status, row.name, row.label or row.item, step or dash, row.started[5:16]]

    def about(self, row: Workflow) -> str:
        whose = f" by {row.user}" if row.user else ""
        lines = [f"{row.pipeline} {row.id} · {row.status} · started {row.started[:19] or 'unknown'}{whose}"]
        if row.step:
            lines.append(f"step: {row.step}")
        if row.open:
            lines.append(f"Open: it blocks renaming, and merging into, {row.label or row.item}.")
            me = self.context.workspace.connection(self._place.server).user
            if row.user != me:
                lines.append(_WHO_MAY)
        return "\n".join(lines)

    def rows_changed(self) -> None:
        count = sum(row.open for row in self.rows)
        what = "every pipeline" if self._every else "AutoRun"
        self.retitle(f"Workflows · {_name(self._place)} · {what}: {len(self.rows)}, {count} open")

    # what the user asks for

    def action_pipelines(self) -> None:
        """Every pipeline's workflows, or AutoRuns alone."""
        self._every = not self._every
        self.marks.clear()
        self.action_reload()

    def action_scope(self) -> None:
        """The item's workflows, or those of its whole project."""
        project = self._item.up_to(Kind.PROJECT)
        self._place = project if self._place == self._item else self._item
        self.marks.clear()
        self.action_reload()

    def action_dismiss_chosen(self) -> None:
        chosen = self.chosen()
        if not any(row.open for row in chosen):
            self.complain("! Only workflows that are open (>) can be dismissed." if chosen else "")
            return
        place = self._place
        self._plan(
            f"dismiss {counted(len(chosen), 'workflow')}",
            lambda service: [service.dismissal(place, row) for row in chosen],
            [part for row in chosen if row.id for part in ("--id", row.id)],
        )

    def action_dismiss_stuck(self) -> None:
        """Every open AutoRun here; other pipelines' workflows are left alone."""
        place = self._place
        title = f"dismiss the open AutoRuns of {_name(place)}"
        self._plan(title, lambda service: service.plan_dismiss([place]), [])

    def _plan(self, title: str, make: Callable[[Workflows], list[Change]], options: Sequence[str]) -> None:
        server = self._place.server
        if refuses_writing(self):
            return
        self.complain("")
        service = self._service()
        command = shlex.join(["xnat-tui", "autorun", "dismiss", str(self._place.location), *options])

        def show(changes: list[Change]) -> None:
            if not self.is_active:
                return
            if not changes:
                self.complain("No AutoRun is open here.")
                return
            notes = [_WHO_MAY.replace("it.", "a workflow.")]
            panel = ChangesPanel(
                *(title, changes, service.do),
                server=server,
                command=command,
                notes=notes,
                label=_row_label,
                ended=self._ended,
            )
            self.app.push_screen(panel)

        self.context.run("plan", lambda: make(service), show, self.complain_of)

    def _ended(self, _: object) -> None:
        self.marks.clear()


def _row_label(change: Change) -> str:
    return f"{change.after.get('session_label', '')} {change.after.get('pipeline_name', '')}".strip()


def _name(place: Place) -> str:
    item = place.item
    return item.key or item.id if item is not None else place.server
