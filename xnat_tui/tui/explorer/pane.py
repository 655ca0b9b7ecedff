"""One side of the explorer: a bordered tree, where it stands, and where it stood before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from xnat_tui.model.display import cell_width, clean, fit
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.rows import Row, Rows
from xnat_tui.tui.explorer.tree import PairTree
from xnat_tui.tui.terminal.theme import ASCII, Glyphs

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Side, Tree

SideName = Literal["source", "destination"]
_MOST_VISITS = 30


@dataclass(slots=True)
class Visit:
    """A place that a pane showed, with its tree as it was left."""

    place: Place
    model: Tree
    rows: Rows
    renamed: bool = False
    """Whether something on the way to the place, or itself, is called otherwise now."""


class Pane(Vertical):
    """Shows one tree. It decides nothing: the main screen opens places in it and loads its rows."""

    DEFAULT_CSS = """
    Pane { width: 1fr; height: 1fr; border: round $foreground 30%; border-title-color: $text-muted;
           border-subtitle-color: $text-muted; }
    Pane.-active { border: round $accent; border-title-color: $text; border-title-style: bold;
           border-subtitle-color: $text; }
    Pane.-hidden { display: none; }
    Pane > .pane--notice { padding: 1 2; height: 1fr; color: $text-muted; }
    Pane > PairTree { height: 1fr; }
    """

    def __init__(self, side: SideName, glyphs: Glyphs) -> None:
        super().__init__(id=side)
        self._glyphs = glyphs
        self._crumb = " > " if glyphs is ASCII else " › "
        self.side: SideName = side
        self.model: Tree | None = None
        self.rows: Rows | None = None
        self.history: list[Visit] = []
        self.at = -1
        """Where in the history this pane stands."""
        self.notice = ""
        """What is said in place of a tree."""
        self.opening = False
        """Whether a place is about to be shown that was asked for."""
        self.wanted: tuple[str, str] | None = None
        """What is being opened, or could not be: a location, or a path and the server that it is on."""

    @property
    def right(self) -> bool:
        return self.side == "destination"

    def compose(self) -> ComposeResult:
        yield Static("", classes="pane--notice", markup=False)

    def on_mount(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Show nothing, and say how to open something."""
        self.wanted = None
        self.say("Nothing is open here.\n\no opens a server or project, g goes to an address.")

    @property
    def pair_tree(self) -> PairTree | None:
        return next(iter(self.query(PairTree)), None)

    @property
    def visit(self) -> Visit | None:
        """Where in its history it stands."""
        return self.history[self.at] if 0 <= self.at < len(self.history) else None

    @property
    def root(self) -> Place | None:
        """The place whose children this pane shows."""
        if self.model is None:
            return None
        side = self.model.destination if self.right else self.model.source
        return side.root if side is not None else None

    def say(self, notice: str, *, opening: bool = False) -> None:
        """Show a text in place of a tree: an error, or what is being waited for while it is `opening`."""
        self.opening = opening
        self._let_go_of_focus()
        for tree in self.query(PairTree):
            tree.remove()
        self.model = self.rows = None
        line = self.query_one(".pane--notice", Static)
        line.display = True
        self.notice = notice
        line.update(notice)
        self.border_title = "Destination" if self.right else "Source"
        self.border_subtitle = ""

    async def show(self, model: Tree, rows: Rows) -> PairTree:
        """Put a tree in place of what was shown."""
        self._let_go_of_focus()
        await self.query(PairTree).remove()
        self.model, self.rows, self.wanted, self.opening = model, rows, None, False
        self.query_one(".pane--notice").display = False
        self.notice = ""
        tree = PairTree(rows, self.side, glyphs=self._glyphs)
        await self.mount(tree)
        self.show_crumbs(rows.current)
        return tree

    def focus_tree(self) -> None:
        """Without a tree nothing has the focus; keys then reach the screen alone."""
        if self.pair_tree is not None:
            self.pair_tree.focus()
        else:
            self.screen.set_focus(None)

    def _let_go_of_focus(self) -> None:
        """Before a tree goes: Textual would hand its focus on to the other pane."""
        if self.pair_tree is not None and self.pair_tree.has_focus:
            self.screen.set_focus(None)

    def remember(self, visit: Visit) -> None:
        """A new place in the history; what lay ahead is gone. The same place again takes the old one's."""
        kept = self.history[: self.at + 1]
        if kept and kept[-1].place == visit.place:
            kept.pop()
        self.history = [*kept, visit][-_MOST_VISITS:]
        self.at = len(self.history) - 1

    def browse(self, side: Side) -> tuple[Tree, Rows]:
        """A tree of this side alone."""
        from xnat_tui.services.browsing.trees import Tree

        model = Tree(None, side) if self.right else Tree(side, None)
        return model, Rows(model.root)

    def place_of(self, pair: Pair | None) -> Place | None:
        """Where a pair stands on this pane's side."""
        if self.model is None or pair is None:
            return None
        return self.model.place(pair, right=self.right)

    def on_resize(self) -> None:
        self.show_crumbs(self.rows.current if self.rows is not None else None)

    def show_crumbs(self, row: Row | None = None) -> None:
        """Server and project in the upper border, the way from there in the lower one."""
        root = self.root
        if root is None:
            return
        width = max(8, self.size.width - 6 or 30)
        word = "Destination" if self.right else "Source"
        above = self._crumb.join([clean(root.server), *(clean(item.key) for item in root.items)])
        title = f"{word}: {above}"
        self.border_title = Content(fit(title if cell_width(title) <= width else above, width))
        self.border_subtitle = Content(fit(self._way_to(row), width) if row is not None else "")

    def _way_to(self, row: Row) -> str:
        words: list[str] = []
        for pair in (row.pair, *row.pair.ancestors()):
            if pair.parent is None:
                break
            words.append(clean(pair.key))
        return self._crumb.join(reversed(words))


def openable(kind: Kind) -> bool:
    """Whether a place of this kind can be the root of a pane."""
    return kind in (Kind.SERVER, Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.SCAN)
