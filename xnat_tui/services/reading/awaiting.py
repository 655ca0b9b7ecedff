"""Waiting for questions that other threads ask, and hearing what they have to say meanwhile.

A listing may be waited for minutes: who waits can always stop it, by an event or by ctrl+c.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

from xnat_tui.errors import Interrupted
from xnat_tui.model.notice import Notice
from xnat_tui.xnat.http.connection import Connection

T = TypeVar("T")

LOOK_SECONDS = 0.2
"""How soon a stop is noticed."""


def results(
    futures: Sequence[Future[T]], *connections: Connection, stop: threading.Event | None = None
) -> list[T]:
    """What they return, in order. Raises Interrupted after `stop`.

    Then, and with ctrl+c, what these connections ask ends at once, and what has not begun never does.
    """
    waiting = set(futures)
    try:
        while waiting:
            _, waiting = wait(waiting, LOOK_SECONDS if stop is not None else None)
            if waiting and stop is not None and stop.is_set():
                raise Interrupted("Stopped while the servers were asked.", "What is known is kept.")
    except BaseException:
        for future in waiting:
            future.cancel()
        for connection in connections:
            connection.interrupt()
        raise
    return [future.result() for future in futures]


@contextmanager
def interrupted_with_us(connection: Connection) -> Iterator[None]:
    """With ctrl+c inside, what the connection asks ends at once: its threads would be waited for."""
    try:
        yield
    except KeyboardInterrupt:
        connection.interrupt()
        raise


@contextmanager
def heard(connections: Iterable[Connection], hear: Callable[[Notice], None]) -> Iterator[None]:
    """Hear the notices of connections, beside whoever hears them already."""
    others = {connection: connection.on_notice for connection in connections}

    def add(other: Callable[[Notice], None] | None) -> Callable[[Notice], None]:
        def both(notice: Notice) -> None:
            hear(notice)
            if other is not None:
                other(notice)

        return both

    for connection, other in others.items():
        connection.on_notice = add(other)
    try:
        yield
    finally:
        for connection, other in others.items():
            connection.on_notice = other
