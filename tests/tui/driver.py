"""Drive the whole explorer against demo servers, and read its screen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from xnat_tui import config
from xnat_tui.tui.app import Explorer
from xnat_tui.tui.screens.main import MainScreen
from xnat_tui.tui.widgets.pane import Pane

Size = tuple[int, int]
SMALL: Size = (80, 24)
LARGE: Size = (140, 40)


@dataclass
class Story:
    """One run of the explorer: what the user presses, and what is seen then."""

    app: Explorer
    pilot: Pilot[int]

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def source(self) -> Pane:
        return self.main.source

    @property
    def destination(self) -> Pane:
        return self.main.destination

    async def press(self, *keys: str) -> None:
        """Press keys, each when everything that the one before asked for has arrived."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type plain text into the focused field."""
        names = {" ": "space", "/": "slash", ".": "full_stop", ":": "colon", "-": "minus", "_": "underscore"}
        for character in text:
            await self.pilot.press(names.get(character, character))
        await self.settle()

    async def settle(self) -> None:
        """Until no call is under way and nothing is left to draw."""
        while True:
            await self.app.loader.until_idle()
            await self.pilot.pause()
            if not self.app.loader.waiting:
                return

    async def until(self, done: Callable[[], bool]) -> None:
        """Until something that goes on by itself has come about; the suite's time-out is the limit."""
        while not done():
            await self.pilot.pause(0.02)
        await self.settle()

    async def compared(self) -> None:
        """Until the comparison has ended and was shown."""
        comparing = self.main.comparing
        await self.until(lambda: comparing.comparison is not None and comparing.comparison.progress.ended)
        await self.until(lambda: not comparing.looks)

    @property
    def screen(self) -> str:
        """What the terminal shows, blanks at the ends of lines cut."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def lines(self) -> list[str]:
        return self.screen.splitlines()

    def line_with(self, text: str) -> str:
        """The one line that contains a text."""
        found = [line for line in self.lines if text in line]
        assert len(found) == 1, f"{text!r} stands in {len(found)} lines of\n{self.screen}"
        return found[0]


@asynccontextmanager
async def story(source: str | None, destination: str | None, size: Size = SMALL) -> AsyncIterator[Story]:
    """The explorer on two locations; servers and state are those of XNAT_TUI_CONFIG and XNAT_TUI_STATE."""
    app = Explorer(source, destination, config.load(), driver=False)
    async with app.run_test(size=size) as pilot:
        told = Story(app, pilot)
        await told.settle()
        yield told
