"""The two panes: which one keys are about, what is under the cursor, and what is marked there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from textual.screen import Screen

from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.row import Message
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.terminal.theme import Glyphs

NARROW = 60
"""Columns below which one pane is shown."""
SHORT = 14
"""Lines below which the status line gives its place to the rows, unless it has something to say."""


class Linked(Protocol):
    """What shows the same rows in both panes."""

    async def release(self) -> None:
        """Give each pane back what it showed before."""


class Panes:
    """Source on the left, destination on the right. What they show is decided elsewhere."""

    def __init__(self, screen: Screen[Any], glyphs: Glyphs, activated: Callable[[], None]) -> None:
        """`screen` holds them; `activated` is called when another one is the active pane."""
        self._screen = screen
        self._activated = activated
        self.source = Pane("source", glyphs)
        self.destination = Pane("destination", glyphs)
        self.zoomed = False
        self.linked: Linked | None = None
        """The comparison, while both panes show its rows."""
        self.active: Pane = self.source
        """The pane with the focus, or the one that had it last."""

    def __iter__(self) -> Iterator[Pane]:
        return iter((self.source, self.destination))

    @property
    def other(self) -> Pane:
        return self.destination if self.active is self.source else self.source

    def of(self, tree: PairTree) -> Pane:
        return self.destination if tree.side == "destination" else self.source

    def showing(self, rows: object) -> PairTree | None:
        """The tree that shows these rows; the source's where both do."""
        return next((pane.pair_tree for pane in self if pane.rows is rows), None)

    def activate(self, pane: Pane) -> None:
        """Make a pane the one that keys are about, whether it holds a tree or not."""
        pane.set_class(False, "-hidden")
        self.active = pane
        pane.focus_tree()
        self._activated()

    def show(self) -> None:
        """Both panes, or only the active one where it is zoomed or the terminal is narrow."""
        size = self._screen.size
        self._screen.set_class(size.height < SHORT, "-short")
        alone = self.zoomed or 0 < size.width < NARROW
        for pane in self:
            pane.set_class(pane is self.active, "-active")
            pane.set_class(alone and pane is not self.active, "-hidden")

    # what an action is about

    @property
    def cursor(self) -> Pair | None:
        """The pair under the cursor of the active pane; None on a message row."""
        row = self.active.rows.current if self.active.rows is not None else None
        return row.pair if row is not None and row.message is None else None

    @property
    def marks(self) -> int:
        return len(self.active.rows.marks) if self.active.rows is not None else 0

    @property
    def pointed(self) -> bool:
        """Any row, a message too, but for the one that says that all of the pane is empty."""
        row = self.active.rows.current if self.active.rows is not None else None
        return row is not None and not (row.message is Message.EMPTY and row.depth == 0)

    @property
    def unread(self) -> bool:
        return self.cursor is not None and self.cursor.group is not None and self.cursor.children is None

    @property
    def root(self) -> Place | None:
        return self.active.root

    @property
    def here(self) -> Place | None:
        return self.active.place_of(self.cursor)

    @property
    def elsewhere(self) -> Place | None:
        return self.other.root

    @property
    def sides(self) -> tuple[Place | None, Place | None]:
        pair, model = self.cursor, self.active.model
        if pair is None or model is None:
            return None, None
        return model.place(pair), model.place(pair, right=True)

    def chosen(self) -> list[Place]:
        pane, cursor = self.active, self.cursor
        if pane.rows is None:
            return []
        marked = list(pane.rows.marks) or ([cursor] if cursor is not None else [])
        places: list[Place] = []
        for pair in marked:
            members = pair.children or [] if pair.group is not None else [pair]
            places += [place for member in members if (place := pane.place_of(member)) is not None]
        return places

    def chosen_words(self) -> str:
        """What an action would be done with: the marks, or the row under the cursor."""
        if self.marks:
            return f"{self.marks} marked"
        return self.cursor.key if self.cursor is not None else "nothing chosen"
