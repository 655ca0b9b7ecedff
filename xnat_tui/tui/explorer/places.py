"""Opening places in panes; nothing here waits on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.display import clean, clean_lines
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.levels import Levels
from xnat_tui.tui.explorer.pane import Pane, Visit, openable
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.position import Standing, path_of

if TYPE_CHECKING:
    from xnat_tui.services.reading.reader import Reader


class Places:
    """Whatever a pane shows comes through here."""

    def __init__(self, context: Context, panes: Panes, levels: Levels) -> None:
        self._context = context
        self._panes = panes
        self._levels = levels

    def open_text(self, pane: Pane, text: str, server: str = "") -> None:
        """Look a location up and open it. With a `server`, the text is a path on it, as of its REST."""
        workspace = self._context.workspace
        pane.say(f"Opening {clean(text)} …\n\nesc stops it.", opening=True)
        pane.wanted = (text, server)

        def find() -> Place:
            return workspace.find_one(workspace.server(server).url + text if server else text)

        self._context.run(
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
        self.show_anew(pane, inside, Standing(cursor=path_of(place.items[len(inside.items) :])))

    def go_to(self, pane: Pane, place: Place) -> None:
        """Show a subject or session in its project, the cursor on it; what is deeper as `open_place`."""
        project = place.of(Kind.PROJECT)
        if project is None or place.kind not in (Kind.SUBJECT, Kind.EXPERIMENT):
            self.open_place(pane, place)
            return
        way = path_of(place.items[1:])
        standing = Standing(tuple(way[:end] for end in range(1, len(way))), way)
        inside = place.up_to(Kind.PROJECT)
        if self._panes.linked is None and pane.root is not None and pane.root.location == inside.location:
            self._levels.read_again(pane, standing)
        else:
            self.show_anew(pane, inside, standing)

    def show_anew(self, pane: Pane, place: Place, standing: Standing, *, remember: bool = True) -> None:
        """Show a place and what was open in it. Its server is signed in to first where it is not."""
        workspace = self._context.workspace
        name = place.server

        def opened(_: Reader) -> None:
            self._context.app.run_worker(self.show_now(pane, place, standing, remember=remember))

        pane.opening = True
        if workspace.signed_in(name):
            opened(workspace.reader(name))
            return
        pane.wanted = (str(place.location), "")
        pane.say(f"Signing in to {clean(name)} …\n\nesc stops it.", opening=True)
        self._context.run(
            ("open", pane.side),
            lambda: workspace.reader(name),
            opened,
            lambda error: self._not_opened(pane, error),
        )

    async def show_now(self, pane: Pane, place: Place, standing: Standing, *, remember: bool = True) -> None:
        """As `show_anew`, on a server that is signed in to."""
        from xnat_tui.services.browsing.trees import Side

        model, rows = pane.browse(Side(self._context.workspace.reader(place.server), place))
        await self._show(pane, Visit(place, model, rows), remember=remember)
        self._levels.read(pane, model, rows, standing)

    def find_again(self, pane: Pane, visit: Visit, standing: Standing, *, shown: bool) -> None:
        """Show a place as it is called now: it, or something above it, may have got another label. Where it
        is `shown`, and none did, it stays as it is."""
        workspace = self._context.workspace

        def find() -> Place:
            return renewed(workspace.reader(visit.place.server), visit.place)

        def found(place: Place) -> None:
            visit.renamed = False
            same = place.location == visit.place.location
            if pane.visit is visit and not (shown and same):
                self.show_anew(pane, place, standing, remember=False)

        def gone(error: XnatTuiError) -> None:
            if pane.visit is visit:
                self._not_opened(pane, error)

        self._context.run(("renewed", pane.side), find, found, gone)

    async def revisit(self, pane: Pane, visit: Visit) -> None:
        """Show a tree again that this pane has shown before, as it was left."""
        standing = Standing.of(visit.rows)
        if visit.renamed:
            self.find_again(pane, visit, standing, shown=False)
        elif not self._holds(pane, visit):
            self.show_anew(pane, visit.place, standing, remember=False)
        else:
            await self._show(pane, visit, remember=False)
            if pane.pair_tree is not None:
                pane.pair_tree.ask_for_unread()

    def renew(self) -> None:
        """After servers were signed in to anew: panes that still show the session before are read again."""
        for pane in self._panes:
            if pane.model is None or pane.rows is None or pane.root is None:
                continue
            shown = Visit(pane.root, pane.model, pane.rows)
            if self._context.workspace.signed_in(pane.root.server) and not self._holds(pane, shown):
                self.show_anew(pane, pane.root, Standing.of(pane.rows), remember=False)

    def _holds(self, pane: Pane, visit: Visit) -> bool:
        """Whether the session that a tree was read with is still there."""
        workspace, name = self._context.workspace, visit.place.server
        side = visit.model.destination if pane.right else visit.model.source
        return side is not None and workspace.signed_in(name) and workspace.reader(name) is side.reader

    async def _show(self, pane: Pane, visit: Visit, *, remember: bool) -> None:
        if self._panes.linked is not None:
            await self._panes.linked.release()
        await pane.show(visit.model, visit.rows)
        if remember:
            pane.remember(visit)
        elif pane.at >= 0:
            pane.history[pane.at] = visit
        if pane is self._panes.active:
            pane.focus_tree()
        self._context.main.situation_changed()

    def _not_opened(self, pane: Pane, error: XnatTuiError) -> None:
        lines = [
            f"! {error.message}",
            error.hint,
            "r tries again, o opens another place, ctrl+o shows servers.",
        ]
        pane.say(clean_lines("\n\n".join(line for line in lines if line)))
        self._context.remember(f"{error.title}: {error.message}")
        self._context.main.situation_changed()

    def stop(self) -> bool:
        """Stop what the active pane waits for; False when it waits for nothing that is slow or in sight."""
        pane = self._panes.active
        if self._context.loader.waits(("open", pane.side)):
            self._context.loader.drop(("open", pane.side))
            pane.say("Stopped.\n\nr tries again, o opens another place.")
            self._context.main.situation_changed()
            return True
        return self._levels.stop()


def renewed(reader: Reader, place: Place) -> Place:
    """The same items as they are called now, by their IDs. Raises NotFound, and whatever reading raises."""
    found = Place(place.server)
    for item in place.items:
        listing = reader.below(found, item.kind)
        if listing.error is not None:
            raise listing.error
        now = next((one for one in listing.items if one.id == item.id), None)
        if now is None:
            raise NotFound(f"{place.location} is no longer there.", "It was deleted, moved or unshared.")
        found = found.child(now)
    return found
