"""The lines around the panes: what goes on, what is under the cursor, what is marked, what keys do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.events import Click
from textual.widgets import Static

from xnat_tui.model.display import cell_width
from xnat_tui.tui.action import Action
from xnat_tui.tui.explorer.pair_words import cut
from xnat_tui.tui.terminal.key_names import key_name

_ASCII = str.maketrans({"·": "-", "…": "~", "—": "-", "›": ">", "→": ">", "»": ">"})
"""Our own signs on a terminal that has plain characters alone; labels stay what they are."""


class Line(Static):
    """One line of text that is sent to the terminal only when it has changed."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, identifier: str) -> None:
        super().__init__("", id=identifier, markup=False)
        self.text = ""

    def say(self, text: str, kept: str = "") -> None:
        """What is `kept` stands last, and is whole as long as there is any room for it."""
        after = f"   {kept}" if kept else ""
        left = self.size.width - cell_width(after)
        fitted = cut(text, max(0, left)) + after if self.size.width else text + after
        if self.app.has_class("-ascii"):
            fitted = fitted.translate(_ASCII)
        if fitted != self.text:
            self.text = fitted
            self.update(fitted, layout=False)


class KeyBar(Static):
    """At most eight actions that matter now; those that cannot be done are dim, and say why when pressed."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; background: $panel; }"
    MOST = 8

    def __init__(self, run: Callable[[str], None]) -> None:
        super().__init__("", id="keys", markup=False)
        self._run = run
        self._shown: tuple[tuple[tuple[str, str, bool], ...], int] = ((), 0)
        """What is shown, and for how wide a terminal."""
        self._spans: list[tuple[int, int, str]] = []

    def show(self, actions: Sequence[Action], refused: Callable[[Action], bool]) -> None:
        from rich.text import Text

        entries = tuple(
            (action.id, f"{key_name(action.keys)} {action.label.rstrip('…')}", refused(action))
            for action in actions[: self.MOST]
        )
        if (entries, self.size.width) == self._shown:
            return
        self._shown = (entries, self.size.width)
        self._spans = []
        line, at = Text(no_wrap=True), 0
        for identifier, words, dim in self._fitting(entries):
            key, _, label = words.partition(" ")
            line.append(key, "dim" if dim else "bold")
            line.append(f" {label}  ", "dim" if dim else "")
            width = cell_width(words) + 2
            self._spans.append((at, at + width, identifier))
            at += width
        self.update(line, layout=False)

    def _fitting(self, entries: tuple[tuple[str, str, bool], ...]) -> list[tuple[str, str, bool]]:
        """As many as there is room for, the last one (help) always among them."""
        kept = list(entries)
        while len(kept) > 1 and 0 < self.size.width < sum(cell_width(one[1]) + 2 for one in kept) - 2:
            del kept[-2]
        return kept

    def on_click(self, event: Click) -> None:
        for first, last, identifier in self._spans:
            if first <= event.x < last:
                self._run(identifier)


class TransfersStrip(Static):
    """Up to three transfers, below the panes of a wide terminal; gone when there is nothing to tell."""

    DEFAULT_CSS = """
    TransfersStrip { display: none; height: auto; border: round $foreground 30%; padding: 0 1; }
    TransfersStrip.-shown { display: block; }
    """
    MOST = 3

    def __init__(self) -> None:
        super().__init__("", id="strip", markup=False)
        self.border_title = "Transfers (t)"
        self._lines: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        shown = list(lines[: self.MOST])
        if shown == self._lines:
            return
        taller = len(shown) != len(self._lines)
        self._lines = shown
        self.set_class(bool(shown), "-shown")
        self.update("\n".join(shown), layout=taller)
