"""Reading what stands below a row, in the background; and stopping that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.pairing import Pair
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.outages import outage_of
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.rows import Rows

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree

SLOW_SECONDS = 5
"""From then on a load tells how long it has taken, and how it is stopped."""


@dataclass(slots=True)
class _Load:
    pane: Pane
    model: Tree
    rows: Rows
    ticking: Timer | None = None
    waited: int = field(default=0)


class Levels:
    """One load for each pair at a time; the rows show `loading…` until it is there."""

    def __init__(self, context: Context, panes: Panes) -> None:
        self._context = context
        self._panes = panes
        self._loads: dict[Pair, _Load] = {}

    def load(self, pane: Pane, pair: Pair) -> None:
        """Read what stands below a pair, unless that is under way."""
        model, rows = pane.model, pane.rows
        if model is not None and rows is not None and pair not in self._loads:
            self.read(pane, model, rows, Standing(), pair)

    def read_again(self, pane: Pane, standing: Standing, pairs: Iterable[Pair] = ()) -> None:
        """Open and read, in the tree that a pane shows, what was open in it or elsewhere.

        With `pairs`, only what was dropped below these.
        """
        if pane.model is not None and pane.rows is not None:
            for pair in list(pairs) or [pane.model.root]:
                self.read(pane, pane.model, pane.rows, standing, pair)

    def read(self, pane: Pane, model: Tree, rows: Rows, standing: Standing, pair: Pair | None = None) -> None:
        """Read a pair, the root without one, and with it what was open below in `standing`, which the rows
        take up when it is there: the cursor too, unless the user has moved it meanwhile."""
        pair = pair or model.root
        self._forget(pair)
        load = self._loads[pair] = _Load(pane, model, rows)
        load.ticking = self._context.every(1, lambda: self._tick(pair))
        moves = rows.moves

        def read() -> None:
            if standing.opened:
                standing.read(model)
            model.fill(pair)

        def done(_: Any) -> None:
            self._forget(pair)
            if standing != Standing():
                rows.refresh(pair)
                standing.take(rows, cursor=rows.moves == moves)
            self._show_pair(rows, pair)

        def failed(error: XnatTuiError) -> None:
            with model.lock:
                pair.fail(None if pane.right else error, error if pane.right else None)
            done(None)

        self._context.run(("load", pair), read, done, failed)

    def _show_pair(self, rows: Rows, pair: Pair) -> None:
        tree = self._panes.showing(rows)
        if tree is not None:
            tree.pairs_changed(pair)
            tree.goto(rows.cursor, by_user=False)
        else:
            rows.refresh(pair)
        self._context.main.situation_changed()

    def _tick(self, pair: Pair) -> None:
        load = self._loads[pair]
        load.waited += 1
        tree = load.pane.pair_tree
        if load.waited >= SLOW_SECONDS and tree is not None and load.pane.rows is load.rows:
            load.rows.loading_text[pair] = f"loading… {load.waited} s, esc stops it"
            index = load.rows.index_of(pair)
            tree.rows_changed(index if index is not None else 0)
        self._context.main.situation_changed()  # who does not answer is said there

    def _forget(self, pair: Pair) -> None:
        load = self._loads.pop(pair, None)
        if load is not None:
            load.rows.loading_text.pop(pair, None)
            if load.ticking is not None:
                load.ticking.stop()

    # stopping

    def stop(self) -> bool:
        """Stop what the active pane waits for; False when it waits for nothing that is slow or in sight.

        Where nobody else waits on that server, or nobody can be answered, its connection is interrupted too,
        so that the thread is free again at once.
        """
        pane = self._panes.active
        row = pane.rows.current if pane.rows is not None else None
        under = [pair for pair in self._loads if row is not None and row.pair is pair]
        least = 0 if outage_of(pane) is not None else SLOW_SECONDS
        slow = [pair for pair, load in self._loads.items() if load.pane is pane and load.waited >= least]
        stopped = under or slow
        for pair in stopped:
            self._stop(pair)
        return bool(stopped)

    def _stop(self, pair: Pair) -> None:
        load = self._loads[pair]
        self._context.loader.drop(("load", pair))
        self._forget(pair)
        side = load.model.destination if load.pane.right else load.model.source
        busy = self._panes.linked is not None or self._context.loader.waits_besides("jobs")
        if side is not None and (not busy or side.reader.connection.outage is not None):
            side.reader.connection.interrupt()
        error = Interrupted("Loading was stopped.", "r asks again.")
        with load.model.lock:
            pair.fail(None if load.pane.right else error, error if load.pane.right else None)
        self._show_pair(load.rows, pair)
