"""Panels ask a server for what they show: in the background, with failures said in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_tui.errors import XnatTuiError
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.tui.panels.panel import Panel
from xnat_tui.tui.wording import told

if TYPE_CHECKING:
    from xnat_tui.services.reading.reader import Reader

T = TypeVar("T")
Failed = Callable[[XnatTuiError], None]


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

    panel.context.run((what, id(panel)), do, take, refuse)


def stop_asking(panel: Panel[Any], what: str, servers: Iterable[str]) -> bool:
    """Wait no more for a call of `ask_server`; False where none is under way. Servers that nobody else waits
    for are left alone at once."""
    context, key = panel.context, (what, id(panel))
    if not context.loader.waits(key):
        return False
    context.loader.drop(key)
    if not context.loader.waits_besides("jobs"):
        for server in servers:
            if context.workspace.signed_in(server):
                context.workspace.reader(server).connection.interrupt()
    return True


def complain_of(panel: Panel[Any], error: XnatTuiError) -> None:
    panel.complain("! " + "\n".join(told(error.message, error.hint)))


def project_of(place: Place) -> str:
    """The ID of a place's project; "" of a server."""
    project = place.of(Kind.PROJECT)
    return project.id if project is not None else ""


def ask_rights(panel: Panel[Any], server: str, project: str) -> None:
    """Have the panel's keys greyed where its user may not write to a project."""

    def told() -> None:
        if panel.is_attached:
            panel.call_after_refresh(panel.show_keys)  # its widgets stand then

    panel.context.rights.ask(server, project, told)


def refuses_writing(panel: Panel[Any]) -> bool:
    """Whether nothing can be written, which is then said in the panel."""
    if panel.refusal:
        panel.complain(f"! {panel.refusal}")
    return bool(panel.refusal)


class ReadingPanel(Panel[T]):
    """A panel with one thing to read."""

    def reader(self, server: str) -> Reader:
        """Signs in if need be: only for calls that run off the screen."""
        return self.context.workspace.reader(server)

    def read(
        self, what: str, do: Callable[[], Any], done: Callable[[Any], None], failed: Failed | None = None
    ) -> None:
        ask_server(self, what, do, done, failed)

    def complain_of(self, error: XnatTuiError) -> None:
        complain_of(self, error)
