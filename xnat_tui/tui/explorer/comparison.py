"""The comparison on the screen: started, watched, deepened, stopped. The work is done elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.timer import Timer

from xnat_tui.errors import Interrupted
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Depth, Pair, Status
from xnat_tui.model.place import Place
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.details import Details
from xnat_tui.tui.explorer.filter import View
from xnat_tui.tui.explorer.levels import Levels
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places, renewed
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.rows import Row, Rows
from xnat_tui.tui.loader import outcome

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree
    from xnat_tui.services.comparing.comparison import Comparison

LOOKS_PER_SECOND = 4
"""Once a second where somebody listens to the screen rather than looks at it."""

_DEPTHS = {
    Depth.LABELS: "Comparing labels: what is there and what is not.",
    Depth.SIZES: "Comparing sizes: also the number of files and bytes.",
    Depth.DIGESTS: "Comparing digests: also each file's recorded MD5, without downloading.",
}


class ShownComparison:
    """While one is `shown`, both panes show its rows, with one cursor."""

    def __init__(
        self, context: Context, panes: Panes, places: Places, levels: Levels, details: Details
    ) -> None:
        self._context = context
        self._panes = panes
        self._places = places
        self._levels = levels
        self._details = details
        self.shown: Comparison | None = None
        self.watchers: list[Callable[[], None]] = []
        """Called whenever more of it may have become known."""
        self.rows: Rows | None = None
        self._released: dict[str, tuple[Tree, Rows]] = {}
        self._timer: Timer | None = None
        self._seen = (-1, -1, -1)
        self._cursor: Pair | None = None
        self._standing: Standing | None = None
        """Where the panes stood before something was read again."""
        self._moves = 0
        """How often the user had moved the cursor then."""
        self._unreadable = 0
        """Pairs that could not be read, as counted when the comparison had ended."""
        self._refill: dict[Pair, None] = {}
        """What is to be read again when the comparison has come to rest."""

    @property
    def on(self) -> bool:
        return self.shown is not None

    @property
    def looks(self) -> bool:
        """Whether the screen still watches a comparison that has not ended, or was not shown whole."""
        return self._timer is not None

    @property
    def runs(self) -> bool:
        """Whether it is still being compared."""
        return self.shown is not None and not self.shown.progress.ended

    @property
    def can_stop(self) -> bool:
        return self.runs and self.shown is not None and not self.shown.stop.is_set()

    @property
    def unread(self) -> int:
        """Pairs that are still to be compared."""
        if self.shown is None:
            return 0
        root = self.shown.root
        return root.unread_below + int(not root.complete)

    @property
    def roots(self) -> tuple[Place, Place] | None:
        """The two places that are compared."""
        if self.shown is None:
            return None
        return self.shown.source.root, self.shown.destination.root

    def describe(self) -> str:
        """The state line's part: depth, differences, what is still unread, and what became of it."""
        if self.shown is None:
            return ""
        root, progress = self.shown.root, self.shown.progress
        differences = counted(max(0, root.differing_below - self._unreadable), "difference")
        words = [f"compare: {self.shown.depth}   {differences}"]
        if self._unreadable:
            words.append(f"{self._unreadable} unreadable")
        if self.unread:
            words.append(f"{self.unread} unread")
        if progress.ended and isinstance(progress.error, Interrupted):
            words.append("stopped: n goes on")
        elif progress.ended and progress.error is not None:
            words.append("! ended early: r retries")
        elif self.runs and self.shown.stop.is_set():
            words.append("stopping …")
        elif self.runs and progress.notice is not None:
            words.append(f"{progress.notice.short} (esc stops)")
        if root.status is Status.DIFFERS:
            words.append(f"{root.kind} itself differs (S)")
        elif root.status is Status.UNREADABLE:
            of_what = f"the {root.kind} too" if self._unreadable else f"{root.kind} could not be read"
            words.append(f"! {of_what} (S)")
        return ", ".join(words)

    # what the user asks for

    async def toggle(self) -> None:
        if self.on:
            await self.release()
            return
        left, right = self._panes.source, self._panes.destination
        one, other = self._subject_of(left), self._subject_of(right)
        if one is None or other is None or one.kind is not other.kind:
            words = [str(place.kind) if place else "nothing" for place in (one, other)]
            self._context.say(
                f"Compare needs two places of one kind; here it is {words[0]} and {words[1]}. "
                "Open one in each pane (o, g), or put the cursors on two projects."
            )
            return
        await self.start(one, other)

    async def start(self, source: Place, destination: Place) -> None:
        from xnat_tui.services.browsing.trees import Side
        from xnat_tui.services.comparing.comparison import Comparison

        panes = self._panes
        for pane in panes:
            assert pane.model is not None, "something is open in both panes"
            assert pane.rows is not None
            self._released[pane.side] = (pane.model, pane.rows)
        workspace = self._context.workspace
        self.shown = Comparison(
            Side(workspace.reader(source.server), source),
            Side(workspace.reader(destination.server), destination),
            neutral=workspace.settings.neutral_fields,
        )
        self.rows = Rows(self.shown.root, comparing=True)
        panes.linked = self
        left = await panes.source.show(self.shown.tree, self.rows)
        right = await panes.destination.show(self.shown.tree, self.rows)
        left.link(right)
        panes.active.focus_tree()
        self._run()
        self._context.main.situation_changed()

    async def release(self, *, anew: bool = False) -> None:
        """End the comparison; each pane then stands where the comparison stood, as far as it holds that.

        With `anew` another one begins at once.
        """
        if self.shown is None or self.roots is None:
            return
        compared, standing, dropped = self.roots, Standing.of(self.rows), self.shown
        dropped.stop.set()
        self.shown = self._panes.linked = None
        self._refill.clear()
        self._standing = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        active = self._panes.active
        for pane in self._panes:
            if pane.pair_tree is not None:
                pane.pair_tree.link(None)
            model, rows = self._released.pop(pane.side)
            tree = await pane.show(model, rows)
            place = compared[1] if pane.right else compared[0]
            below = standing.seen_from(pane.root, place) if pane.root is not None else None
            if pane.visit is not None and pane.visit.renamed and not anew:
                self._places.find_again(pane, pane.visit, below or Standing.of(rows), shown=False)
            elif below is not None:
                self._levels.read_again(pane, below)
            tree.ask_for_unread()  # what was written meanwhile was forgotten
        self.rows = None
        active.focus_tree()
        self._context.main.situation_changed()
        if not anew:  # a panel may still show its figures then
            threading.Thread(target=dropped.dissolve, name="dissolving", daemon=True).start()

    def deepen(self) -> None:
        comparison = self.shown
        if comparison is None:
            return
        depths = list(Depth)
        depth = depths[(depths.index(comparison.depth) + 1) % len(depths)]
        if not comparison.progress.ended:
            self._context.say(f"Comparing {comparison.depth} still goes on: wait, or stop it with esc.")
            return
        comparison.deepen(depth)
        if self._panes.source.pair_tree is not None:
            self._panes.source.pair_tree.pairs_changed(comparison.root)
        self._context.say(_DEPTHS[depth])
        self._run()

    def verify(self) -> None:
        """Prove that both sides are the same, by digests, and tell whether that holds."""
        comparison = self.shown
        if comparison is None:
            return
        if not comparison.progress.ended:
            self._context.say(f"Comparing {comparison.depth} still goes on: wait, or stop it with esc.")
            return
        if comparison.depth is not Depth.DIGESTS:
            comparison.deepen(Depth.DIGESTS)
            if self._panes.source.pair_tree is not None:
                self._panes.source.pair_tree.pairs_changed(comparison.root)
        if not comparison.root.complete or comparison.root.unread_below:
            self._run()
        self.summary()

    def show_only(self) -> None:
        if self.rows is not None and self._panes.source.pair_tree is not None:
            self._panes.source.pair_tree.show_view(self.rows.narrowing.view.next)
            self._context.main.situation_changed()

    def summary(self) -> None:
        from xnat_tui.tui.panels.summary import ComparePanel

        if self.shown is not None:
            self._context.ask(ComparePanel(self.shown), self._summary_left)

    def _summary_left(self, wanted: str | None) -> None:
        if wanted == "next":
            self._context.main.action_do("compare.next")
        elif wanted == "filter":
            self.show_only()
        elif wanted == "depth":
            self.deepen()
            self.summary()
        elif wanted == "details" and self.shown is not None:
            self._details.show(self.shown.root)

    async def unwind(self) -> bool:
        """Esc: first stop what runs, then leave the comparison. False when there was nothing to undo."""
        if self.shown is None:
            return False
        if not self.shown.progress.ended:
            self.shown.stop.set()
            self._context.main.situation_changed()
        else:
            await self.release()
        return True

    def written(self, *pairs: Pair) -> None:
        """Something was written there: read again, too, unless the user has stopped the comparison."""
        comparison, tree = self.shown, self._panes.source.pair_tree
        if comparison is None or tree is None or not pairs:
            return
        if self.runs or not isinstance(comparison.progress.error, Interrupted):
            self.refill(*pairs)
        else:
            tree.pairs_changed(*(comparison.forget(pair) for pair in pairs))

    def refill(self, *pairs: Pair) -> None:
        """Read pairs again: what was known below is forgotten, and the comparison goes on from there. Where
        the panes stood is taken up again when it has ended."""
        comparison, tree = self.shown, self._panes.source.pair_tree
        if comparison is None or tree is None or not pairs:
            return
        if self._standing is None and self.rows is not None:
            self._standing, self._moves = Standing.of(self.rows), self.rows.moves
        if self.runs:  # its threads still hold pairs that would be dropped: they come to rest first
            self._refill |= dict.fromkeys(pairs)
            comparison.stop.set()
            self._context.say("Reading it again as soon as the requests under way are answered …")
            return
        tree.pairs_changed(*(comparison.forget(pair) for pair in pairs))
        self._run()

    def find_again(self) -> None:
        """What is compared, or something above it, may have got another label: then it starts anew."""
        comparison, roots = self.shown, self.roots
        assert roots is not None, "something is compared"
        reader = self._context.workspace.reader

        def find() -> list[Place]:
            return [renewed(reader(place.server), place) for place in roots]

        def found(places: list[Place]) -> None:
            same = [place.location for place in places] == [place.location for place in roots]
            if self.shown is comparison and not same:
                self._context.app.run_worker(self._start_anew(*places))

        self._context.run("renewed", find, found)

    async def _start_anew(self, source: Place, destination: Place) -> None:
        await self.release(anew=True)
        await self.start(source, destination)

    def go_on(self) -> None:
        """Compare what is still unread, where that was stopped."""
        if self.shown is not None and self.shown.progress.ended:
            self._run()

    def moved(self, row: Row | None) -> None:
        self._cursor = row.pair if row is not None else None

    # how it is watched

    def _run(self) -> None:
        comparison = self.shown
        assert comparison is not None
        self._unreadable = 0
        comparison.stop.clear()
        comparison.begin()
        threading.Thread(target=self._work, args=(comparison,), name="comparison", daemon=True).start()
        if self._timer is not None:
            self._timer.stop()
        self._seen = (-1, -1, -1)
        looks = 1 if self._context.plain else LOOKS_PER_SECOND
        self._timer = self._context.every(1 / looks, self._look)
        self._context.main.situation_changed()

    def _work(self, comparison: Comparison) -> None:
        _, error = outcome(lambda: comparison.run(lambda: self._cursor))
        if error is not None:
            comparison.progress.error = error

    def _look(self) -> None:
        """Show what has become known since the last look, and nothing when that is nothing."""
        comparison, rows, tree = self.shown, self.rows, self._panes.source.pair_tree
        if comparison is None or rows is None or tree is None:
            return
        progress, root = comparison.progress, comparison.root
        ended = progress.ended  # asked first: what became known before it is then seen below
        seen = (progress.compared, root.differing_below, root.unread_below)
        if ended or seen != self._seen:
            self._seen = seen
            rows.figures.forget_all()
            filled = self._told_more_since(rows) if ended else self._filled(rows)
            if filled:
                tree.pairs_changed(*filled)
            if rows.narrowing.view is not View.ALL:
                tree.show_view(rows.narrowing.view)
            tree.rows_changed()
        self._context.main.situation_changed()
        for watch in self.watchers:
            watch()
        if ended and self._timer is not None:
            self._timer.stop()
            self._timer = None
            if self._refill:
                again, self._refill = list(self._refill), {}
                self.refill(*again)
                return
            if self._standing is not None:
                self._standing.take(rows, cursor=rows.moves == self._moves)
                self._standing = None
                tree.goto(rows.cursor, by_user=False)
            if progress.error is not None and not isinstance(progress.error, Interrupted):
                self._context.report(progress.error)
            self._context.main.situation_changed()
            self._measure(comparison)

    def _measure(self, comparison: Comparison) -> None:
        """What only one side has is not compared: its sizes are shown where a bulk answer brought them."""

        def measure() -> int:
            comparison.fill_missing()
            return sum(pair.status is Status.UNREADABLE for pair in comparison.root.counted())

        def measured(unreadable: int) -> None:
            if self.shown is comparison and self.rows is not None and not self.runs:
                self._unreadable = unreadable
                self._context.main.situation_changed()
                self.rows.figures.forget_all()
                tree = self._panes.source.pair_tree
                if tree is not None:
                    tree.pairs_changed(comparison.root)

        self._context.run("measure", measure, measured)

    @staticmethod
    def _filled(rows: Rows) -> list[Pair]:
        """Pairs below which `loading…` stands, though their children are there."""
        return [row.pair for row in rows.unread(range(len(rows))) if row.pair.children is not None]

    @staticmethod
    def _told_more_since(rows: Rows) -> list[Pair]:
        """Pairs below which any message stands: at the end, what came after an error is shown too."""
        return [row.pair for row in rows if row.message is not None and row.pair.children is not None]

    def _subject_of(self, pane: Pane) -> Place | None:
        """What a pane contributes: its root, or, on a server, the project under its cursor."""
        root = pane.root
        if root is None or root.kind is not Kind.SERVER:
            return root
        row = pane.rows.current if pane.rows is not None else None
        place = pane.place_of(row.pair) if row is not None else None
        return place.up_to(Kind.PROJECT) if place is not None and place.items else root
