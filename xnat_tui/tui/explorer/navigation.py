"""Ways through the archive: panes, history, addresses, bookmarks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from xnat_tui import config
from xnat_tui.errors import NotFound, XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.position import Standing
from xnat_tui.tui.panels.ask import AskChoice, AskText, Choice
from xnat_tui.tui.panels.go import GoPanel, Loaded
from xnat_tui.tui.panels.reading import ask_server

if TYPE_CHECKING:
    from xnat_tui.services.workspace import Workspace
    from xnat_tui.tui.explorer.screen import MainScreen


class Going:
    """What moves a pane somewhere else."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    # panes

    def do_other_pane(self) -> None:
        screen = self._screen
        screen.activate(screen.other)

    def do_zoom(self) -> None:
        self._screen.zoomed = not self._screen.zoomed
        self._screen.show_panes()

    async def do_swap(self) -> None:
        """Source and destination change places; a comparison starts anew the other way round."""
        screen = self._screen
        comparing = screen.comparing
        roots = comparing.roots
        if comparing.on:
            await comparing.release()
        left, right = screen.source, screen.destination
        stood = [(pane.root, Standing.of(pane.rows)) for pane in (right, left)]
        for pane, (place, standing) in zip((left, right), stood, strict=True):
            if place is None:
                pane.clear()
            else:
                await screen.opening.show_now(pane, place, standing)
        if roots is not None:
            await comparing.start(roots[1], roots[0])

    def do_open_there(self) -> None:
        screen = self._screen
        place = screen.active.place_of(screen.cursor)
        if place is None:
            screen.say("That is not on this side.")
        else:
            screen.opening.open_place(screen.other, place)

    async def do_back(self) -> None:
        await self._travel(-1)

    async def do_forward(self) -> None:
        await self._travel(1)

    async def _travel(self, step: int) -> None:
        pane = self._screen.active
        at = pane.at + step
        if pane.model is None and step < 0:  # what was to be opened is not: back is where it stood
            at = pane.at
        if 0 <= at < len(pane.history):
            pane.at = at
            await self._screen.opening.revisit(pane, pane.history[at])
        else:
            self._screen.say("There is nothing before this." if step < 0 else "There is nothing ahead.")

    # going to a place

    def do_open_place(self) -> None:
        """Pick a server, then a project, and open it in this pane."""
        screen = self._screen
        servers = screen.explorer.workspace.settings.servers
        choices = [Choice(name, name, server.url) for name, server in servers.items()]
        choices.append(Choice("", "Servers…", "add, test or change a server"))

        def chosen(name: str | None) -> None:
            if name == "":
                screen.panels.do_servers()
            elif name:
                self._choose_project(screen.active, name)

        side = "destination (right)" if screen.active.right else "source (left)"
        screen.app.push_screen(AskChoice(f"Open in the {side} pane", choices), chosen)

    def _choose_project(self, pane: Pane, server: str) -> None:
        screen = self._screen
        workspace = screen.explorer.workspace

        def read() -> list[Choice]:
            listing = workspace.reader(server).below(Place(server), Kind.PROJECT)
            if listing.error is not None:
                raise listing.error
            whole = Choice(f"{server}:", "all projects", "the server itself")
            return [
                whole,
                *(
                    Choice(f"{server}:{item.key}", item.key, item.fields.get("name", ""))
                    for item in listing.items
                ),
            ]

        def chosen(text: str | None) -> None:
            if text:
                screen.opening.open_text(pane, text)

        asking = "asking for its projects …"
        panel = AskChoice(f"Open on {server}", [Choice(f"{server}:", "all projects", asking)])
        screen.app.push_screen(panel, chosen)
        ask_server(panel, "projects", read, panel.replace)

    def do_go(self) -> None:
        screen = self._screen
        pane = screen.active
        root = pane.root
        loaded = _loaded(pane)

        def find(text: str) -> Place:
            return _found(screen.explorer.workspace, text, root)

        def chosen(answer: Loaded | Place | None) -> None:
            if isinstance(answer, Loaded):
                if pane.pair_tree is not None:
                    pane.pair_tree.goto_pair(answer.pair)
            elif answer is not None:
                screen.opening.open_place(pane, answer)

        screen.app.push_screen(GoPanel(loaded, find), chosen)

    # bookmarks

    def do_bookmarks(self) -> None:
        screen = self._screen
        saved = screen.explorer.workspace.settings.bookmarks
        if not saved:
            screen.say("No bookmark is saved yet; B saves one.")
            return

        def chosen(name: str | None) -> None:
            if name:
                screen.opening.open_text(screen.active, saved[name])

        choices = [Choice(name, name, location) for name, location in saved.items()]
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
                    screen.explorer.workspace.reload_settings()
                except XnatTuiError as error:
                    screen.explorer.report(error)
                    return
                screen.say(f"Saved bookmark {name}: {location}")

        panel = AskText("Add bookmark", f"Name for {location}:", value=place.location.name, done="Save")
        screen.app.push_screen(panel, named)


def _loaded(pane: Pane) -> list[Loaded]:
    """Everything with a label that this pane knows."""
    if pane.rows is None:
        return []
    pairs = (pair for pair in pane.rows.root.walk() if pair.group is None and pair.parent is not None)
    return [Loaded(pair) for pair in pairs]


def _found(workspace: Workspace, text: str, root: Place | None) -> Place:
    """What was typed: an address or location, or, where a pane shows `root`, a path, label or ID there."""
    if "://" in text or ":" in text.split("/")[0] or root is None:
        return workspace.find_one(text)
    server = root.server
    if text.startswith("/"):
        return workspace.find_one(workspace.server(server).url + text)
    if "/" in text:
        return workspace.find_one(f"{server}:{text}")
    for guess in _guesses(text, root):
        with suppress(NotFound):
            return workspace.find_one(workspace.server(server).url + guess)
    user = workspace.reader(server).connection.user
    raise NotFound(
        f"{server} has nothing that is called {text!r}.",
        f"As seen by {user}: check the label or ID, and your rights.",
    )


def _guesses(text: str, root: Place) -> Iterator[str]:
    """Where a label or an ID may stand: in this pane's project first."""
    name = quote(text, safe="")
    project = root.of(Kind.PROJECT)
    if project is not None:
        here = f"/data/projects/{quote(project.key, safe='')}"
        yield from (f"{here}/subjects/{name}", f"{here}/experiments/{name}")
    yield from (f"/data/projects/{name}", f"/data/experiments/{name}", f"/data/subjects/{name}")
