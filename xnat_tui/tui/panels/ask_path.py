"""The question for a file or folder of this machine: completed with tab, the last ones with the arrows."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from xnat_tui.model.display import clean, fit
from xnat_tui.services.local_paths import completed, recalled, remember
from xnat_tui.tui.panels.ask import AskText

_CELLS = 62


class AskPath(AskText):
    """One path, or with `several` some of them as a shell would read them; a single one with blanks needs no
    quotes. What was answered is offered first the next time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", priority=True),
        Binding("up", "recall(1)", "Last ones"),
        Binding("down", "recall(-1)", show=False),
    ]
    DEFAULT_CSS = "AskPath #choices { color: $text-muted; height: auto; max-height: 2; }"
    several = False

    def body(self) -> list[Widget]:
        return [*super().body(), Static("", id="choices", markup=False)]

    def on_mount(self) -> None:
        self._last = recalled()
        self._at = -1

    def keys_entries(self) -> list[str]:
        return ["tab Complete", "up Last ones", *super().keys_entries()]

    def action_complete(self) -> None:
        """As far as the names that are there agree; where several are left, they are shown."""
        line = self.query_one(Input)
        line.value, left = completed(line.value, several=self.several)
        line.cursor_position = len(line.value)
        self.query_one("#choices", Static).update(fit(clean("  ".join(left)), _CELLS * 2))

    def action_recall(self, step: int) -> None:
        """What was answered before, the last one first."""
        if not self._last:
            return
        self._at = max(0, min(self._at + step, len(self._last) - 1))
        line = self.query_one(Input)
        line.value = self._last[self._at]
        line.cursor_position = len(line.value)

    def accept(self, answer: str) -> None:
        remember(answer)
        super().accept(answer)


class AskPaths(AskPath):
    """Several paths."""

    several = True
