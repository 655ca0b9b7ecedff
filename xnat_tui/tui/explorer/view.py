"""Showing less, or in another order, of what a pane holds; and asking for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from xnat_tui.tui.explorer.filter import Order
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice

if TYPE_CHECKING:
    from xnat_tui.tui.explorer.screen import MainScreen


class Sifting:
    """Filter, sort order, empty groups, marks by pattern, reload."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def do_filter(self) -> None:
        """Each pane keeps a filter of its own; what is typed belongs to the active one."""
        rows = self._screen.active.rows
        if rows is None:
            self._screen.say("Nothing is open in this pane to be filtered.")
            return
        line = self._screen.query_one("#filter", Input)
        line.value = rows.narrowing.line
        line.set_class(True, "-shown")
        line.focus()

    def filter_changed(self, text: str) -> None:
        tree = self._screen.active.pair_tree
        if tree is not None:
            tree.filter(text)
            self._screen.show_status()

    def close_filter(self, *, drop: bool) -> None:
        line = self._screen.query_one("#filter", Input)
        if drop:
            line.value = ""
            self.filter_changed("")
        line.set_class(False, "-shown")
        self._screen.active.focus_tree()
        self._screen.show_status()

    def do_sort(self) -> None:
        screen = self._screen
        tree = screen.active.pair_tree
        if tree is None:
            return

        def chosen(order: str | None) -> None:
            if order:
                tree.sort(Order(order))
                screen.show_status()

        choices = [Choice(order.value, order.value) for order in Order]
        screen.app.push_screen(AskChoice("Sort siblings by", choices), chosen)

    def do_empty_groups(self) -> None:
        screen = self._screen
        tree = screen.active.pair_tree
        if tree is not None:
            tree.show_empty(not tree.rows.narrowing.show_empty)
            shown = "shown" if tree.rows.narrowing.show_empty else "hidden"
            screen.say(f"Empty groups are {shown}.")

    def ask_pattern(self, tree: PairTree) -> None:
        def marked(pattern: str | None) -> None:
            if pattern:
                tree.mark_pattern(pattern)

        question = "Mark siblings whose label (or scan type) matches:"
        self._screen.app.push_screen(
            AskText("Mark by pattern", question, hint="SUB-00*", done="Mark"), marked
        )

    def do_reload(self) -> None:
        screen = self._screen
        pane = screen.active
        row = pane.rows.current if pane.rows is not None else None
        if row is None or pane.model is None or pane.pair_tree is None or row.pair is pane.model.root:
            self.do_reload_pane()
            return
        pair = row.pair
        if screen.comparing.on:
            screen.comparing.refill(pair, Standing.of(pane.rows))
            return
        pane.model.forget(pair)
        pane.pair_tree.pairs_changed(pair)

    def do_reload_pane(self) -> None:
        self.reload_pane(self._screen.active)

    def reload_pane(self, pane: Pane) -> None:
        """Ask the server for everything in a pane again; opened rows stay open."""
        screen = self._screen
        if pane.model is None or pane.pair_tree is None:
            if pane.wanted is not None:
                screen.opening.open_text(pane, *pane.wanted)
            return
        standing = Standing.of(pane.rows)
        if screen.comparing.on:
            screen.comparing.refill(pane.model.root, standing)
            return
        pane.model.forget(pane.model.root)
        pane.pair_tree.pairs_changed(pane.model.root)
        screen.opening.read_again(pane, standing)

    def show_written(self, pane: Pane) -> None:
        """What a panel wrote: in its pane, and in the other one where that shows the same server."""
        screen = self._screen
        root = pane.root
        self.reload_pane(pane)
        other = screen.destination if pane is screen.source else screen.source
        if not screen.comparing.on and root is not None and other.root is not None:
            workspace = screen.explorer.workspace
            if workspace.same_server(root.server, other.root.server):
                self.reload_pane(other)
