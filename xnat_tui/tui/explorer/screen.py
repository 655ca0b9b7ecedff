"""The main screen: two panes side by side, compared when the user asks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input

from xnat_tui.model.display import clean
from xnat_tui.model.place import Place
from xnat_tui.model.plan import Plan
from xnat_tui.tui.action import Action
from xnat_tui.tui.actions import ACTIONS, BY_ID, bindings, rebound
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.bookmarks import Bookmarks
from xnat_tui.tui.explorer.changes import WrittenPlaces
from xnat_tui.tui.explorer.clipboard import Clipboard
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.details import Details
from xnat_tui.tui.explorer.leaving import Leaving
from xnat_tui.tui.explorer.levels import Levels
from xnat_tui.tui.explorer.lines import DROP_FILTER, KEEP_FILTER, MARK, Lines
from xnat_tui.tui.explorer.menus import Menus
from xnat_tui.tui.explorer.navigation import Navigation
from xnat_tui.tui.explorer.once_open import OnceOpen
from xnat_tui.tui.explorer.opening import open_panel
from xnat_tui.tui.explorer.outages import Outages
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.reaching import Reaching
from xnat_tui.tui.explorer.situation import situation
from xnat_tui.tui.explorer.stepping import Stepping
from xnat_tui.tui.explorer.transfers import Transfers
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.explorer.view import PaneView
from xnat_tui.tui.transfers.queue import TransferQueue

WIDE = 132
"""Columns from which on the details stand beside the panes."""


class MainScreen(Screen[None]):
    """Puts the pieces together, and hands keys and messages to them.

    `pieces` are those that the table of actions names: what an action does stands in one of them.
    """

    DEFAULT_CSS = """
    MainScreen { layout: vertical; }
    MainScreen > #panes { height: 1fr; }
    MainScreen #filter { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    MainScreen #filter.-shown { display: block; }
    MainScreen #state { background: $panel; }
    MainScreen #status { color: $text-muted; }
    MainScreen DetailsView { width: 46; border: round $foreground 30%; display: none; }
    MainScreen.-wide DetailsView { display: block; }
    """
    AUTO_FOCUS = ""  # Textual would focus the hidden filter line while no tree is shown
    BINDINGS = [binding for action in ACTIONS for binding in bindings([action])]

    def __init__(self, context: Context) -> None:
        super().__init__()
        context.main = self
        self.context = context
        self.panes = Panes(self, context.glyphs, self._activated)
        self.levels = Levels(context, self.panes)
        self.places = Places(context, self.panes, self.levels)
        self._reaching = Reaching(context, self.panes, self.places)
        self.once_open = OnceOpen(context, self.panes)
        self.details = Details(context, self.panes)
        self.comparison = ShownComparison(context, self.panes, self.places, self.levels, self.details)
        self.stepping = Stepping(context, self.panes, self.comparison)
        self.view = PaneView(context, self.panes, self.places, self.levels, self.comparison)
        self.queue = TransferQueue(context)
        self.transfers = Transfers(context, self.panes, self.queue)
        actions = rebound(context.settings.keys)
        self.menus = Menus(context, self.panes, self.places, actions)
        outages = Outages(self.panes)
        self.lines = Lines(
            context, self.panes, self.comparison, outages, self.queue, actions, self._key_clicked
        )
        leaving = Leaving(
            context,
            self.panes,
            view=self.view,
            places=self.places,
            once_open=self.once_open,
            stepping=self.stepping,
            comparison=self.comparison,
            queue=self.queue,
        )
        self.navigation = Navigation(context, self.panes, self.places, self.comparison)
        self.pieces: Mapping[str, object] = {
            "navigation": self.navigation,
            "bookmarks": Bookmarks(context, self.panes, self.places),
            "clipboard": Clipboard(context, self.panes, self.comparison),
            "leaving": leaving,
            "view": self.view,
            "details": self.details,
            "comparison": self.comparison,
            "stepping": self.stepping,
            "transfers": self.transfers,
            "menus": self.menus,
        }
        self.queue.watchers.append(self._queue_changed)
        WrittenPlaces(context, self.panes, self.places, self.levels, self.comparison)

    @property
    def source(self) -> Pane:
        return self.panes.source

    @property
    def destination(self) -> Pane:
        return self.panes.destination

    def compose(self) -> ComposeResult:
        yield self.lines.state
        with Horizontal(id="panes"):
            yield self.source
            yield self.destination
            yield self.details.docked
        yield self.lines.strip
        yield self.lines.summary
        yield self.view.line
        yield self.lines.status
        yield self.lines.keys

    def on_mount(self) -> None:
        self._activated()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.panes.show()
        self._show_strip()
        self.call_after_refresh(self._redraw_lines)

    def _redraw_lines(self) -> None:
        self.situation_changed()
        self.lines.show_crumbs()

    # opening

    def begin(self, source: str | None, destination: str | None, *, prepared: bool) -> None:
        """Before anything is opened, while libraries load and demo servers start."""
        for pane, text in ((self.source, source), (self.destination, destination)):
            if prepared:
                pane.say("Starting the demo servers …", opening=True)
            elif text is not None:
                pane.say(f"Opening {clean(text)} …", opening=True)

    def open_first(self, source: str | None, destination: str | None) -> None:
        """Open what the command line named; without anything named, the Servers panel."""
        for pane, text in ((self.source, source), (self.destination, destination)):
            if text is not None:
                self.places.open_text(pane, text)
            else:
                pane.clear()
        self.once_open.begun = True
        if source is None and destination is None:
            self.menus.servers()
        self.queue.watch()

    # what trees and the filter's line say

    @on(PairTree.ExpandRequested)
    def _expand(self, event: PairTree.ExpandRequested) -> None:
        self.levels.load(self.panes.of(event.tree), event.row.pair)

    @on(PairTree.Moved)
    def _moved(self, event: PairTree.Moved) -> None:
        self.lines.cursor_moved()
        pane = self.panes.of(event.tree)
        pane.show_crumbs(event.row)
        if self.comparison.on:
            other = self.destination if pane is self.source else self.source
            other.show_crumbs(event.row)
            self.comparison.moved(event.row)
        if pane is self.panes.active or self.comparison.on:
            self.lines.show_cursor()
            self._follow()
        self._show_keys()

    @on(PairTree.MarksChanged)
    def _marks_changed(self) -> None:
        self.lines.show_status()
        self._show_keys()

    @on(PairTree.Opened)
    def _opened(self) -> None:
        self.action_do("view.details")

    @on(PairTree.UpRequested)
    def _up(self) -> None:
        self.action_do("pane.up")

    @on(PairTree.PatternRequested)
    def _pattern(self, event: PairTree.PatternRequested) -> None:
        self.view.ask_pattern(event.tree)

    @on(Input.Changed, "#filter")
    def _filtering(self, event: Input.Changed) -> None:
        self.view.filter_changed(event.value)

    @on(Input.Submitted, "#filter")
    def _filtered(self) -> None:
        self.view.close_filter(drop=False)

    # which pane has the focus

    def on_descendant_blur(self) -> None:
        self._show_keys()

    def on_descendant_focus(self) -> None:
        self._show_keys()
        for pane in self.panes:
            if pane.has_focus_within and pane is not self.panes.active:
                self.panes.active = pane
                self._activated()

    def _activated(self) -> None:
        self.view.hide_filter()  # it belongs to the pane that was left
        self.panes.show()
        self._redraw_lines()
        self._follow()

    def _follow(self) -> None:
        self.details.follow(shown=self.has_class("-wide"))

    # the lines around the panes

    def on_screen_suspend(self) -> None:
        self._show_keys()

    def on_screen_resume(self) -> None:
        self.situation_changed()

    def say(self, text: str, *, lasting: bool = False) -> None:
        self.lines.say(text, lasting=lasting)

    def situation_changed(self) -> None:
        self.lines.show(filtering=self.view.line.has_focus)
        self.once_open.look()

    def _show_keys(self) -> None:
        self.lines.show_keys(filtering=self.view.line.has_focus)

    def _queue_changed(self) -> None:
        self.lines.show_state()
        self._show_strip()

    def _show_strip(self) -> None:
        self.lines.show_strip(self.size.width - 4 if self.has_class("-wide") else 0)

    # actions

    def action_do(self, action: str) -> None:
        """Do an action by its ID, or say why it cannot be done now."""
        meant = BY_ID[action]
        if meant.waits and self.once_open.opening:
            self.once_open.wish(meant.label, lambda: self.action_do(action))
        elif reason := meant.why_not(situation(self.context, self.panes)):
            self.say(reason)
        elif meant.opens is not None:
            open_panel(self.context, self.panes, meant.opens)
        else:
            result = self._answer(meant)
            if inspect.isawaitable(result):
                self._finish(result)

    def _answer(self, action: Action) -> object:
        piece, _, method = action.does.partition(".")
        return getattr(self.pieces[piece], method)()

    @work(exclusive=False)
    async def _finish(self, doing: Awaitable[None]) -> None:
        with self.context.keys.held():
            await doing

    def _key_clicked(self, action: str) -> None:
        """What is shown in the footer can be clicked; not all of it is an action of this screen."""
        if action == MARK.id:
            if self.panes.active.pair_tree is not None:
                self.panes.active.pair_tree.action_mark()
        elif action == KEEP_FILTER.id:
            self.view.close_filter(drop=False)
        elif action == DROP_FILTER.id:
            self.action_do("app.unwind")
        elif action in BY_ID:
            self.action_do(action)

    def open_both(self, source: str, destination: str) -> None:
        self._finish(self.navigation.open_both(source, destination))

    def reach(self, place: Place | None, marked: Sequence[Place]) -> None:
        self._reaching.reach(place, marked)

    def start(self, plan: Plan) -> None:
        self.transfers.start(plan)
