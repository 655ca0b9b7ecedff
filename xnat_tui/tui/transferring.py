"""Copy and export from the screen: marks → options → plan → run; and the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xnat_tui.tui.screens.main import MainScreen


class Transferring:
    """Flows of the transfers. The plan is made and run by the services."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def describe(self) -> str:
        return ""

    def running(self) -> int:
        return 0

    def stop_all(self) -> None:
        return None

    def do_copy(self) -> None:
        self._screen.say("not yet")

    def do_export(self) -> None:
        self._screen.say("not yet")

    def do_transfers(self) -> None:
        self._screen.say("not yet")
