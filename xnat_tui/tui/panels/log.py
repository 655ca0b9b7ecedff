"""What went wrong since the explorer was opened."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from xnat_tui.model.display import clean_lines
from xnat_tui.tui.panels.panel import Panel


class LogPanel(Panel[None]):
    """Newest first."""

    tall = True

    def __init__(self) -> None:
        super().__init__("Log")

    def body(self) -> list[Widget]:
        text = "\n\n".join(reversed(self.context.happened)) or "Nothing went wrong so far."
        return [VerticalScroll(Static(clean_lines(text), markup=False))]

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
