"""The main screen: two panes side by side, compared when the user asks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from xnat_tui.model.display import clean
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.actions import ACTIONS, Action, Situation, bindings, by_method, rebound
from xnat_tui.tui.administering import Administering
from xnat_tui.tui.editing import Editing
from xnat_tui.tui.explorer import pair_words as describing
from xnat_tui.tui.explorer.comparison import Comparing
from xnat_tui.tui.explorer.details import Looking
from xnat_tui.tui.explorer.menus import Panels
from xnat_tui.tui.explorer.navigation import Going
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.places import Opening
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.explorer.view import Sifting
from xnat_tui.tui.terminal.theme import Glyphs
from xnat_tui.tui.transfers.queue import Transferring
from xnat_tui.tui.widgets.bars import KeyBar, Line, TransfersStrip
from xnat_tui.tui.widgets.details import DetailsView

if TYPE_CHECKING:
    from xnat_tui.tui.app import Explorer

NARROW, WIDE = 60, 132
"""Columns below which one pane is shown, and from which the details stand beside the panes."""
SHORT = 14
"""Lines below which the status line gives its place to the rows, unless it has something to say."""
_SAID_SECONDS = 8


class MainScreen(Screen[None]):
    """Holds the panes and the lines around them. What an action does stands in its own module:
    `going`, `sifting`, `looking`, `panels`, `comparing`, `transferring`; their `do_…` methods are found
    by the action's name."""

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

    def __init__(self, glyphs: Glyphs, keys: Mapping[str, str]) -> None:
        """`keys`: what the user bound anew, by the actions' IDs."""
        super().__init__()
        self.actions = rebound(keys)
        self.source = Pane("source", glyphs)
        self.destination = Pane("destination", glyphs)
        self.state_line = Line("state")
        self.summary_line = Line("summary")
        self.status_line = Line("status")
        self.keys = KeyBar(self._key_clicked)
        self.strip = TransfersStrip()
        self.opening = Opening(self)
        self.comparing = Comparing(self)
        self.going = Going(self)
        self.sifting = Sifting(self)
        self.looking = Looking(self)
        self.panels = Panels(self)
        self.transferring = Transferring(self)
        self.administering = Administering(self)
        self.editing = Editing(self)
        self._owners = (
            *(self.administering, self.editing),
            *(self.going, self.sifting, self.looking, self.panels, self.comparing, self.transferring),
        )
        self.zoomed = False
        self._active: Pane = self.source
        self._said = ""
        """An answer to a key press that the status line still shows."""
        self._lasting = False
        self._unsay: Timer | None = None

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
        yield self.strip
        yield self.summary_line
        yield Input(id="filter", compact=True, placeholder="filter: text, !text, type:MR")
        yield self.status_line
        yield self.keys

    def on_mount(self) -> None:
        self._activated()
        self.situation_changed()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.show_panes()
        self.transferring.show_strip()
        self.call_after_refresh(self._redraw_lines)

    def _redraw_lines(self) -> None:
        self.show_state()
        self.show_cursor()
        self.show_status()
        self.show_keys()
        for pane in (self.source, self.destination):
            pane.show_crumbs(pane.rows.current if pane.rows is not None else None)

    def show_panes(self) -> None:
        """Both panes, or only the active one where it is zoomed or the terminal is narrow."""
        self.set_class(self.size.height < SHORT, "-short")
        alone = self.zoomed or 0 < self.size.width < NARROW
        for pane in (self.source, self.destination):
            pane.set_class(alone and pane is not self._active, "-hidden")

    # opening

    def begin(self, source: str | None, destination: str | None, *, prepared: bool) -> None:
        """Before anything is opened, while libraries load and demo servers start."""
        for pane, text in ((self.source, source), (self.destination, destination)):
            if prepared:
                pane.say("Starting the demo servers …")
            elif text is not None:
                pane.say(f"Opening {clean(text)} …")

    def open_first(self, source: str | None, destination: str | None) -> None:
        """Open what the command line named; without anything named, the Servers panel."""
        for pane, text in ((self.source, source), (self.destination, destination)):
            if text is not None:
                self.opening.open_text(pane, text)
            else:
                pane.clear()
        if source is None and destination is None:
            self.panels.do_servers()
        self.transferring.watch()

    def activate(self, pane: Pane) -> None:
        """Make a pane the one that keys are about, whether it holds a tree or not."""
        pane.set_class(False, "-hidden")
        self._active = pane
        pane.focus_tree()
        self._activated()

    @on(PairTree.ExpandRequested)
    def _expand(self, event: PairTree.ExpandRequested) -> None:
        self.opening.load(self._pane_of(event.tree), event.row.pair)

    def _pane_of(self, tree: PairTree) -> Pane:
        return self.destination if tree.side == "destination" else self.source

    # the lines around the panes

    @on(PairTree.Moved)
    def _moved(self, event: PairTree.Moved) -> None:
        if not self._lasting:
            self.say_no_more()
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

    def on_descendant_blur(self) -> None:
        self.show_keys()

    @on(Input.Changed, "#filter")
    def _filtering(self, event: Input.Changed) -> None:
        self.sifting.filter_changed(event.value)

    @on(Input.Submitted, "#filter")
    def _filtered(self) -> None:
        self.sifting.close_filter(drop=False)

    @on(PairTree.MarksChanged)
    def _marks_changed(self) -> None:
        self.show_status()
        self.show_keys()

    @on(PairTree.Opened)
    def _opened(self) -> None:
        self.action_do("details")

    @on(PairTree.PatternRequested)
    def _pattern(self, event: PairTree.PatternRequested) -> None:
        self.sifting.ask_pattern(event.tree)

    def on_descendant_focus(self) -> None:
        self.show_keys()
        for pane in (self.source, self.destination):
            if pane.has_focus_within and pane is not self._active:
                self._active = pane
                self._activated()

    def _activated(self) -> None:
        for pane in (self.source, self.destination):
            pane.set_class(pane is self._active, "-active")
        self.query_one("#filter").set_class(False, "-shown")  # it belongs to the pane that was left
        self.show_panes()
        self._redraw_lines()
        self.looking.follow()

    def on_screen_suspend(self) -> None:
        """A panel names its own keys: those down here do nothing while it is open."""
        self.keys.show((), _never)

    def on_screen_resume(self) -> None:
        self.situation_changed()

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
        if pair is not None:
            self.summary_line.say(f" {describing.pair_line(pair)}")
            return
        row = self.active.rows.current if self.active.rows is not None else None
        error = row.pair.error if row is not None else None
        self.summary_line.say(f" {clean(f'! {error.message}  {error.hint}')}" if error is not None else "")

    def show_status(self) -> None:
        rows = self.active.rows
        if self._said:
            self.status_line.say(f" {clean(self._said)}")
            return
        if rows is None:
            self.status_line.say("")
            return
        words = [describing.marks_line(rows.totals(destination=self.active.right))]
        words += ["range: v ends it"] if rows.anchor is not None else []
        if rows.narrowing.needle is not None:
            words.append(f"filter: {rows.narrowing.line}")
        words += [f"show: {rows.narrowing.view.value}"] if self.comparing.on else []
        words.append(f"sort: {rows.order.value}")
        words += ["linked"] if self.comparing.on else []
        words += ["esc stops comparing"] if self.comparing.can_stop else []
        self.status_line.say(" " + "   ".join(clean(word) for word in words if word))

    def show_keys(self) -> None:
        if not self.is_active:
            return
        if self.query_one("#filter").has_focus:
            self.keys.show(_FILTER_KEYS, _never)
            return
        now = self.situation()
        mark = replace(_MARK, keys=self.explorer.settings.keys.get(_MARK.id, _MARK.keys))
        shown = [mark, *(action for action in self.actions if action.footer)]
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
            here_refusal=self._refusal(self.active.place_of(pair) or here),
            cursor_kind=str(pair.kind) if pair is not None else "",
        )

    def _key_clicked(self, method: str) -> None:
        """What is shown in the footer can be clicked; not all of it is an action of this screen."""
        if method == _MARK.method:
            if self.active.pair_tree is not None:
                self.active.pair_tree.action_mark()
        elif method == "keep_filter":
            self.sifting.close_filter(drop=False)
        elif method:
            self.action_do(method)

    def _refusal(self, place: Place | None) -> str:
        if place is None:
            return "open a place in that pane first"
        server = self.explorer.workspace.server(place.server)
        if server.read_only:
            return f"{server.name} is marked read-only here"
        project = place.of(Kind.PROJECT)
        return self.explorer.rights.denial(place.server, project.id) if project is not None else ""

    def ask_rights(self, told: Callable[[], None]) -> None:
        """Ask what may be written on either side; `told` is called when more of it is known."""
        for place in (self.active.place_of(self.cursor) or self.active.root, self.other.root):
            project = place.of(Kind.PROJECT) if place is not None else None
            if place is not None and project is not None:
                self.explorer.rights.ask(place.server, project.id, told)

    def action_do(self, method: str) -> None:
        """Do an action by name, or say why it cannot be done now."""
        action = by_method()[method]
        if reason := action.why_not(self.situation()):
            self.say(reason)
            return
        for owner in self._owners:
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

    def say(self, text: str, *, lasting: bool = False) -> None:
        """A short answer to a key press, in the status line, where it covers nothing.

        It goes when the cursor moves, unless it is `lasting`, and after some seconds.
        """
        self._said, self._lasting = text, lasting
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(_SAID_SECONDS, self.say_no_more)
        self.show_status()

    def say_no_more(self) -> None:
        if self._said:
            self._said, self._lasting = "", False
            self.show_status()

    def chosen_words(self) -> str:
        """What an action would be done with: the marks, or the row under the cursor."""
        rows = self.active.rows
        if rows is not None and len(rows.marks):
            return f"{len(rows.marks)} marked"
        return self.cursor.key if self.cursor is not None else "nothing chosen"


_MARK = Action("tree.mark", "mark", "space", "Mark", "Mark and move down")
_FILTER_KEYS = (
    Action("filter.keep", "keep_filter", "enter", "Keep", ""),
    Action("filter.drop", "unwind", "escape", "Drop", ""),
    Action("filter.inverse", "", "!text", "Without", ""),
    Action("filter.type", "", "type:MR", "By type", ""),
)


def _never(_: Action) -> bool:
    return False
