"""Which columns of a table are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from xnat_tui.tui.panels.rows_panel import Column, RowsPanel


class ColumnsPanel(RowsPanel[str]):
    """The names of all columns, those that are shown marked and first, in their order."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "show", "Show these")]

    def __init__(
        self, known: Sequence[str], shown: Sequence[str], chosen: Callable[[tuple[str, ...]], None]
    ) -> None:
        super().__init__("Columns", [Column("column", 60)])
        self._names = [*shown, *(name for name in known if name not in shown)]
        self._chosen = chosen
        self.marks = set(shown)

    def read(self) -> list[str]:
        return self._names

    def key_of(self, row: str) -> str:
        return row

    def cells(self, row: str) -> Sequence[str]:
        return (row,)

    def about(self, row: str) -> str:
        return f"{row}\n{len(self.marks)} of {len(self._names)} are shown, in this order."

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_show()

    def action_show(self) -> None:
        chosen = tuple(name for name in self._names if name in self.marks)
        if not chosen:
            self.complain("Mark one column at least.")
            return
        self.dismiss(None)
        self._chosen(chosen)

    def action_leave(self) -> None:
        """As it was; marks are what is shown, and not to be lost by one key."""
        if self.query_one("#only").has_class("-shown"):
            self._leave_filter(keep=False)
        else:
            self.dismiss(None)
