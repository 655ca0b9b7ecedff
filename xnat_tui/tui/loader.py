"""Calls that wait on a network, away from the screen, on daemon threads of our own.

Textual's thread workers share a handful of threads, cannot be stopped, and keep the program from
quitting until the slowest of them returns. These never do: a thread here never touches a widget, and
hands its result over to the event loop with the number of the call; stale ones are dropped.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import queue
import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from xnat_tui.errors import XnatTuiError

log = logging.getLogger("xnat_tui.loading")

THREADS = 6


class Fault(XnatTuiError):
    """A fault of this program, met on a loader's thread; the log has its trace."""

    title = "Internal error"


@dataclass(slots=True)
class _Call:
    key: Hashable
    number: int
    do: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[XnatTuiError], None]


class Loader:
    """Runs calls in the background; `done` and `failed` run where the screen lives.

    A new call with a key makes answers to older ones with that key stale, and so does `drop`. What is
    dropped goes on in its thread until the server answers or its connection is interrupted.
    """

    def __init__(
        self,
        threads: int = THREADS,
        answering: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`answering` is entered while an answer is handed over."""
        self._answering = answering
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._wanted: dict[Hashable, int] = {}
        """The number of the call that somebody still waits for, by key."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: contextvars.Context | None = None
        self._threads = threads
        self._started = False
        self.waiting = 0
        """Calls that were asked for and have not ended yet."""
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        """Call this on the event loop that draws."""
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # Textual finds its app there
        if not self._started:
            self._started = True
            for number in range(self._threads):
                threading.Thread(target=self._run, name=f"loader-{number}", daemon=True).start()

    def submit(
        self,
        key: Hashable,
        do: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[XnatTuiError], None],
    ) -> None:
        number = self._wanted[key] = next(self._numbers)
        self.waiting += 1
        self._idle.clear()
        self._calls.put(_Call(key, number, do, done, failed))

    def waits(self, key: Hashable) -> bool:
        """Whether an answer with this key is still to come, and wanted."""
        return key in self._wanted

    def waits_besides(self, *keys: Hashable) -> bool:
        """Whether any other answer than to these is still to come, and wanted."""
        return bool(self._wanted.keys() - set(keys))

    def post(self, do: Callable[[], None]) -> None:
        """Have something done where the screen lives, soon. Any thread may call it."""
        assert self._loop is not None, "started before anything is posted"
        try:
            self._loop.call_soon_threadsafe(do, context=self._context)
        except RuntimeError:  # the loop has closed: the program is ending
            return

    def drop(self, key: Hashable) -> None:
        """Nobody waits for answers with this key any more."""
        self._wanted.pop(key, None)

    async def until_idle(self) -> None:
        """Wait until every call has ended and was handed over, those included that these asked for."""
        await self._idle.wait()

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            result, error = outcome(call.do)
            assert self._loop is not None, "started before anything is submitted"
            try:
                self._loop.call_soon_threadsafe(self._hand_over, call, result, error, context=self._context)
            except RuntimeError:  # the loop has closed: the program is ending
                return

    def _hand_over(self, call: _Call, result: Any, error: XnatTuiError | None) -> None:
        try:
            if self._wanted.get(call.key) == call.number:
                del self._wanted[call.key]
                with self._answering():
                    if error is None:
                        call.done(result)
                    else:
                        call.failed(error)
        finally:
            self.waiting -= 1
            if self.waiting == 0:
                self._idle.set()


def outcome(do: Callable[[], Any]) -> tuple[Any, XnatTuiError | None]:
    """Call it; what it returned, or why it failed. A fault of this program is logged, too."""
    try:
        return do(), None
    except XnatTuiError as error:
        return None, error
    except Exception as error:  # a thread must never die in silence
        log.exception("fault on a loader's thread")
        return None, Fault(
            f"Something in this program failed ({type(error).__name__}).",
            "The log has the details: please report it.",
        )
