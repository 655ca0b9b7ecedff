"""A panel that asks a server for what it shows: in the background, with failures said in place."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.screens.panel import Panel

if TYPE_CHECKING:
    from xnat_tui.services.reading import Reader
    from xnat_tui.tui.app import Explorer

T = TypeVar("T")


class ReadingPanel(Panel[T]):
    """`read` runs a call off the screen; answers to a panel that was left are dropped."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._asked: set[Hashable] = set()

    @property
    def explorer(self) -> Explorer:
        from xnat_tui.tui.app import Explorer

        assert isinstance(self.app, Explorer)
        return self.app

    def reader(self, server: str) -> Reader:
        """Signs in if need be: only for calls that run off the screen."""
        return self.explorer.workspace.reader(server)

    def read_only(self, server: str) -> str:
        """Why nothing can be written to a server, in words; "" where it can."""
        marked = self.explorer.workspace.server(server).read_only
        return f"{server} is marked read-only here." if marked else ""

    def read(
        self,
        what: str,
        do: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[XnatTuiError], None] | None = None,
    ) -> None:
        """A second call with the same `what` makes the first one's answer stale."""
        key = (what, id(self))
        self._asked.add(key)

        def take(result: Any) -> None:
            if self.is_attached:
                done(result)

        def refuse(error: XnatTuiError) -> None:
            if self.is_attached:
                (failed or self.complain_of)(error)

        self.explorer.loader.submit(key, do, take, refuse)

    def complain_of(self, error: XnatTuiError) -> None:
        self.complain(f"! {error.message}" + (f"\n{error.hint}" if error.hint else ""))

    def on_unmount(self) -> None:
        for key in self._asked:
            self.explorer.loader.drop(key)
