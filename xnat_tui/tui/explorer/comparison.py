"""The comparison on the screen: started, watched, deepened, stopped. The work is done elsewhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from textual.timer import Timer

from xnat_tui.errors import Interrupted
from xnat_tui.model.display import counted
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Depth, Pair, Status
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.filter import View
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.rows import Row, Rows
from xnat_tui.tui.loader import outcome

if TYPE_CHECKING:
    from xnat_tui.services.browsing.trees import Tree
    from xnat_tui.services.comparing.comparison import Comparison
    from xnat_tui.tui.explorer.pane import Pane
    from xnat_tui.tui.explorer.screen import MainScreen

LOOKS_PER_SECOND = 4
"""Once a second where somebody listens to the screen rather than looks at it."""

_DEPTHS = {
    Depth.LABELS: "Comparing labels: what is there and what is not.",
    Depth.SIZES: "Comparing sizes: also the number of files and bytes.",
    Depth.DIGESTS: "Comparing digests: also each file's recorded MD5, without downloading.",
}


class Comparing:
    """While `comparison` is set, both panes show its rows, with one cursor."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self.comparison: Comparison | None = None
        self.rows: Rows | None = None
        self._released: dict[str, tuple[Tree, Rows]] = {}
        self._timer: Timer | None = None
        self._seen = (-1, -1, -1)
        self._cursor: Pair | None = None
        self._standing: Standing | None = None
        self._unreadable = 0
        """Pairs that could not be read, as counted when the comparison had ended."""
        self._refill: tuple[Pair, Standing | None] | None = None
        """What is to be read again when the comparison has come to rest."""

    @property
    def on(self) -> bool:
        return self.comparison is not None

    @property
    def looks(self) -> bool:
        """Whether the screen still watches a comparison that has not ended, or was not shown whole."""
        return self._timer is not None

    @property
    def runs(self) -> bool:
        """Whether it is still being compared."""
        return self.comparison is not None and not self.comparison.progress.ended

    @property
    def can_stop(self) -> bool:
        return self.runs and self.comparison is not None and not self.comparison.stop.is_set()

    @property
    def unread(self) -> int:
        """Pairs that are still to be compared."""
        if self.comparison is None:
            return 0
        root = self.comparison.root
        return root.unread_below + int(not root.complete)

    @property
    def roots(self) -> tuple[Place, Place] | None:
        """The two places that are compared."""
        if self.comparison is None:
            return None
        return self.comparison.source.root, self.comparison.destination.root

    def describe(self) -> str:
        """The state line's part: depth, differences, what is still unread, and what became of it."""
        if self.comparison is None:
            return ""
        root, progress = self.comparison.root, self.comparison.progress
        differences = counted(max(0, root.differing_below - self._unreadable), "difference")
        words = [f"compare: {self.comparison.depth}   {differences}"]
        if self._unreadable:
            words.append(f"{self._unreadable} unreadable")
        if self.unread:
            words.append(f"{self.unread} unread")
        if progress.ended and isinstance(progress.error, Interrupted):
            words.append("stopped: n goes on")
        elif progress.ended and progress.error is not None:
            words.append("! ended early: r retries")
        elif self.runs and self.comparison.stop.is_set():
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

    async def do_compare(self) -> None:
        if self.on:
            await self.release()
            return
        left, right = self._screen.source, self._screen.destination
        one, other = self._subject_of(left), self._subject_of(right)
        if one is None or other is None or one.kind is not other.kind:
            words = [str(place.kind) if place else "nothing" for place in (one, other)]
            self._screen.say(
                f"Compare needs two places of one kind; here it is {words[0]} and {words[1]}. "
                "Open one in each pane (o, g), or put the cursors on two projects."
            )
            return
        await self.start(one, other)

    async def start(self, source: Place, destination: Place) -> None:
        from xnat_tui.services.browsing.trees import Side
        from xnat_tui.services.comparing.comparison import Comparison

        screen = self._screen
        for pane in (screen.source, screen.destination):
            assert pane.model is not None, "something is open in both panes"
            assert pane.rows is not None
            self._released[pane.side] = (pane.model, pane.rows)
        workspace = screen.explorer.workspace
        self.comparison = Comparison(
            Side(workspace.reader(source.server), source),
            Side(workspace.reader(destination.server), destination),
            neutral=workspace.settings.neutral_fields,
        )
        self.rows = Rows(self.comparison.root, comparing=True)
        left = await screen.source.show(self.comparison.tree, self.rows)
        right = await screen.destination.show(self.comparison.tree, self.rows)
        left.link(right)
        screen.active.focus_tree()
        self._run()
        screen.situation_changed()

    async def release(self) -> None:
        """End the comparison; each pane then stands where the comparison stood, as far as it holds that."""
        if self.comparison is None or self.roots is None:
            return
        compared, standing = self.roots, Standing.of(self.rows)
        self.comparison.stop.set()
        self.comparison = self._refill = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        active = self._screen.active
        for pane in (self._screen.source, self._screen.destination):
            if pane.pair_tree is not None:
                pane.pair_tree.link(None)
            model, rows = self._released.pop(pane.side)
            await pane.show(model, rows)
            place = compared[1] if pane.right else compared[0]
            if pane.root is not None and (below := standing.seen_from(pane.root, place)) is not None:
                self._screen.opening.read_again(pane, below)
        self.rows = None
        active.focus_tree()
        self._screen.situation_changed()

    def do_depth(self) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        depths = list(Depth)
        depth = depths[(depths.index(comparison.depth) + 1) % len(depths)]
        if not comparison.progress.ended:
            self._screen.say(f"Comparing {comparison.depth} still goes on: wait, or stop it with esc.")
            return
        comparison.deepen(depth)
        if self._screen.source.pair_tree is not None:
            self._screen.source.pair_tree.pairs_changed(comparison.root)
        self._screen.say(_DEPTHS[depth])
        self._run()

    def do_show_only(self) -> None:
        if self.rows is not None and self._screen.source.pair_tree is not None:
            self._screen.source.pair_tree.show_view(self.rows.narrowing.view.next)
            self._screen.situation_changed()

    def do_summary(self) -> None:
        from xnat_tui.tui.panels.summary import ComparePanel

        if self.comparison is not None:
            self._screen.app.push_screen(ComparePanel(self.comparison), self._summary_left)

    def _summary_left(self, wanted: str | None) -> None:
        if wanted == "next":
            self._screen.action_do("next_difference")
        elif wanted == "filter":
            self.do_show_only()
        elif wanted == "depth":
            self.do_depth()
            self.do_summary()
        elif wanted == "details" and self.comparison is not None:
            self._screen.looking.show_details(self.comparison.root)

    async def unwind(self) -> bool:
        """Esc: first stop what runs, then leave the comparison. False when there was nothing to undo."""
        if self.comparison is None:
            return False
        if not self.comparison.progress.ended:
            self.comparison.stop.set()
            self._screen.situation_changed()
        else:
            await self.release()
        return True

    def refill(self, pair: Pair, standing: Standing | None = None) -> None:
        """Read a pair again: what was known below it is forgotten, and the comparison goes on from there.

        `standing` is where the panes stood, to be taken up again when it has ended.
        """
        comparison, tree = self.comparison, self._screen.source.pair_tree
        if comparison is None or tree is None:
            return
        if self.runs:  # its threads still hold pairs that would be dropped: they come to rest first
            self._refill = (pair, standing)
            comparison.stop.set()
            self._screen.say("Reading it again as soon as the requests under way are answered …")
            return
        self._standing = standing
        tree.pairs_changed(comparison.forget(pair))
        self._run()

    def go_on(self) -> None:
        """Compare what is still unread, where that was stopped."""
        if self.comparison is not None and self.comparison.progress.ended:
            self._run()

    def moved(self, row: Row | None) -> None:
        self._cursor = row.pair if row is not None else None

    # how it is watched

    def _run(self) -> None:
        comparison = self.comparison
        assert comparison is not None
        self._unreadable = 0
        comparison.stop.clear()
        comparison.begin()
        threading.Thread(target=self._work, args=(comparison,), name="comparison", daemon=True).start()
        if self._timer is not None:
            self._timer.stop()
        self._seen = (-1, -1, -1)
        looks = 1 if self._screen.explorer.plain else LOOKS_PER_SECOND
        self._timer = self._screen.set_interval(1 / looks, self._look)
        self._screen.show_state()

    def _work(self, comparison: Comparison) -> None:
        _, error = outcome(lambda: comparison.run(lambda: self._cursor))
        if error is not None:
            comparison.progress.error = error

    def _look(self) -> None:
        """Show what has become known since the last look, and nothing when that is nothing."""
        comparison, rows, tree = self.comparison, self.rows, self._screen.source.pair_tree
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
        self._screen.show_state()
        self._screen.looking.try_wish()
        if ended and self._timer is not None:
            self._timer.stop()
            self._timer = None
            if self._refill is not None:
                again, self._refill = self._refill, None
                self.refill(*again)
                return
            if self._standing is not None:
                self._standing.take(rows)
                self._standing = None
                tree.goto(rows.cursor)
            if progress.error is not None and not isinstance(progress.error, Interrupted):
                self._screen.explorer.report(progress.error)
            self._screen.situation_changed()
            self._measure(comparison)

    def _measure(self, comparison: Comparison) -> None:
        """What only one side has is not compared: its sizes are shown where a bulk answer brought them."""

        def measure() -> int:
            comparison.fill_missing()
            return sum(pair.status is Status.UNREADABLE for pair in comparison.root.counted())

        def measured(unreadable: int) -> None:
            if self.comparison is comparison and self.rows is not None and not self.runs:
                self._unreadable = unreadable
                self._screen.show_state()
                self.rows.figures.forget_all()
                tree = self._screen.source.pair_tree
                if tree is not None:
                    tree.pairs_changed(comparison.root)

        self._screen.explorer.loader.submit("measure", measure, measured, self._screen.explorer.report)

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
