"""The main screen: two panes side by side, compared when the user asks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, short_size
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui import describing
from xnat_tui.tui.actions import ACTIONS, Action, Situation, bindings, by_method
from xnat_tui.tui.comparing import Comparing
from xnat_tui.tui.going import Going
from xnat_tui.tui.looking import Looking
from xnat_tui.tui.transferring import Transferring
from xnat_tui.tui.widgets.bars import KeyBar, Line
from xnat_tui.tui.widgets.details import DetailsView
from xnat_tui.tui.widgets.pair_tree import PairTree
from xnat_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from xnat_tui.tui.app import Explorer

NARROW, WIDE = 60, 132
"""Columns below which one pane is shown, and from which the details stand beside the panes."""
_SLOW_SECONDS = 5


class MainScreen(Screen[None]):
    """Holds the panes and the lines around them. What an action does stands in its own module:
    `comparing`, `going`, `looking`, `transferring`; their `do_…` methods are found by the action's name."""

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
    BINDINGS = [binding for action in ACTIONS for binding in bindings([action])]

    def __init__(self) -> None:
        super().__init__()
        self.source = Pane("source")
        self.destination = Pane("destination")
        self.state_line = Line("state")
        self.summary_line = Line("summary")
        self.status_line = Line("status")
        self.keys = KeyBar(self.action_do)
        self.comparing = Comparing(self)
        self.going = Going(self)
        self.looking = Looking(self)
        self.transferring = Transferring(self)
        self.zoomed = False
        self._active: Pane = self.source

    @property
    def explorer(self) -> Explorer:
        from xnat_tui.tui.app import Explorer

        assert isinstance(self.app, Explorer)
        return self.app

    @property
    def active(self) -> Pane:
        """The pane with the focus, or the one that had it last."""
        return self._active

    @property
    def other(self) -> Pane:
        return self.destination if self._active is self.source else self.source

    @property
    def cursor(self) -> Pair | None:
        """The pair under the cursor of the active pane; None on a message row."""
        row = self.active.rows.current if self.active.rows is not None else None
        return row.pair if row is not None and row.message is None else None

    def compose(self) -> ComposeResult:
        yield self.state_line
        with Horizontal(id="panes"):
            yield self.source
            yield self.destination
            yield DetailsView(docked=True)
        yield self.summary_line
        yield Input(id="filter", compact=True, placeholder="filter: text, !text, type:MR")
        yield self.status_line
        yield self.keys

    def on_mount(self) -> None:
        self.situation_changed()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.show_panes()
        self.call_after_refresh(self._redraw_lines)

    def _redraw_lines(self) -> None:
        self.show_state()
        self.show_cursor()
        self.show_status()
        for pane in (self.source, self.destination):
            pane.show_crumbs(pane.rows.current if pane.rows is not None else None)

    def show_panes(self) -> None:
        """Both panes, or only the active one where it is zoomed or the terminal is narrow."""
        alone = self.zoomed or 0 < self.size.width < NARROW
        for pane in (self.source, self.destination):
            pane.set_class(alone and pane is not self._active, "-hidden")

    # opening and loading

    def begin(self, prepared: bool) -> None:
        """Before anything is opened, while libraries load and demo servers start."""
        if prepared:
            for pane in (self.source, self.destination):
                pane.say("Starting the demo servers …")

    def open_first(self, source: str | None, destination: str | None) -> None:
        """Open what the command line named; without any server, the Servers panel."""
        for pane, text in ((self.source, source), (self.destination, destination)):
            if text is not None:
                self.going.open_text(pane, text)
            else:
                pane.say("Nothing is open here.\n\no opens a server or project, g goes to an address.")
        if source is None and destination is None:
            self.going.do_servers()

    async def open_place(self, pane: Pane, place: Place, *, remember: bool = True) -> None:
        """Show a place in a pane, and load its first level."""
        from xnat_tui.services.browse import Side

        if self.comparing.on:
            await self.comparing.release()
        model, rows = pane.browse(Side(self.explorer.workspace.reader(place.server), place))
        await pane.show(model, rows)
        if remember:
            pane.remember(place)
        self.load(pane, model.root)
        if pane is self._active:
            pane.focus_tree()
        self.situation_changed()

    def load(self, pane: Pane, pair: Pair) -> None:
        """Read what stands below a pair in the background; the rows show `loading…` until it is there."""
        model, rows = pane.model, pane.rows
        if model is None or rows is None:
            return
        waited = [0]
        started = self.set_interval(1, lambda: self._say_waiting(pane, pair, waited))

        def done(_: Any) -> None:
            started.stop()
            rows.loading_text.pop(pair, None)
            for shown in (self.source, self.destination):
                if shown.rows is rows and shown.pair_tree is not None:
                    shown.pair_tree.pairs_changed(pair)
                    break
            self.situation_changed()

        def failed(error: XnatTuiError) -> None:
            started.stop()
            right = pane.right
            with model.lock:
                pair.fail(None if right else error, error if right else None)
            done(None)

        self.explorer.loader.submit(("load", pair), lambda: model.fill(pair), done, failed)

    def _say_waiting(self, pane: Pane, pair: Pair, waited: list[int]) -> None:
        waited[0] += 1
        if waited[0] >= _SLOW_SECONDS and pane.rows is not None and pane.pair_tree is not None:
            pane.rows.loading_text[pair] = f"loading… {waited[0]} s"
            index = pane.rows.index_of(pair)
            pane.pair_tree.rows_changed(index if index is not None else 0)

    @on(PairTree.ExpandRequested)
    def _expand(self, event: PairTree.ExpandRequested) -> None:
        self.load(self._pane_of(event.tree), event.row.pair)

    def _pane_of(self, tree: PairTree) -> Pane:
        return self.destination if tree.side == "destination" else self.source

    # the lines around the panes

    @on(PairTree.Moved)
    def _moved(self, event: PairTree.Moved) -> None:
        pane = self._pane_of(event.tree)
        pane.show_crumbs(event.row)
        if self.comparing.on:
            other = self.destination if pane is self.source else self.source
            other.show_crumbs(event.row)
            self.comparing.moved(event.row)
        if pane is self._active or self.comparing.on:
            self.show_cursor()
            self.looking.follow()
        self.show_keys()

    @on(Input.Changed, "#filter")
    def _filtering(self, event: Input.Changed) -> None:
        self.going.filter_changed(event.value)

    @on(Input.Submitted, "#filter")
    def _filtered(self) -> None:
        self.going.close_filter(drop=False)

    @on(PairTree.MarksChanged)
    def _marks_changed(self) -> None:
        self.show_status()
        self.show_keys()

    @on(PairTree.Opened)
    def _opened(self) -> None:
        self.action_do("details")

    @on(PairTree.PatternRequested)
    def _pattern(self, event: PairTree.PatternRequested) -> None:
        from xnat_tui.tui.screens.ask import AskText

        def marked(pattern: str | None) -> None:
            if pattern:
                event.tree.mark_pattern(pattern)

        question = "Mark siblings whose label (or scan type) matches:"
        self.app.push_screen(AskText("Mark by pattern", question, hint="SUB-00*", done="Mark"), marked)

    def on_descendant_focus(self) -> None:
        for pane in (self.source, self.destination):
            if pane.has_focus_within and pane is not self._active:
                self._active = pane
                self.show_panes()
                self._redraw_lines()
                self.show_keys()
                self.looking.follow()

    def situation_changed(self) -> None:
        """Something that several lines tell of has changed."""
        self.show_state()
        self.show_cursor()
        self.show_status()
        self.show_keys()

    def show_state(self) -> None:
        words = [" xnat-tui", self.comparing.describe(), self.transferring.describe()]
        self.state_line.say("   ".join(word for word in words if word))

    def show_cursor(self) -> None:
        pair = self.cursor
        if pair is None:
            row = self.active.rows.current if self.active.rows is not None else None
            error = row.pair.error if row is not None else None
            said = f"! {error.message}  {error.hint}" if error is not None else ""
            self.summary_line.say(f" {clean(said)}")
            return
        self.summary_line.say(f" {describing.pair_line(pair)}")

    def show_status(self) -> None:
        rows = self.active.rows
        if rows is None:
            self.status_line.say("")
            return
        totals = rows.totals(destination=self.active.right)
        words: list[str] = []
        if totals.items:
            least = "at least " if totals.uncounted else ""
            words.append(f"{totals.items} marked · {least}{totals.files} files · {short_size(totals.bytes)}")
        if rows.anchor is not None:
            words.append("range: v ends it")
        if rows.narrowing.needle is not None:
            words.append(f"filter: {self.query_one('#filter', Input).value}")
        words += [f"show: {rows.narrowing.view.value}"] if self.comparing.on else []
        words.append(f"sort: {rows.order.value}")
        words += ["linked"] if self.comparing.on else []
        self.status_line.say(" " + "   ".join(clean(word) for word in words))

    def show_keys(self) -> None:
        now = self.situation()
        shown = [_MARK, *(action for action in ACTIONS if action.footer)]
        self.keys.show(shown, lambda action: bool(action.why_not(now)))

    # actions

    def situation(self) -> Situation:
        pair = self.cursor
        here, there = self.active.root, self.other.root
        return Situation(
            comparing=self.comparing.on,
            has_cursor=pair is not None,
            has_marks=bool(self.active.rows is not None and len(self.active.rows.marks)),
            both_open=here is not None and there is not None,
            target_refusal=self._refusal(there),
            here_refusal=self._refusal(here),
            cursor_kind=str(pair.kind) if pair is not None else "",
        )

    def _refusal(self, place: Place | None) -> str:
        if place is None:
            return "open a place in that pane first"
        server = self.explorer.workspace.server(place.server)
        return f"{server.name} is marked read-only here" if server.read_only else ""

    def action_do(self, method: str) -> None:
        """Do an action by name, or say why it cannot be done now."""
        action = by_method()[method]
        if reason := action.why_not(self.situation()):
            self.say(reason)
            return
        for owner in (self.going, self.looking, self.comparing, self.transferring):
            do = getattr(owner, f"do_{method}", None)
            if do is not None:
                result = do()
                if inspect.isawaitable(result):
                    self._finish(result)
                return
        raise AssertionError(f"no module does {method}")

    @work(exclusive=False)
    async def _finish(self, doing: Awaitable[None]) -> None:
        await doing

    def say(self, text: str) -> None:
        """A short answer to a key press."""
        self.app.notify(clean(text), markup=False, timeout=4)


_MARK = Action("tree.mark", "mark", "space", "Mark", "Mark and move down")
