"""Undoing one step after the other; and leaving, which asks where something is under way."""

from __future__ import annotations

from xnat_tui.model.display import counted
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.once_open import OnceOpen
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.stepping import Stepping
from xnat_tui.tui.explorer.view import PaneView
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.transfers.queue import TransferQueue


class Leaving:
    def __init__(
        self,
        context: Context,
        panes: Panes,
        *,
        view: PaneView,
        places: Places,
        once_open: OnceOpen,
        stepping: Stepping,
        comparison: ShownComparison,
        queue: TransferQueue,
    ) -> None:
        self._context = context
        self._panes = panes
        self._view = view
        self._places = places
        self._once_open = once_open
        self._stepping = stepping
        self._comparison = comparison
        self._queue = queue

    async def unwind(self) -> None:
        """Undo one thing: input, filter, what is waited for, range, marks, comparison, zoom."""
        tree = self._panes.active.pair_tree
        filtered = tree is not None and tree.rows.narrowing.needle is not None
        if self._view.filtering or filtered:
            self._view.close_filter(drop=True)
        elif self._once_open.give_up() or self._stepping.stop() or self._places.stop():
            return
        elif tree is not None and tree.drop_range():
            self._context.main.situation_changed()
        elif tree is not None and len(tree.rows.marks):
            tree.clear_marks()
        elif not await self._comparison.unwind():
            self._panes.zoomed = False
            self._panes.show()

    def quit(self) -> None:
        """Leave, or ask first where something is under way."""
        if self._context.writing:
            self._ask_about_changes()
            return
        running, syncs = self._queue.running(), self._context.syncs.far
        if not running and not syncs:
            self._context.app.exit(0)
            return
        goes_on = "transfers go on in their own process; open the explorer again to see them"
        if syncs:
            goes_on = "what is sent goes on; the sync's next run proves it"
        choices = [
            Choice("stay", "Stay"),
            Choice("leave", "Leave", goes_on),
            Choice("stop", "Stop them and leave", "what is done is kept; jobs resume goes on"),
        ]

        def chosen(what: str | None) -> None:
            if what == "stop":
                self._queue.stop_all()
            if what in ("leave", "stop"):
                self._context.app.exit(0)

        title = f"{running} transfer{'s are' if running > 1 else ' is'} running"
        if syncs:
            title = f"{counted(len(syncs), 'sync')} running: {', '.join(syncs)}"
        self._context.ask(AskChoice(title, choices), chosen)

    def _ask_about_changes(self) -> None:
        """Panels' writes end with the explorer: rows that were not begun would not be sent."""
        left = sum(len(run.waiting) for run in self._context.writing)

        def chosen(what: str | None) -> None:
            if what == "leave":
                self._context.app.exit(0)

        choices = [
            Choice("stay", "Stay", "until they are done"),
            Choice("leave", "Leave", f"{left} not begun will not be sent"),
        ]
        self._context.ask(AskChoice("Changes are being made", choices), chosen)
