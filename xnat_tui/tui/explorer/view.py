"""Showing less, or in another order, of what a pane holds; and asking for it again."""

from __future__ import annotations

from textual.widgets import Input

from xnat_tui.model.pairing import DIFFERENCES, GLYPHS, Status
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.filter import Order, View
from xnat_tui.tui.explorer.levels import Levels
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice

_BY_GLYPH = {GLYPHS[status]: status for status in (*DIFFERENCES, Status.UNREADABLE)}


class PaneView:
    """Filter, sort order, empty groups, marks by pattern, reload."""

    def __init__(
        self, context: Context, panes: Panes, places: Places, levels: Levels, comparison: ShownComparison
    ) -> None:
        self._context = context
        self._panes = panes
        self._places = places
        self._levels = levels
        self._comparison = comparison
        self.line = Input(id="filter", compact=True, placeholder="filter: text, !text, type:MR")
        """What is typed belongs to the active pane: each keeps a filter of its own."""

    @property
    def filtering(self) -> bool:
        """Whether the line is shown."""
        return self.line.has_class("-shown")

    def filter(self) -> None:
        rows = self._panes.active.rows
        if rows is None:
            self._context.say("Nothing is open in this pane to be filtered.")
            return
        self.line.value = rows.narrowing.line
        self.line.set_class(True, "-shown")
        self.line.focus()

    def hide_filter(self) -> None:
        self.line.set_class(False, "-shown")

    def filter_changed(self, text: str) -> None:
        tree = self._panes.active.pair_tree
        if tree is not None:
            tree.filter(text)
            self._context.main.situation_changed()

    def close_filter(self, *, drop: bool) -> None:
        if drop:
            self.line.value = ""
            self.filter_changed("")
        self.hide_filter()
        self._panes.active.focus_tree()
        self._context.main.situation_changed()

    def sort(self) -> None:
        tree = self._panes.active.pair_tree
        if tree is None:
            return

        def chosen(order: str | None) -> None:
            if order:
                tree.sort(Order(order))
                self._context.main.situation_changed()

        choices = [Choice(order.value, order.value) for order in Order]
        self._context.ask(AskChoice("Sort siblings by", choices), chosen)

    def empty_groups(self) -> None:
        tree = self._panes.active.pair_tree
        if tree is not None:
            tree.show_empty(not tree.rows.narrowing.show_empty)
            shown = "shown" if tree.rows.narrowing.show_empty else "hidden"
            self._context.say(f"Empty groups are {shown}.")

    def ask_pattern(self, tree: PairTree) -> None:
        def marked(pattern: str | None) -> None:
            status = _BY_GLYPH.get(pattern or "") if self._comparison.on else None
            if status is not None:
                tree.mark_status(status)
            elif pattern:
                tree.mark_pattern(pattern)

        question = "Mark siblings whose label (or scan type) matches:"
        if self._comparison.on:
            question += "\n< > * ! mark all that is only left, only right, differs, is unreadable."
        self._context.ask(AskText("Mark by pattern", question, hint="SUB-00*", done="Mark"), marked)

    def reset(self) -> None:
        """Filter, what is shown of a comparison, and marks, as when the place was opened."""
        tree = self._panes.active.pair_tree
        if tree is None:
            return
        self.line.value = ""
        tree.filter("")
        tree.show_view(View.ALL)
        tree.clear_marks()
        self._context.main.situation_changed()

    def reload(self) -> None:
        """What stands below the cursor."""
        pane = self._panes.active
        row = pane.rows.current if pane.rows is not None else None
        if row is None or pane.model is None or pane.pair_tree is None or row.pair is pane.model.root:
            self.reload_pane()
        elif self._comparison.on:
            self._comparison.refill(row.pair)
        else:
            pane.model.forget(row.pair)
            pane.pair_tree.pairs_changed(row.pair)

    def reload_pane(self) -> None:
        """Everything in the pane; opened rows stay open."""
        pane = self._panes.active
        if pane.model is None or pane.pair_tree is None:
            if pane.wanted is not None:
                self._places.open_text(pane, *pane.wanted)
        elif self._comparison.on:
            self._comparison.refill(pane.model.root)
        else:
            self._read_again(pane)

    def _read_again(self, pane: Pane) -> None:
        assert pane.model is not None, "it shows a tree"
        assert pane.pair_tree is not None
        standing = Standing.of(pane.rows)
        pane.model.forget(pane.model.root)
        pane.pair_tree.pairs_changed(pane.model.root)
        self._levels.read_again(pane, standing)
