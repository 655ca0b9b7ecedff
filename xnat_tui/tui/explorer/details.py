"""Details of the row under the cursor, beside the panes or in a panel of their own."""

from __future__ import annotations

from collections.abc import Callable

from textual.timer import Timer

from xnat_tui.model.entities import Item
from xnat_tui.model.pairing import Judge, Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.widgets.details import DetailsView, has_items

_REST_BEFORE_ASKING = 0.3
"""Seconds that the cursor rests on a row before its document is asked for."""


class Details:
    """What is known at once; every field as soon as it is there."""

    def __init__(self, context: Context, panes: Panes) -> None:
        self._context = context
        self._panes = panes
        self.docked = DetailsView(docked=True)
        """Beside the panes, where there is room."""
        self.resting: Timer | None = None
        """Runs while it is seen whether the cursor rests on a row, whose document is then asked for."""

    def follow(self, *, shown: bool) -> None:
        """Show the row under the cursor beside the panes, where these are `shown`."""
        if not shown:
            return
        pair = self._panes.cursor
        self.docked.show(pair)
        self._context.loader.drop("details")
        if self.resting is not None:
            self.resting.stop()
            self.resting = None
        if pair is not None and has_items(pair):
            self.resting = self._context.after(_REST_BEFORE_ASKING, lambda: self._ask_if_still(pair))

    def _ask_if_still(self, pair: Pair) -> None:
        self.resting = None
        if self._panes.cursor is pair:
            judge = self.judge
            self.read_documents(
                pair, lambda one, other, note: self.docked.show(pair, one, other, note=note, judge=judge)
            )

    @property
    def judge(self) -> Judge | None:
        """By what rules the items of a pair are compared; None while browsing."""
        model = self._panes.active.model
        return model.judge if model is not None else None

    def places(self, pair: Pair) -> list[Place]:
        """Where a pair stands, on either side."""
        model = self._panes.active.model
        found = (model.place(pair), model.place(pair, right=True)) if model is not None else ()
        return [place for place in found if place is not None]

    def read_files(self, pair: Pair, show: Callable[[str], None]) -> None:
        """List a resource's files, as opening its row does; `show` gets what went wrong."""
        model, tree = self._panes.active.model, self._panes.active.pair_tree
        if model is None or tree is None:
            return

        def done(_: None) -> None:
            tree.pairs_changed(pair)
            show("")
            self._context.main.situation_changed()  # files that differ are counted, too

        self._context.run("details", lambda: model.fill(pair), done, lambda error: show(f"! {error.message}"))

    def read_documents(self, pair: Pair, show: Callable[[Item | None, Item | None, str], None]) -> None:
        """Read every field of a pair's items; `show` gets source, destination, and what went wrong."""
        model = self._panes.active.model
        if model is None:
            return
        source = (model.source, model.place(pair))
        destination = (model.destination, model.place(pair, right=True))

        def read() -> tuple[Item | None, Item | None, str]:
            from xnat_tui.services.browsing.details import with_every_field

            return with_every_field(source, destination)

        self._context.run(
            "details", read, lambda found: show(*found), lambda error: show(None, None, f"! {error.message}")
        )

    def open(self) -> None:
        pair = self._panes.cursor
        if pair is not None:
            self.show(pair)

    def show(self, pair: Pair) -> None:
        from xnat_tui.tui.panels.details import DetailsPanel

        self._context.ask(DetailsPanel(pair, self))
