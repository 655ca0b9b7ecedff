"""The saved syncs: how each stands, and running, planning, following, showing and removing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.panels.ask import AskText, Confirm
from xnat_tui.tui.panels.reading import ask_server
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.tui.panels.syncs.planned import SyncPlanPanel
from xnat_tui.tui.panels.syncs.told import ItemLogPanel, RunsPanel, endings, run_words

if TYPE_CHECKING:
    from xnat_tui.services.syncing.entrance import SyncPlan, SyncReport
    from xnat_tui.services.syncing.standing import Standing

_COLUMNS = (
    *(Column("name", 9), Column("from → to", 19), Column("state", 9)),
    *(Column("last run", 11), Column("changed", 7, right=True), Column("next due", 11)),
)


class SyncsPanel(RowsPanel["Standing"]):
    """What is saved in `config.toml` now, each with its newest run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run…", tooltip="Show what a run would do, then run exactly that"),
        Binding("n", "plan", "Plan only", tooltip="Show what a run would do"),
        Binding("h", "runs", "Runs", tooltip="All runs, and the report of each"),
        Binding("i", "log", "Item's log…", tooltip="What all runs told of an item: when did it arrive?"),
        Binding("o", "show", "Show places", tooltip="Open the source left and the destination right"),
        Binding("f8", "remove", "Remove…", tooltip="Forget a sync and what it remembers"),
        Binding("space", "step(1)", show=False),
        Binding("L,q", "leave", show=False),
    ]
    empty = "No sync is saved. Add one: xnat-tui sync add NAME SOURCE DESTINATION"

    def __init__(self) -> None:
        super().__init__("Syncs", _COLUMNS)

    def on_mount(self) -> None:
        self.context.syncs.watchers.append(self._further)

    def on_unmount(self) -> None:
        self.context.syncs.watchers.remove(self._further)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Syncs are run one by one: nothing is marked here."""
        return action not in ("mark", "invert")

    def _further(self) -> None:
        """A run has come further, or to its end."""
        if not self.is_attached:
            return
        for row in self.rows:
            self.show_row(row)
        if not self.context.syncs.far:
            self.action_reload()

    # rows

    def read(self) -> list[Standing]:
        return self.context.workspace.syncing().standings()

    def rows_changed(self) -> None:
        due = sum(row.due for row in self.rows)
        self.retitle(f"Syncs · {len(self.rows)} saved, {due} due")

    def key_of(self, row: Standing) -> str:
        return row.sync.name

    def _state(self, row: Standing) -> str:
        ran = row.last.state if row.last is not None else "never run"
        return self.context.syncs.far.get(row.sync.name, ran)

    def sign(self, row: Standing) -> str:
        if row.sync.name in self.context.syncs.far or self._state(row) == "running":
            return ">"
        return " " if row.last is None or row.last.state == "done" else "!"

    def cells(self, row: Standing) -> Sequence[str]:
        dash = self.context.glyphs.dash
        when = f"{row.ran:%m-%d %H:%M}" if row.ran else dash
        due = "due" if row.due else f"{row.next_due:%m-%d %H:%M}" if row.next_due else dash
        places = f"{row.sync.source} → {row.sync.destination}"
        return row.sync.name, places, self._state(row), when, self._changed(row), due

    def _changed(self, row: Standing) -> str:
        from xnat_tui.services.syncing.standing import changes

        if row.last is None or not row.last.document:
            return self.context.glyphs.dash
        return str(sum(changes(row.last).values()))

    def about(self, row: Standing) -> str:
        sync = row.sync
        when = f"every {sync.every}" if sync.every else f"at {sync.at}" if sync.at else "no schedule"
        lines = [f"{sync.name}: {sync.source} → {sync.destination} · {sync.depth} · {when}"]
        lines.append(run_words(row.last) if row.last is not None else "It was never run.")
        return "\n".join(lines)

    # what the user asks for

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_run()

    def action_run(self) -> None:
        row = self.current
        if row is None:
            return
        self.complain("")
        if row.sync.name in self.context.syncs.far:
            self.complain(f"! {row.sync.name} is being run: t shows what it sends.")
        else:
            self.app.push_screen(SyncPlanPanel(row.sync.name, self._start))

    def action_plan(self) -> None:
        row = self.current
        if row is not None:
            self.app.push_screen(SyncPlanPanel(row.sync.name, None))

    def _start(self, planned: SyncPlan) -> None:
        context, name = self.context, planned.sync.name

        def ended(report: SyncReport) -> None:
            counts = report.to_dict()["summary"]
            words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
            tell = context.remember if self.is_active else context.announce  # its row says it as well
            tell(f"sync {name}: {report.state}. {words or 'No change'}. T shows it.")
            if report.note:
                context.remember(f"sync {name}: {report.note}")

        def failed(error: XnatTuiError) -> None:
            context.remember(f"sync {name}: {error.title}")
            context.report(error)

        context.syncs.start(context.workspace, planned, ended, failed)

    def action_runs(self) -> None:
        row = self.current
        if row is not None:
            self.app.push_screen(RunsPanel(row.sync.name))

    def action_log(self) -> None:
        row = self.current
        if row is None:
            return
        name = row.sync.name

        def named(place: str | None) -> None:
            if place and place.strip():
                self.app.push_screen(ItemLogPanel(name, place=place.strip()))

        question = f"A place of {row.sync.source} or {row.sync.destination}:"
        self.app.push_screen(AskText(f"Log of an item · {name}", question, done="Show"), named)

    def action_show(self) -> None:
        """Both places in the trees below; the panel is left for that."""
        row = self.current
        if row is not None:
            self.dismiss(None)
            self.context.main.open_both(row.sync.source, row.sync.destination)

    def action_remove(self) -> None:
        row = self.current
        if row is None:
            return
        name = row.sync.name

        def answered(yes: bool | None) -> None:
            if yes:
                syncing = self.context.workspace.syncing()
                ask_server(
                    self,
                    "remove",
                    lambda: syncing.remove(name),
                    removed,
                    self.complain_of,
                )

        def removed(_: object) -> None:
            self.action_reload()

        told = f", {endings(row.last)} in its last run" if row.last is not None and endings(row.last) else ""
        text = (
            f"Forget {name} ({row.sync.source} → {row.sync.destination}{told}), what it remembers and its"
            " history? What it copied stays where it is."
        )
        self.app.push_screen(Confirm("Remove sync", text, yes="Remove", danger=True), answered)
