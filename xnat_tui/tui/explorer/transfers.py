"""Transfers of what is marked or under the cursor, and their queue."""

from __future__ import annotations

from xnat_tui.model.pairing import Status
from xnat_tui.model.plan import Plan
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.selection import items, why_nothing
from xnat_tui.tui.transfers.queue import TransferQueue


class Transfers:
    def __init__(self, context: Context, panes: Panes, queue: TransferQueue) -> None:
        self._context = context
        self._panes = panes
        self._queue = queue

    def copy(self) -> None:
        """To the place that the other pane shows."""
        places, target = self._panes.chosen(), self._panes.other.root
        if not places or target is None:
            self._say_why()
        else:
            from xnat_tui.tui.transfers import flows

            flows.copy(self._context, places, target)

    def copy_missing(self) -> None:
        """All that only the active side of the comparison has: what differs stays as it is."""
        pane = self._panes.active
        root, target = pane.model.root if pane.model is not None else None, self._panes.other.root
        if root is None or target is None:
            return
        if root.unread_below or not root.complete:
            self._context.say("Not all is compared yet, so that it is not known what is missing.")
            return
        missing = root.found(Status.ONLY_DESTINATION if pane.right else Status.ONLY_SOURCE)
        places = [place for pair in missing if (place := pane.place_of(pair)) is not None]
        if not places:
            self._context.say("Nothing is missing on the other side.")
        else:
            from xnat_tui.tui.transfers import flows

            flows.copy(self._context, places, target)

    def export(self) -> None:
        places = self._panes.chosen()
        if not places:
            self._say_why()
        else:
            from xnat_tui.tui.transfers import flows

            flows.export(self._context, places)

    def _say_why(self) -> None:
        reason = why_nothing(self._panes, items)
        self._context.say(f"{reason[:1].upper()}{reason[1:]}." if reason else "Nothing is under the cursor.")

    def show_queue(self) -> None:
        from xnat_tui.tui.transfers.panel import TransfersPanel

        self._queue.watch()
        self._context.ask(TransfersPanel(self._queue))

    def start(self, plan: Plan) -> None:
        """Run a plan; what it was made of is not marked any more then."""
        tree = self._panes.active.pair_tree

        def started() -> None:
            if tree is not None:
                tree.clear_marks()

        self._queue.start(plan, started)
