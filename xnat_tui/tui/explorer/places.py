"""Opening places in panes, and loading what stands below a row; nothing here waits on the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from xnat_tui.errors import Interrupted, XnatTuiError
from xnat_tui.model.display import clean, clean_lines
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.pane import Pane, Visit, openable
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.explorer.rows import Rows

if TYPE_CHECKING:
    from xnat_tui.services.browsing.reading import Reader
    from xnat_tui.services.browsing.trees import Tree
    from xnat_tui.tui.explorer.screen import MainScreen

SLOW_SECONDS = 5
"""From then on a load tells how long it has taken, and how it is stopped."""


@dataclass(slots=True)
class _Load:
    pane: Pane
    model: Tree
    rows: Rows
    ticking: Timer | None = None
    waited: int = field(default=0)


class Opening:
    """Whatever a pane shows comes through here."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._loads: dict[Pair, _Load] = {}

    # places

    def open_text(self, pane: Pane, text: str, server: str = "") -> None:
        """Look a location up and open it. With a `server`, the text is a path on it, as of its REST."""
        workspace = self._screen.explorer.workspace
        pane.say(f"Opening {clean(text)} …\n\nesc stops it.")
        pane.wanted = (text, server)

        def find() -> Place:
            return workspace.find_one(workspace.server(server).url + text if server else text)

        self._screen.explorer.loader.submit(
            ("open", pane.side),
            find,
            lambda place: self.open_place(pane, place),
            lambda error: self._not_opened(pane, error),
        )

    def open_place(self, pane: Pane, place: Place) -> None:
        """Show a place, or what holds it where it cannot be a root itself, the cursor then on it."""
        inside = place
        while not openable(inside.kind):
            inside = inside.parent
        cursor = tuple((str(item.kind), item.key) for item in place.items[len(inside.items) :])
        self.show_anew(pane, inside, Standing(cursor=cursor))

    def show_anew(self, pane: Pane, place: Place, standing: Standing, *, remember: bool = True) -> None:
        """Show a place and what was open in it. Its server is signed in to first where it is not."""
        workspace = self._screen.explorer.workspace
        name = place.server

        def opened(_: Reader) -> None:
            self._screen.run_worker(self.show_now(pane, place, standing, remember=remember))

        if workspace.signed_in(name):
            opened(workspace.reader(name))
            return
        pane.wanted = (str(place.location), "")
        pane.say(f"Signing in to {clean(name)} …\n\nesc stops it.")
        self._screen.explorer.loader.submit(
            ("open", pane.side),
            lambda: workspace.reader(name),
            opened,
            lambda error: self._not_opened(pane, error),
        )

    async def show_now(self, pane: Pane, place: Place, standing: Standing, *, remember: bool = True) -> None:
        """As `show_anew`, on a server that is signed in to."""
        from xnat_tui.services.browsing.trees import Side

        model, rows = pane.browse(Side(self._screen.explorer.workspace.reader(place.server), place))
        await self._show(pane, Visit(place, model, rows), remember=remember)
        self._read(pane, model, rows, standing)

    async def revisit(self, pane: Pane, visit: Visit) -> None:
        """Show a tree again that this pane has shown before, as it was left."""
        workspace = self._screen.explorer.workspace
        side = visit.model.destination if pane.right else visit.model.source
        name = visit.place.server
        stale = side is None or not workspace.signed_in(name) or workspace.reader(name) is not side.reader
        if stale:
            self.show_anew(pane, visit.place, Standing.of(visit.rows), remember=False)
        else:
            await self._show(pane, visit, remember=False)

    def renew(self) -> None:
        """After servers were signed in to anew: panes that still show the session before are read again."""
        workspace = self._screen.explorer.workspace
        for pane in (self._screen.source, self._screen.destination):
            if pane.model is None or pane.root is None:
                continue
            side = pane.model.destination if pane.right else pane.model.source
            assert side is not None, "a pane has a side of what it shows"
            name = pane.root.server
            if workspace.signed_in(name) and workspace.reader(name) is not side.reader:
                self.show_anew(pane, pane.root, Standing.of(pane.rows), remember=False)

    async def _show(self, pane: Pane, visit: Visit, *, remember: bool) -> None:
        screen = self._screen
        if screen.comparing.on:
            await screen.comparing.release()
        await pane.show(visit.model, visit.rows)
        if remember:
            pane.remember(visit)
        elif pane.at >= 0:
            pane.history[pane.at] = visit
        if pane is screen.active:
            pane.focus_tree()
        screen.situation_changed()

    def _not_opened(self, pane: Pane, error: XnatTuiError) -> None:
        screen = self._screen
        lines = [
            f"! {error.message}",
            error.hint,
            "r tries again, o opens another place, ctrl+o shows servers.",
        ]
        pane.say(clean_lines("\n\n".join(line for line in lines if line)))
        screen.explorer.remember(f"{error.title}: {error.message}")
        screen.situation_changed()

    # levels

    def load(self, pane: Pane, pair: Pair) -> None:
        """Read what stands below a pair in the background; the rows show `loading…` until it is there."""
        model, rows = pane.model, pane.rows
        if model is not None and rows is not None and pair not in self._loads:
            self._read(pane, model, rows, Standing(), pair)

    def read_again(self, pane: Pane, standing: Standing) -> None:
        """Open and read, in the tree that a pane shows, what was open in it or elsewhere."""
        if pane.model is not None and pane.rows is not None:
            self._read(pane, pane.model, pane.rows, standing)

    def _read(
        self, pane: Pane, model: Tree, rows: Rows, standing: Standing, pair: Pair | None = None
    ) -> None:
        pair = pair or model.root
        self._forget(pair)
        load = self._loads[pair] = _Load(pane, model, rows)
        load.ticking = self._screen.set_interval(1, lambda: self._tick(pair))

        def read() -> None:
            if pair is model.root and standing.opened:
                standing.read(model)
            else:
                model.fill(pair)

        def done(_: Any) -> None:
            self._forget(pair)
            if standing != Standing():
                rows.refresh(pair)
                standing.take(rows)
            self._show_pair(rows, pair)

        def failed(error: XnatTuiError) -> None:
            with model.lock:
                pair.fail(None if pane.right else error, error if pane.right else None)
            done(None)

        self._screen.explorer.loader.submit(("load", pair), read, done, failed)

    def _show_pair(self, rows: Rows, pair: Pair) -> None:
        screen = self._screen
        for pane in (screen.source, screen.destination):
            if pane.rows is rows and pane.pair_tree is not None:
                pane.pair_tree.pairs_changed(pair)
                pane.pair_tree.goto(rows.cursor)
                break
        else:
            rows.refresh(pair)
        screen.situation_changed()

    def _tick(self, pair: Pair) -> None:
        load = self._loads[pair]
        load.waited += 1
        tree = load.pane.pair_tree
        if load.waited >= SLOW_SECONDS and tree is not None and load.pane.rows is load.rows:
            load.rows.loading_text[pair] = f"loading… {load.waited} s, esc stops it"
            index = load.rows.index_of(pair)
            tree.rows_changed(index if index is not None else 0)

    def _forget(self, pair: Pair) -> None:
        load = self._loads.pop(pair, None)
        if load is not None:
            load.rows.loading_text.pop(pair, None)
            if load.ticking is not None:
                load.ticking.stop()

    # stopping

    def stop(self) -> bool:
        """Stop what the active pane waits for; False when it waits for nothing that is slow or in sight.

        Where nobody else waits on that server, its connection is interrupted too, so that the thread is
        free again at once.
        """
        pane = self._screen.active
        if self._screen.explorer.loader.waits(("open", pane.side)):
            self._screen.explorer.loader.drop(("open", pane.side))
            pane.say("Stopped.\n\nr tries again, o opens another place.")
            return True
        row = pane.rows.current if pane.rows is not None else None
        under = [pair for pair in self._loads if row is not None and row.pair is pair]
        slow = [
            pair for pair, load in self._loads.items() if load.pane is pane and load.waited >= SLOW_SECONDS
        ]
        stopped = under or slow
        for pair in stopped:
            self._stop(pair)
        return bool(stopped)

    def _stop(self, pair: Pair) -> None:
        load = self._loads[pair]
        screen = self._screen
        screen.explorer.loader.drop(("load", pair))
        self._forget(pair)
        side = load.model.destination if load.pane.right else load.model.source
        busy = screen.comparing.on or screen.explorer.loader.waiting > 1
        if side is not None and not busy:
            side.reader.connection.interrupt()
        error = Interrupted("Loading was stopped.", "r asks again.")
        with load.model.lock:
            pair.fail(None if load.pane.right else error, error if load.pane.right else None)
        self._show_pair(load.rows, pair)
