"""Ways through the archive: panes, history, addresses, bookmarks, servers, filter and sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from xnat_tui import config
from xnat_tui.errors import XnatTuiError
from xnat_tui.model.display import clean, clean_lines
from xnat_tui.model.entities import Kind
from xnat_tui.model.pairing import Pair
from xnat_tui.model.place import Place
from xnat_tui.tui.narrowing import Order
from xnat_tui.tui.screens.ask import AskChoice, AskText, Choice
from xnat_tui.tui.widgets.pane import Pane, openable

if TYPE_CHECKING:
    from xnat_tui.tui.screens.main import MainScreen
    from xnat_tui.tui.screens.servers import Opened


class Going:
    """What moves a pane somewhere else, or shows less or other of what it holds."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    # panes

    def do_other_pane(self) -> None:
        screen = self._screen
        other = screen.other
        other.set_class(False, "-hidden")
        other.focus_tree()

    def do_zoom(self) -> None:
        self._screen.zoomed = not self._screen.zoomed
        self._screen.show_panes()

    async def do_swap(self) -> None:
        """Source and destination change places; a comparison starts anew the other way round."""
        screen = self._screen
        comparing = screen.comparing
        roots = (screen.source.root, screen.destination.root)
        compared = comparing.on
        if compared:
            await comparing.release()
        one, other = screen.source.root, screen.destination.root
        for pane, place in ((screen.source, other), (screen.destination, one)):
            if place is None:
                pane.say("Nothing is open here.")
            else:
                await screen.open_place(pane, place)
        if compared and roots[0] is not None and roots[1] is not None:
            await comparing.start(roots[1], roots[0])

    def do_open_there(self) -> None:
        screen = self._screen
        pair = screen.cursor
        place = screen.active.place_of(pair)
        if place is not None:
            self._open_at(screen.other, place)

    def do_back(self) -> None:
        self._travel(-1)

    def do_forward(self) -> None:
        self._travel(1)

    def _travel(self, step: int) -> None:
        pane = self._screen.active
        at = pane.at + step
        if 0 <= at < len(pane.history):
            pane.at = at
            self._screen.run_worker(self._screen.open_place(pane, pane.history[at], remember=False))
        else:
            self._screen.say("There is nothing before this." if step < 0 else "There is nothing ahead.")

    # going to a place

    def do_open_place(self) -> None:
        """Pick a server, then a project, and open it in this pane."""
        screen = self._screen
        servers = screen.explorer.workspace.settings.servers
        choices = [Choice(f"{name}:", name, server.url) for name, server in servers.items()]
        choices.append(Choice("", "Servers…", "add, test or change a server"))

        def chosen(text: str | None) -> None:
            if text == "":
                self.do_servers()
            elif text:
                self._choose_project(screen.active, text)

        screen.app.push_screen(AskChoice("Open in this pane", choices), chosen)

    def _choose_project(self, pane: Pane, server: str) -> None:
        screen = self._screen
        workspace = screen.explorer.workspace

        def read() -> list[Choice]:
            listing = workspace.reader(server.removesuffix(":")).below(
                Place(server.removesuffix(":")), Kind.PROJECT
            )
            if listing.error is not None:
                raise listing.error
            return [
                Choice(f"{server}{item.key}", item.key, item.fields.get("name", "")) for item in listing.items
            ]

        def show(projects: list[Choice]) -> None:
            whole = Choice(server, "all projects", "the server itself")

            def chosen(text: str | None) -> None:
                if text:
                    self.open_text(pane, text)

            screen.app.push_screen(AskChoice(f"Open on {server}", [whole, *projects]), chosen)

        screen.explorer.loader.submit("choose", read, show, screen.explorer.report)

    def do_go(self) -> None:
        screen = self._screen
        pane = screen.active
        root = pane.root
        labels = self._loaded_labels(pane)

        def chosen(text: str | None) -> None:
            if not text:
                return
            if text in labels and pane.pair_tree is not None:
                pane.pair_tree.goto_pair(labels[text])
            else:
                self.open_text(pane, self._completed(text.strip(), root))

        title = "Go to an address, an ID or a label"
        screen.app.push_screen(
            AskText(
                title,
                "Paste a browser or REST address, type NAME:PROJECT/SUBJECT, an ID or a label.",
                done="Go",
            ),
            lambda text: chosen(self._nearest(text, list(labels))),
        )

    def _loaded_labels(self, pane: Pane) -> dict[str, Pair]:
        if pane.rows is None:
            return {}
        return {
            pair.key: pair for pair in pane.rows.root.walk() if pair.group is None and pair.parent is not None
        }

    @staticmethod
    def _nearest(text: str | None, labels: list[str]) -> str | None:
        """A label that is loaded and is what was typed, or begins or contains it."""
        if not text or ":" in text or "/" in text:
            return text
        wanted = text.strip().casefold()
        for fits in (str.__eq__, str.startswith, str.__contains__):
            for label in labels:
                if fits(label.casefold(), wanted):
                    return label
        return text

    @staticmethod
    def _completed(text: str, root: Place | None) -> str:
        """What was typed without a server is meant on this pane's: a path, or an accession ID."""
        if "://" in text or ":" in text.split("/")[0] or root is None:
            return text
        if text.startswith("/"):
            return f"\0{root.server}\0{text}"
        if "/" in text or not root.items:
            return f"{root.server}:{text}"
        return f"\0{root.server}\0/data/experiments/{text}"

    def open_text(self, pane: Pane, text: str) -> None:
        """Look a location up and open it; the cursor goes to what cannot be a root itself."""
        screen = self._screen
        workspace = screen.explorer.workspace
        pane.say(f"Opening {clean(text.replace(chr(0), ' ').strip())} …")

        def find() -> Place:
            if text.startswith("\0"):
                _, server, path = text.split("\0")
                return workspace.find_one(workspace.server(server).url + path)
            return workspace.find_one(text)

        def failed(error: XnatTuiError) -> None:
            hint = f"\n\n{error.hint}" if error.hint else ""
            pane.say(clean_lines(f"! {error.message}{hint}\n\no opens another place, R tries again."))
            pane.wanted = text
            screen.explorer.remember(f"{error.title}: {error.message}")
            screen.situation_changed()

        screen.explorer.loader.submit(
            ("open", pane.side), find, lambda place: self._open_at(pane, place), failed
        )

    def _open_at(self, pane: Pane, place: Place) -> None:
        inside = place
        while not openable(inside.kind):
            inside = inside.parent
        self._screen.run_worker(self._screen.open_place(pane, inside))

    # bookmarks and servers

    def do_bookmarks(self) -> None:
        screen = self._screen
        saved = screen.explorer.workspace.settings.bookmarks
        if not saved:
            screen.say("No bookmark is saved yet; B saves one.")
            return

        def chosen(text: str | None) -> None:
            if text:
                self.open_text(screen.active, text)

        choices = [Choice(location, name, location) for name, location in saved.items()]
        screen.app.push_screen(AskChoice("Bookmarks", choices), chosen)

    def do_add_bookmark(self) -> None:
        screen = self._screen
        place = screen.active.place_of(screen.cursor)
        if place is None:
            screen.say("That is not on this side.")
            return
        location = str(place.location)

        def named(name: str | None) -> None:
            if name:
                try:
                    config.save_bookmark(name, location)
                except XnatTuiError as error:
                    screen.explorer.report(error)
                    return
                screen.explorer.workspace.reload_settings()
                screen.say(f"Saved bookmark {name}: {location}")

        name = place.location.name
        screen.app.push_screen(
            AskText("Add bookmark", f"Name for {location}:", value=name, done="Save"), named
        )

    def do_servers(self) -> None:
        from xnat_tui.tui.screens.servers import ServersPanel

        screen = self._screen

        def answered(opened: Opened | None) -> None:
            if opened is not None:
                pane = screen.destination if opened.right else screen.source
                self.open_text(pane, f"{opened.server}:")

        panel = ServersPanel(
            screen.explorer.workspace,
            right=screen.active.right,
            demo_offered=not screen.explorer.workspace.settings.servers,
        )
        screen.app.push_screen(panel, answered)

    # filter, sort, reload

    def do_filter(self) -> None:
        line = self._screen.query_one("#filter", Input)
        line.set_class(True, "-shown")
        line.focus()

    def filter_changed(self, text: str) -> None:
        tree = self._screen.active.pair_tree
        if tree is not None:
            tree.filter(text)
            self._screen.show_status()

    def close_filter(self, *, drop: bool) -> None:
        line = self._screen.query_one("#filter", Input)
        if drop:
            line.value = ""
            self.filter_changed("")
        line.set_class(False, "-shown")
        self._screen.active.focus_tree()
        self._screen.show_status()

    def do_sort(self) -> None:
        screen = self._screen
        tree = screen.active.pair_tree
        if tree is None:
            return

        def chosen(order: str | None) -> None:
            if order:
                tree.sort(Order(order))
                screen.show_status()

        choices = [Choice(order.value, order.value) for order in Order]
        screen.app.push_screen(AskChoice("Sort siblings by", choices), chosen)

    def do_empty_groups(self) -> None:
        tree = self._screen.active.pair_tree
        if tree is not None:
            tree.show_empty(not tree.rows.narrowing.show_empty)

    def do_reload(self) -> None:
        screen = self._screen
        pane = screen.active
        row = pane.rows.current if pane.rows is not None else None
        if row is None or pane.model is None or pane.pair_tree is None:
            self.do_reload_pane()
            return
        pair = row.pair
        pane.model.forget(pair)
        if screen.comparing.on:
            screen.comparing.refill(pair)
        pane.pair_tree.pairs_changed(pair)

    def do_reload_pane(self) -> None:
        self.reload_pane(self._screen.active)

    def reload_pane(self, pane: Pane) -> None:
        """Ask the server for everything in a pane again; opened rows stay open."""
        screen = self._screen
        if pane.model is None or pane.pair_tree is None:
            if pane.wanted:
                self.open_text(pane, pane.wanted)
            return
        pane.model.forget(pane.model.root)
        if screen.comparing.on:
            screen.comparing.refill(pane.model.root)
        pane.pair_tree.pairs_changed(pane.model.root)
        if not screen.comparing.on:
            screen.load(pane, pane.model.root)
