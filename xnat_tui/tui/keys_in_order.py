"""Keys reach what they were pressed for, in order, however late the screen is.

Textual moves the focus, mounts a panel and calls back after one later than the key that asked for it: what is
typed on in the meantime would reach what had the focus before. So the next key waits until the one before it
has been followed through everything that it set off. And a key that was pressed before the screen turned by
itself, as an answer arrived, was meant for what was shown then: it is dropped, never given to another screen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from textual.app import App, ScreenStackError
from textual.events import Key, Paste
from textual.message_pump import MessagePump

Typed: TypeAlias = Key | Paste
Seen: TypeAlias = tuple[object, object, int]

_ALIKE = 2
"""Rounds that have to end as they began: what a key set off may pass two queues before it can be seen."""
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 10.0
"""A screen that takes longer is given up: what was typed for it is dropped, and keys are taken again."""


class KeysInOrder:
    """Between the terminal and Textual's way of handing on keys.

    A round passes through the queues of the widget with the focus, of all that hold it, and of the app, each
    time behind what stands there: what a key set off has then been done, or has come one queue further.
    """

    def __init__(self, app: App[Any], give: Callable[[Typed], Awaitable[None]]) -> None:
        """`give` does with a key what Textual does with it."""
        self._app = app
        self._give = give
        self._waiting: deque[Typed] = deque()
        self._route: deque[MessagePump] = deque()
        self._at: MessagePump | None = None
        """Whose queue the round stands in."""
        self._round = 0
        self._seen: Seen | None = None
        self._alike = 0
        self._following = False
        self._since = 0.0
        self._held = 0
        self._watched = False
        self._turned = -1.0
        """When the screen last turned by itself."""
        self._by_itself = False

    @property
    def settled(self) -> bool:
        """Whether everything that was typed has been followed through."""
        return not self._following and not self._waiting

    async def take(self, typed: Typed) -> None:
        """Call this in the app's queue with what the terminal sent."""
        if self._following and self._opening and isinstance(typed, Key) and typed.key == "escape":
            self._waiting.clear()  # a form that a server keeps waiting for can be left
            self._round += 1
            self._end()
        self._waiting.append(typed)
        if self._following:
            self._watch()
        else:
            await self._next()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While something goes on that a key asked for, such as putting another tree in a pane."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._following and self._at is None:
                self._begin_round()

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """While an answer is handed over: what turns the screen now was asked for by no key."""
        self._by_itself = True
        try:
            yield
        finally:
            self._by_itself = False

    def turned(self) -> None:
        """Another screen is on top."""
        if self._by_itself or not self._following:
            self._turned = time.monotonic()

    async def _next(self) -> None:
        while self._waiting and not self._following:
            typed = self._waiting.popleft()
            if typed.time < self._turned:
                continue
            self._following, self._since = True, time.monotonic()
            self._seen, self._alike = None, 0
            await self._give(typed)
            self._begin_round()

    def _begin_round(self) -> None:
        self._round += 1
        try:
            screen = self._app.screen
        except ScreenStackError:  # it is being left
            self._end()
            return
        self._route = deque((screen.focused or screen).ancestors_with_self)
        self._hop(self._round)

    def _hop(self, number: int) -> None:
        if number != self._round or not self._following:
            return
        while self._route:
            self._at = self._route.popleft()
            if self._at.call_later(self._hop, number):
                return
        self._at = None
        self._end_round()

    def _end_round(self) -> None:
        seen = self._look()
        self._alike = self._alike + 1 if seen == self._seen else 0
        self._seen = seen
        if self._alike < _ALIKE:
            self._begin_round()
        elif self._opening:
            self._watch()
        elif not self._held:
            self._end()

    @property
    def _opening(self) -> bool:
        """Whether the screen on top still waits for the fields that one types into."""
        try:
            return bool(getattr(self._app.screen, "opening", False))
        except ScreenStackError:
            return False

    def _look(self) -> Seen | None:
        try:
            return self._app.screen, self._app.screen.focused, len(self._app.screen_stack)
        except ScreenStackError:
            return None

    def _end(self) -> None:
        self._following, self._at = False, None
        if self._waiting:
            self._app.call_later(self._next)

    # what never answers

    def _watch(self) -> None:
        """Queues of what was taken away are never emptied: look whether the round stands in one."""
        if not self._watched:
            self._watched = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_after)

    def _look_after(self) -> None:
        self._watched = False
        if not self._following:
            return
        if time.monotonic() - self._since > _LONGEST_SECONDS:
            self._round += 1
            self._waiting.clear()
            self._app.bell()
            self._end()
            return
        at_rest = self._at is None and not self._opening and not self._held
        if at_rest or (self._at is not None and not self._at.is_running):
            self._round += 1
            self._seen, self._alike = None, 0
            self._begin_round()
        self._watch()
