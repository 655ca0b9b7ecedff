"""What runs of a sync have told: all runs, the report of one, and the log of an item through all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import counted, short_size
from xnat_tui.model.threeway import ENDING_SIGNS, Ending
from xnat_tui.tui.panels.ask import AskText
from xnat_tui.tui.panels.rows_panel import Column, RowsPanel
from xnat_tui.tui.panels.syncs.lines import beside
from xnat_tui.tui.plans.lines import where
from xnat_tui.tui.wording import in_keys

if TYPE_CHECKING:
    from xnat_tui.services.syncing.memory import Run

_ITEM_COLUMNS = (
    *(Column("state", 10), Column("change", 8), Column("what", 28)),
    Column("source / destination", 19),
)
_RUN_COLUMNS = (
    *(Column("when", 11), Column("state", 11), Column("told", 22)),
    *(Column("took", 7, right=True), Column("files", 6, right=True), Column("size", 5, right=True)),
)
_LOG_COLUMNS = (Column("run", 23), Column("state", 10), Column("change", 8), Column("what", 24))
Row = Mapping[str, Any]


class UnmarkedRows(RowsPanel[Row]):
    """Rows that are only read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "step(1)", show=False),
        Binding("q", "leave", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action not in ("mark", "invert")

    def key_of(self, row: Row) -> str:
        return f"{row.get('run', '')} {row['path']} {row.get('field', '')}"

    def sign(self, row: Row) -> str:
        return ENDING_SIGNS.get(Ending(row["state"]), " ") if row["state"] in list(Ending) else " "


class SyncReportPanel(UnmarkedRows):
    """The report of one run: everything that it told of."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "log", "Log of the item"),
        Binding("s", "save", "Save report…"),
        *UnmarkedRows.BINDINGS,
    ]
    empty = "This run found nothing changed."

    def __init__(self, run: Run) -> None:
        count = counted(len(run.document.get("items", ())), "thing")
        super().__init__(f"Report · {run.id} · {run.state} · {count} told", _ITEM_COLUMNS)
        self._of = run

    def read(self) -> list[Row]:
        return [*self._of.document.get("items", ())]

    def rows_changed(self) -> None:
        if note := self._of.document.get("note"):
            self.complain(f"! {note}")

    def cells(self, row: Row) -> Sequence[str]:
        values = f"{row['source']} / {row['destination']}" if row["source"] or row["destination"] else ""
        return row["state"], row["change"], f"{where(row['path'])} {row.get('field', '')}".rstrip(), values

    def about(self, row: Row) -> str:
        head = f"{row['path'] or '.'} {row.get('field', '')}".rstrip()
        side = f" ({row['side']})" if row["side"] else ""
        lines = [f"{head} · {row['kind']} · {row['change']}{side} · {row['state']}", in_keys(row["reason"])]
        lines += beside(row["source"], row["destination"])
        return "\n".join(line for line in lines if line)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_log()

    def action_log(self) -> None:
        row = self.current
        if row is not None:
            self.app.push_screen(ItemLogPanel(self._of.sync, path=row["path"]))

    def action_save(self) -> None:
        from xnat_tui.services.syncing import reports

        def named(name: str | None) -> None:
            if name:
                path = Path(name).expanduser()
                try:
                    reports.write([self._of.document], path)
                    self.complain(f"Saved the report as {path}")
                except XnatTuiError as error:
                    self.complain_of(error)

        def problem(name: str) -> str:
            return f"{name} exists already." if Path(name).expanduser().exists() else ""

        if not self._of.document:
            self.complain("! This run has not come to a report.")
            return
        question = AskText(
            "Save report", "File (.html, .md, .json):", value=f"{self._of.id}.html", problem=problem
        )
        self.app.push_screen(question, named)


class ItemLogPanel(UnmarkedRows):
    """What all runs told of an item, oldest first: when it arrived, and what became of it since."""

    empty = "No run tells of it."

    def __init__(self, name: str, *, path: str = "", place: str = "") -> None:
        """`place` is what somebody typed, a location or a path; else `path` is one of a report."""
        super().__init__(f"Log · {name} · {place or path or 'the whole of it'}", _LOG_COLUMNS)
        self._sync = name
        self._path, self._place = path, place

    def read(self) -> list[Row]:
        syncing = self.context.workspace.syncing()
        if self._place:
            return [*syncing.item_log(self._sync, self._place)]
        return [*syncing.path_log(self._sync, self._path)]

    def cells(self, row: Row) -> Sequence[str]:
        return row["run"], row["state"], row["change"], where(row["path"])

    def about(self, row: Row) -> str:
        side = f" ({row['side']})" if row["side"] else ""
        head = f"{row['run']} · {row['change']}{side} · {row['state']}"
        return "\n".join(line for line in (head, row["path"] or ".", in_keys(row["reason"])) if line)


class RunsPanel(RowsPanel["Run"]):
    """The runs of a sync, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "report", "Report"),
        *UnmarkedRows.BINDINGS,
    ]
    empty = "It was never run."

    def __init__(self, name: str) -> None:
        super().__init__(f"Runs · {name}", _RUN_COLUMNS)
        self._sync = name

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action not in ("mark", "invert")

    def read(self) -> list[Run]:
        return self.context.workspace.syncing().runs(self._sync)

    def rows_changed(self) -> None:
        self.retitle(f"Runs · {self._sync} · {counted(len(self.rows), 'run')}")

    def key_of(self, row: Run) -> str:
        return row.id

    def sign(self, row: Run) -> str:
        return " " if row.state in ("done", "running") else "!"

    def cells(self, row: Run) -> Sequence[str]:
        from xnat_tui.services.syncing.standing import began

        ended = bool(row.document)
        files, size = row.document.get("files", 0), row.document.get("bytes", 0)
        figures = (f"{row.seconds:.1f} s", str(files), short_size(size)) if ended else ("", "", "")
        return f"{began(row):%m-%d %H:%M}", row.state, endings(row) or self.context.glyphs.dash, *figures

    def about(self, row: Run) -> str:
        return run_words(row)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_report()

    def action_report(self) -> None:
        row = self.current
        if row is not None:
            self.app.push_screen(SyncReportPanel(row))


def endings(run: Run) -> str:
    """`4 verified, 1 conflict`: how things ended that a run told of."""
    summary = run.document.get("summary", {})
    return ", ".join(f"{count} {word}" for word, count in summary.items() if count)


def run_words(run: Run) -> str:
    """A run in full: what it changed, how that ended, and what it cost."""
    from xnat_tui.services.syncing.standing import began, changes

    lines = [f"{run.id} · {run.state} · {began(run):%Y-%m-%d %H:%M:%S}"]
    if run.document:
        told = ", ".join(f"{count} {word}" for word, count in changes(run).items())
        lines.append(f"{told or 'no change'}{'; ' if endings(run) else ''}{endings(run)}")
        asked, count = run.document["requests"], run.document["files"]
        size = f" {short_size(run.document['bytes'])}" if count else ""
        cost = f"{asked['source']} and {asked['destination']} requests, {run.seconds:.1f} s"
        lines.append(f"{counted(count, 'file')}{size} sent, {cost}")
    if note := run.document.get("note"):
        lines.append(f"! {in_keys(note)}")
    return "\n".join(lines)
