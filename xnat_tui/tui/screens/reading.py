"""Panels ask a server for what they show: in the background, with failures said in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.widget import Widget

from xnat_tui.errors import XnatTuiError
from xnat_tui.tui.screens.panel import Panel

if TYPE_CHECKING:
    from xnat_tui.services.reading import Reader
    from xnat_tui.tui.app import Explorer

T = TypeVar("T")
Failed = Callable[[XnatTuiError], None]


def explorer_of(panel: Widget) -> Explorer:
    from xnat_tui.tui.app import Explorer

    app = panel.app
    assert isinstance(app, Explorer)
    return app


def ask_server(
    panel: Panel[Any],
    what: str,
    do: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Failed | None = None,
) -> None:
    """Run a call off the screen for a panel; the answer to one that was left meanwhile is dropped.

    A second call with the same `what` makes the first one's answer stale.
    """

    def take(result: Any) -> None:
        if panel.is_attached:
            done(result)

    def refuse(error: XnatTuiError) -> None:
        if panel.is_attached:
            (failed or (lambda one: complain_of(panel, one)))(error)

    explorer_of(panel).loader.submit((what, id(panel)), do, take, refuse)


def complain_of(panel: Panel[Any], error: XnatTuiError) -> None:
    panel.complain(f"! {error.message}" + (f"\n{error.hint}" if error.hint else ""))


def read_only(panel: Panel[Any], server: str) -> str:
    """Why nothing can be written to a server, in words; "" where it can."""
    marked = explorer_of(panel).workspace.server(server).read_only
    return f"{server} is marked read-only here." if marked else ""


def refuses_writing(panel: Panel[Any], server: str) -> bool:
    """Whether nothing can be written, which is then said in the panel."""
    refusal = read_only(panel, server)
    if refusal:
        panel.complain(f"! {refusal}")
    return bool(refusal)


class ReadingPanel(Panel[T]):
    """A panel with one thing to read."""

    @property
    def explorer(self) -> Explorer:
        return explorer_of(self)

    def reader(self, server: str) -> Reader:
        """Signs in if need be: only for calls that run off the screen."""
        return self.explorer.workspace.reader(server)

    def read(
        self, what: str, do: Callable[[], Any], done: Callable[[Any], None], failed: Failed | None = None
    ) -> None:
        ask_server(self, what, do, done, failed)

    def complain_of(self, error: XnatTuiError) -> None:
        complain_of(self, error)
