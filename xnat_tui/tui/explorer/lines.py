"""The lines around the panes: what goes on, what is under the cursor, what is marked, what keys do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.timer import Timer

from xnat_tui.model.display import clean
from xnat_tui.tui.action import Action
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer import pair_words
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.outages import Outages
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.situation import situation
from xnat_tui.tui.transfers.lines import strip_line
from xnat_tui.tui.transfers.queue import TransferQueue
from xnat_tui.tui.widgets.bars import KeyBar, Line, TransfersStrip

_SAID_SECONDS = 8

MARK = Action("tree.mark", "space", "Mark", "Mark and move down")
KEEP_FILTER = Action("filter.keep", "enter", "Keep", "")
DROP_FILTER = Action("filter.drop", "escape", "Drop", "")
_FILTER_KEYS = (
    KEEP_FILTER,
    DROP_FILTER,
    Action("filter.inverse", "!text", "Without", ""),
    Action("filter.type", "type:MR", "By type", ""),
)


class Lines:
    """Each is sent to the terminal only where it has changed."""

    def __init__(
        self,
        context: Context,
        panes: Panes,
        comparison: ShownComparison,
        outages: Outages,
        queue: TransferQueue,
        actions: Sequence[Action],
        clicked: Callable[[str], None],
    ) -> None:
        """`actions` with the keys that the user gave them; `clicked` gets the ID of one in the footer."""
        self._context = context
        self._panes = panes
        self._comparison = comparison
        self._outages = outages
        self._queue = queue
        self._actions = actions
        self.state = Line("state")
        self.summary = Line("summary")
        self.status = Line("status")
        self.keys = KeyBar(clicked)
        self.strip = TransfersStrip()
        self._said = ""
        """An answer to a key press that the status line still shows."""
        self._lasting = False
        self._unsay: Timer | None = None

    def show(self, *, filtering: bool) -> None:
        """All of them; `filtering` while the filter's line is typed into."""
        self.show_state()
        self.show_cursor()
        self.show_status()
        self.show_keys(filtering=filtering)

    def show_crumbs(self) -> None:
        for pane in self._panes:
            pane.show_crumbs(pane.rows.current if pane.rows is not None else None)

    def show_state(self) -> None:
        words = [" xnat-tui", self._outages.describe(), self._comparison.describe()]
        self.state.say("   ".join(word for word in words if word), kept=self._queue.describe())

    def show_cursor(self) -> None:
        pair = self._panes.cursor
        if pair is not None:
            self.summary.say(f" {pair_words.pair_line(pair)}")
            return
        rows = self._panes.active.rows
        row = rows.current if rows is not None else None
        error = row.pair.error if row is not None else None
        self.summary.say(f" {clean(f'! {error.message}  {error.hint}')}" if error is not None else "")

    def show_status(self) -> None:
        rows = self._panes.active.rows
        if self._said:
            self.status.say(f" {clean(self._said)}")
            return
        if rows is None:
            self.status.say("")
            return
        comparing = self._comparison.on
        words = [pair_words.marks_line(rows.totals(destination=self._panes.active.right))]
        words += ["range: v ends it"] if rows.anchor is not None else []
        if rows.narrowing.needle is not None:
            words.append(f"filter: {rows.narrowing.line}")
        words += [f"show: {rows.narrowing.view.value}"] if comparing else []
        words.append(f"sort: {rows.order.value}")
        words += ["linked"] if comparing else []
        words += ["esc stops comparing"] if self._comparison.can_stop else []
        self.status.say(" " + "   ".join(clean(word) for word in words if word))

    def show_keys(self, *, filtering: bool) -> None:
        """None below a panel: it names its own."""
        if not self._context.main.is_active:
            self.keys.show((), _never)
            return
        if filtering:
            self.keys.show(_FILTER_KEYS, _never)
            return
        now = situation(self._context, self._panes)
        mark = replace(MARK, keys=self._context.settings.keys.get(MARK.id, MARK.keys))
        shown = [mark, *(action for action in self._actions if action.footer)]
        self.keys.show(shown, lambda action: bool(action.why_not(now)))

    def show_strip(self, room: int) -> None:
        """Transfers that are under way, where there is room for lines of so many cells."""
        lines = [strip_line(view, room) for view in self._queue.busy] if room > 0 else []
        self.strip.show(lines)

    # answers

    def say(self, text: str, *, lasting: bool = False) -> None:
        """It goes when the cursor moves, unless it is `lasting`, and after some seconds."""
        self._said, self._lasting = text, lasting
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self._context.after(_SAID_SECONDS, self.say_no_more)
        self.show_status()

    def cursor_moved(self) -> None:
        if not self._lasting:
            self.say_no_more()

    def say_no_more(self) -> None:
        if self._said:
            self._said, self._lasting = "", False
            self.show_status()


def _never(_: Action) -> bool:
    return False
