"""What only looks: details, differences, the clipboard; undoing a step; and leaving."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.widgets import Input

from xnat_tui.model.entities import Item
from xnat_tui.model.pairing import Judge, Pair
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.widgets.details import DetailsView, has_items

if TYPE_CHECKING:
    from xnat_tui.tui.explorer.screen import MainScreen

_REST_BEFORE_ASKING = 0.3
"""Seconds that the cursor rests on a row before its document is asked for."""


class Looking:
    """Nothing here changes an archive."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self.resting: Timer | None = None
        """Runs while it is seen whether the cursor rests on a row, whose document is then asked for."""
        self._wish = 0
        """The step of an `n` or `N` that waits for more to be compared."""

    # details

    def follow(self) -> None:
        """Show the row under the cursor beside the panes, where there is room for it."""
        screen = self._screen
        view = screen.query_one(DetailsView)
        if not screen.has_class("-wide"):
            return
        pair = screen.cursor
        view.show(pair)
        screen.explorer.loader.drop("details")
        if self.resting is not None:
            self.resting.stop()
            self.resting = None
        if pair is not None and has_items(pair):
            self.resting = screen.set_timer(_REST_BEFORE_ASKING, lambda: self._ask_if_still(pair))

    def _ask_if_still(self, pair: Pair) -> None:
        screen = self._screen
        self.resting = None
        if screen.cursor is pair:
            view = screen.query_one(DetailsView)
            judge = self.judge
            self.read_documents(
                pair, lambda one, other, note: view.show(pair, one, other, note=note, judge=judge)
            )

    @property
    def judge(self) -> Judge | None:
        """By what rules the items of a pair are compared; None while browsing."""
        model = self._screen.active.model
        return model.judge if model is not None else None

    def read_files(self, pair: Pair, show: Callable[[str], None]) -> None:
        """List a resource's files, as opening its row does; `show` gets what went wrong."""
        screen = self._screen
        model, tree = screen.active.model, screen.active.pair_tree
        if model is None or tree is None:
            return

        def done(_: None) -> None:
            tree.pairs_changed(pair)
            show("")

        screen.explorer.loader.submit(
            "details", lambda: model.fill(pair), done, lambda error: show(f"! {error.message}")
        )

    def read_documents(self, pair: Pair, show: Callable[[Item | None, Item | None, str], None]) -> None:
        """Read every field of a pair's items; `show` gets source, destination, and what went wrong."""
        screen = self._screen
        model = screen.active.model
        if model is None:
            return
        source = (model.source, model.place(pair))
        destination = (model.destination, model.place(pair, right=True))

        def read() -> tuple[Item | None, Item | None, str]:
            from xnat_tui.services.browsing.details import with_every_field

            return with_every_field(source, destination)

        screen.explorer.loader.submit(
            "details", read, lambda found: show(*found), lambda error: show(None, None, f"! {error.message}")
        )

    def do_details(self) -> None:
        pair = self._screen.cursor
        if pair is not None:
            self.show_details(pair)

    def show_details(self, pair: Pair) -> None:
        from xnat_tui.tui.panels.details import DetailsPanel

        self._screen.app.push_screen(DetailsPanel(pair, self))

    # differences and matches

    def do_next_difference(self) -> None:
        self._step(1)

    def do_previous_difference(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        screen = self._screen
        tree = screen.active.pair_tree
        if tree is None:
            return
        self._wish = 0
        further = "further" if step > 0 else "earlier"
        if screen.comparing.on:
            if tree.next_difference(step):
                return
            left = screen.comparing.unread
            if left:
                self._wish = step
                screen.comparing.go_on()
                screen.say(f"No {further} difference is known; comparing {left} more. esc stops waiting.")
            else:
                screen.say(f"No {further} difference.")
        elif tree.rows.narrowing.needle is not None:
            if not tree.next_match(step):
                screen.say(f"No {further} match is loaded.")
        else:
            screen.say("n and N step through differences (= compares) or matches (/ filters).")

    def try_wish(self) -> None:
        """Go to the difference that `n` waits for, once the comparison has found one."""
        tree = self._screen.active.pair_tree
        if not self._wish or tree is None:
            return
        ended = not self._screen.comparing.unread
        if tree.next_difference(self._wish):
            self._wish = 0
        elif ended:
            self._wish = 0
            self._screen.say("No further difference.")

    def drop_wish(self) -> bool:
        """No longer wait for a next difference; False when nothing was waited for."""
        waited, self._wish = self._wish, 0
        return bool(waited)

    # the terminal

    def do_redraw(self) -> None:
        self._screen.explorer.action_redraw()

    # clipboard

    def do_copy_address(self) -> None:
        screen = self._screen
        place = screen.active.place_of(screen.cursor)
        if place is None:
            screen.say("That is not on this side.")
            return
        self._to_clipboard(str(place.location))

    def do_copy_command(self) -> None:
        screen = self._screen
        place = screen.active.place_of(screen.cursor)
        one, other = screen.source.root, screen.destination.root
        if screen.comparing.on and one is not None and other is not None:
            depth = screen.comparing.comparison.depth if screen.comparing.comparison is not None else "sizes"
            words = ["xnat-tui", "compare", str(one.location), str(other.location), "--depth", str(depth)]
        elif place is not None:
            words = ["xnat-tui", "show", str(place.location)]
        else:
            screen.say("That is not on this side.")
            return
        self._to_clipboard(shlex.join(words))

    def _to_clipboard(self, text: str) -> None:
        self._screen.app.copy_to_clipboard(text)
        self._screen.say(f"Copied: {text}")

    # leaving

    async def do_unwind(self) -> None:
        """Undo one thing: input, filter, what is waited for, range, marks, comparison, zoom."""
        screen = self._screen
        tree = screen.active.pair_tree
        line = screen.query_one("#filter", Input)
        filtered = tree is not None and tree.rows.narrowing.needle is not None
        if line.has_class("-shown") or filtered:
            screen.sifting.close_filter(drop=True)
        elif self.drop_wish() or screen.opening.stop():
            return
        elif tree is not None and tree.drop_range():
            screen.show_status()
        elif tree is not None and len(tree.rows.marks):
            tree.clear_marks()
        elif not await screen.comparing.unwind():
            screen.zoomed = False
            screen.show_panes()

    def do_quit_explorer(self) -> None:
        """Leave, or ask first where something is under way."""
        screen = self._screen
        if screen.explorer.change_runs:
            self._ask_about_changes()
            return
        running = screen.transferring.running()
        if not running:
            screen.app.exit(0)
            return
        choices = [
            Choice("stay", "Stay"),
            Choice(
                "leave", "Leave", "transfers go on in their own process; open the explorer again to see them"
            ),
            Choice("stop", "Stop them and leave", "what is done is kept; jobs resume goes on"),
        ]

        def chosen(what: str | None) -> None:
            if what == "stop":
                screen.transferring.stop_all()
            if what in ("leave", "stop"):
                screen.app.exit(0)

        title = f"{running} transfer{'s are' if running > 1 else ' is'} running"
        screen.app.push_screen(AskChoice(title, choices), chosen)

    def _ask_about_changes(self) -> None:
        """Panels' writes end with the explorer: rows that were not begun would not be sent."""
        screen = self._screen
        left = sum(len(run.waiting) for run in screen.explorer.change_runs)

        def chosen(what: str | None) -> None:
            if what == "leave":
                screen.app.exit(0)

        choices = [
            Choice("stay", "Stay", "until they are done"),
            Choice("leave", "Leave", f"{left} not begun will not be sent"),
        ]
        screen.app.push_screen(AskChoice("Changes are being made", choices), chosen)
