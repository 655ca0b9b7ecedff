"""Where every change is said, and heard by whoever shows or remembers what it made untrue."""

from __future__ import annotations

import threading
from collections.abc import Callable

from xnat_tui.model.changed import Changed

Listener = Callable[[Changed], None]


class Changes:
    """Writers say what they wrote; listeners hear it in the writer's thread, in the order of listening.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every change from now on; the returned function ends that."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def say(self, *changes: Changed) -> None:
        """Have every listener hear these changes. What a listener raises, the writer gets."""
        with self._lock:
            listeners = list(self._listeners)
        for changed in changes:
            for listener in listeners:
                listener(changed)
