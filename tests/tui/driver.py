"""Drive the whole explorer against demo servers, and read its screen as text."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from xnat_tui import config
from xnat_tui.demo.faults import Fault
from xnat_tui.tui.app import Explorer
from xnat_tui.tui.explorer.pane import Pane
from xnat_tui.tui.explorer.rows import Rows
from xnat_tui.tui.explorer.screen import MainScreen
from xnat_tui.tui.panels.panel import Panel

SCREENS = Path(__file__).parent / "screens"
REGENERATE = "XNAT_TUI_WRITE_SCREENS"
"""With this variable set, screens are written in place of being compared: read what `git diff` shows then."""

_KEYS = frozenset({"tab", "enter", "escape", "down", "space", "ctrl+o", "ctrl+n", "ctrl+s", "ctrl+d", "end"})

P = TypeVar("P", bound=Panel)
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

    @property
    def rows(self) -> Rows:
        """Those of the left side, on which a place is open."""
        assert self.source.rows is not None
        return self.source.rows

    def panel(self, kind: type[P]) -> P:
        """The one on top, which is of this kind."""
        assert isinstance(self.app.screen, kind)
        return self.app.screen

    async def press(self, *keys: str) -> None:
        """Press keys, each when everything that the one before asked for has arrived."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type plain text into the focused field, as fast as a terminal takes it."""
        self.burst(*text)
        await self.settle()

    def burst(self, *typed: str) -> None:
        """All at once, as an autotyper or a slow line sends it: names of keys, and text letter by letter."""
        for word in typed:
            keys = [Key(word, None)] if word in _KEYS else [Key(_character_to_key(one), one) for one in word]
            for key in keys:
                key.set_sender(self.app)
                self.app.post_message(key)

    async def settle(self) -> None:
        """Until no call is under way and nothing is left to draw."""
        while True:
            while self.main.details.resting is not None:
                await self.pilot.pause(0.02)
            await self.app.context.loader.until_idle()
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
            busy = self.app.context.loader.waiting or len(self.app.workers) or self.main.details.resting
            if not busy and self.app.keys_in_order.settled and await self._stands_still():
                return

    async def _stands_still(self) -> bool:
        """Whether the screen is the same after everything in line had its turn."""
        before = self.screen
        for _ in range(3):
            await self.pilot.pause()
        return self.screen == before

    async def until(self, done: Callable[[], bool]) -> None:
        """Until something that goes on by itself has come about; the suite's time-out is the limit."""
        while not done():
            await self.pilot.pause(0.02)
        await self.settle()

    async def until_shown(self, text: str) -> None:
        """Until a text is on the screen, whatever is still under way."""
        while _flat(text) not in _flat(self.screen):
            await self.pilot.pause(0.02)

    async def until_hit(self, fault: Fault) -> None:
        """Until a request has met a fault, whatever is still under way."""
        while not fault.fired:
            await self.pilot.pause(0.02)

    async def compared(self) -> None:
        """Until the comparison has ended and was shown."""
        comparison = self.main.comparison
        await self.until(lambda: comparison.shown is not None and comparison.shown.progress.ended)
        await self.until(lambda: not comparison.looks)

    @property
    def screen(self) -> str:
        """What the terminal shows, blanks at the ends of lines cut."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def lines(self) -> list[str]:
        return self.screen.splitlines()

    def shows(self, name: str) -> None:
        """The screen is, to the character, the one in `screens/NAME.txt`. Ports are written as #####."""
        seen = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda port: "#" * len(port[0]), self.screen) + "\n"
        file = SCREENS / f"{name}.txt"
        if os.environ.get(REGENERATE):
            file.write_text(seen, encoding="utf-8")
        expected = file.read_text(encoding="utf-8")
        assert seen.splitlines() == expected.splitlines(), f"{name}:\n{seen}"

    def has(self, *texts: str) -> None:
        """Each text is seen, line ends and borders of a wrapped one aside."""
        seen = _flat(self.screen)
        for text in texts:
            assert _flat(text) in seen, f"{text!r} is not on the screen:\n{self.screen}"

    def lacks(self, *texts: str) -> None:
        for text in texts:
            assert _flat(text) not in _flat(self.screen), f"{text!r} is on the screen:\n{self.screen}"

    async def find(self, label: str) -> None:
        """Put the cursor on the first row that is called so, by filtering; the filter is dropped again."""
        await self.press("g")
        await self.type(label)
        await self.press("enter")

    def line_with(self, text: str) -> str:
        """The one line that contains a text."""
        found = [line for line in self.lines if text in line]
        assert len(found) == 1, f"{text!r} stands in {len(found)} lines of\n{self.screen}"
        return found[0]


def _flat(text: str) -> str:
    """Without borders and blanks, so that it does not matter where a line was broken."""
    return re.sub(r"[\s│┃╭╮╰╯─▌]+", "", text)


@asynccontextmanager
async def story(source: str | None, destination: str | None, size: Size = SMALL) -> AsyncIterator[Story]:
    """The explorer on two locations; servers and state are those of XNAT_TUI_CONFIG and XNAT_TUI_STATE."""
    app = Explorer(source, destination, config.load(), driver=False)
    async with app.run_test(size=size, notifications=True) as pilot:
        told = Story(app, pilot)
        await told.settle()
        yield told
