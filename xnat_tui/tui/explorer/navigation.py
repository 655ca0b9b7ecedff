"""Ways through the archive: panes, history, addresses."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from xnat_tui.errors import NotFound
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.context import Context
from xnat_tui.tui.explorer.comparison import ShownComparison
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.panes import Panes
from xnat_tui.tui.explorer.places import Places
from xnat_tui.tui.explorer.position import Standing, path_of
from xnat_tui.tui.panels.ask import AskChoice, Choice
from xnat_tui.tui.panels.go import GoPanel, Loaded
from xnat_tui.tui.panels.reading import ask_server

if TYPE_CHECKING:
    from xnat_tui.services.browsing.site_search import Found, SiteFound
    from xnat_tui.services.workspace import Workspace


class Navigation:
    """What moves a pane somewhere else."""

    def __init__(self, context: Context, panes: Panes, places: Places, comparison: ShownComparison) -> None:
        self._context = context
        self._panes = panes
        self._places = places
        self._comparison = comparison

    # panes

    def other_pane(self) -> None:
        self._panes.activate(self._panes.other)

    def zoom(self) -> None:
        self._panes.zoomed = not self._panes.zoomed
        self._panes.show()

    async def swap(self) -> None:
        """Source and destination change places; a comparison starts anew the other way round."""
        comparison = self._comparison
        roots = comparison.roots
        if comparison.on:
            await comparison.release()
        left, right = self._panes.source, self._panes.destination
        stood = [(pane.root, Standing.of(pane.rows)) for pane in (right, left)]
        for pane, (place, standing) in zip((left, right), stood, strict=True):
            if place is None:
                pane.clear()
            else:
                await self._places.show_now(pane, place, standing)
        if roots is not None:
            await comparison.start(roots[1], roots[0])

    def open_there(self) -> None:
        place = self._panes.here
        if place is None:
            self._context.say("That is not on this side.")
        else:
            self._places.open_place(self._panes.other, place)

    def up(self) -> None:
        """What holds the place that this pane shows, the cursor on where it was."""
        pane = self._panes.active
        root = pane.root
        if root is None:
            self._context.say("Nothing is open in this pane.")
        elif self._comparison.on:
            self._context.say("Comparing: esc leaves it, then backspace goes up.")
        elif root.kind is Kind.SERVER:
            self._context.say("This is the whole server: o opens another one.")
        else:
            self._places.show_anew(pane, root.parent, Standing(cursor=path_of(root.items[-1:])))

    async def back(self) -> None:
        await self._travel(-1)

    async def forward(self) -> None:
        await self._travel(1)

    async def _travel(self, step: int) -> None:
        pane = self._panes.active
        at = pane.at + step
        if pane.model is None and step < 0:  # what was to be opened is not: back is where it stood
            at = pane.at
        if 0 <= at < len(pane.history):
            pane.at = at
            await self._places.revisit(pane, pane.history[at])
        else:
            self._context.say("There is nothing before this." if step < 0 else "There is nothing ahead.")

    # going to a place

    async def open_both(self, source: str, destination: str) -> None:
        """Open two locations, one a pane; a comparison of others ends."""
        if self._comparison.on:
            await self._comparison.release()
        for pane, text in ((self._panes.source, source), (self._panes.destination, destination)):
            self._places.open_text(pane, text)

    def open_place(self) -> None:
        """Pick a server, then a project, and open it in this pane."""
        servers = self._context.workspace.settings.servers
        choices = [Choice(name, name, server.url) for name, server in servers.items()]
        choices.append(Choice("", "Servers…", "add, test or change a server"))
        pane = self._panes.active

        def chosen(name: str | None) -> None:
            if name == "":
                self._context.main.action_do("app.servers")
            elif name:
                self._choose_project(pane, name)

        side = "destination (right)" if pane.right else "source (left)"
        self._context.ask(AskChoice(f"Open in the {side} pane", choices), chosen)

    def _choose_project(self, pane: Pane, server: str) -> None:
        workspace = self._context.workspace

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
                self._places.open_text(pane, text)

        asking = "asking for its projects …"
        panel = AskChoice(f"Open on {server}", [Choice(f"{server}:", "all projects", asking)])
        self._context.ask(panel, chosen)
        ask_server(panel, "projects", read, panel.replace)

    def go(self) -> None:
        pane = self._panes.active
        root = pane.root

        def find(text: str) -> Place | SiteFound:
            return _found(self._context.workspace, text, root)

        def reach(found: Found) -> Place:
            return self._context.workspace.find_one(found.location)

        def chosen(answer: Loaded | Place | None) -> None:
            if isinstance(answer, Loaded):
                if pane.pair_tree is not None:
                    pane.pair_tree.goto_pair(answer.pair)
            elif answer is not None:
                self._places.go_to(pane, answer)

        site = root.server if root is not None else ""
        self._context.ask(GoPanel(_loaded(pane), find, reach, site), chosen)


def _loaded(pane: Pane) -> list[Loaded]:
    """Everything with a label that this pane knows."""
    if pane.rows is None:
        return []
    pairs = (pair for pair in pane.rows.root.walk() if pair.group is None and pair.parent is not None)
    return [Loaded(pair) for pair in pairs]


def _found(workspace: Workspace, text: str, root: Place | None) -> Place | SiteFound:
    """What was typed: an address or location, a path where a pane shows `root`, or whatever that server has
    that is called so."""
    from xnat_tui.services.browsing.site_search import search

    if "://" in text or ":" in text.split("/")[0] or root is None:
        return workspace.find_one(text)
    server = root.server
    if text.startswith("/"):
        return workspace.find_one(workspace.server(server).url + text)
    if "/" in text:
        return workspace.find_one(f"{server}:{text}")
    found = search(workspace.reader(server), text)
    if not found.found:  # image assessors are in no list of the site
        with suppress(NotFound):
            return workspace.find_one(
                f"{workspace.server(server).url}/data/experiments/{quote(text, safe='')}"
            )
    return found
